import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kiro_trio.cli.main import main
from tests.cli.program import HOUSE

# How each shell is asked for what it would offer behind these words, once it has read our script.
ASKING = {
    "bash": 'COMP_WORDS=(kiro-trio {0}); COMP_CWORD={1}; _kiro_trio_completion kiro-trio; printf "%s\\n" "${{COMPREPLY[@]}}"',
    "fish": 'complete --do-complete "kiro-trio {0}"',
}


@pytest.fixture
def program(tmp_path):
    """`kiro-trio` in a folder for PATH, which reads its environment as the installed one does."""
    path = tmp_path / "kiro-trio"
    path.write_text(f"#!{sys.executable}\nfrom kiro_trio.cli.main import main\nmain(prog_name='kiro-trio')\n")
    path.chmod(0o755)
    return tmp_path


def script(shell):
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("words", "offered"), [("doc", "doctor"), ("doctor --cred", "--credential"), ("env --shell f", "fish")]
)
def test_a_shell_completes_with_it(program, shell, words, offered):
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    asked = ASKING[shell].format(words, len(words.split()))
    done = subprocess.run(  # noqa: S603
        [found, "--norc" if shell == "bash" else "--no-config", "-c", f"{script(shell)}\n{asked}"],
        capture_output=True, text=True, check=False,
        env={"PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "HOME": str(program), "PYTHONPATH": str(HOUSE)},
    )  # fmt: skip
    assert offered in done.stdout.split(), done.stderr


def test_zsh_has_its_script_too():
    said = script("zsh")
    assert said.lstrip().startswith("#compdef kiro-trio")
    assert "_KIRO_TRIO_COMPLETE=zsh_complete" in said


def test_another_shell_is_a_usage_error():
    assert CliRunner().invoke(main, ["completion", "csh"]).exit_code == 2

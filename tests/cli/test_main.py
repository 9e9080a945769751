import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kiro_trio import __version__
from kiro_trio.cli.main import main


def run(*args):
    return CliRunner().invoke(main, args)


def test_version_needs_none_of_the_rooms():
    program = (
        "import sys; from kiro_trio.cli.main import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: print('trio' in sys.modules, 'quart' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert said.splitlines() == [f"kiro-trio, version {__version__}", "False False"]


def test_help_names_every_command_with_a_sentence_and_examples():
    said = run("--help").output
    for words in (
        r"serve +Run the gateway",
        r"simulate +Run a simulated Kiro",
        r"demo +Show the gateway",
        r"doctor +Find out what is wrong",
        r"Examples:",
    ):
        assert re.search(words, said)


@pytest.mark.parametrize("command", main.list_commands(None))
def test_every_command_has_a_help(command):
    done = run(command, "-h")
    assert done.exit_code == 0
    assert f"{command} [OPTIONS]" in done.output
    assert "Examples:" in done.output or command == "demo"


@pytest.mark.parametrize("args", [("serv",), ("serve", "--prot", "1"), ("serve", "extra")])
def test_what_is_not_there_is_a_usage_error(args):
    assert run(*args).exit_code == 2

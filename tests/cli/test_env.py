import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.cli.claude_code import IN_THE_WAY, SHELLS, claude_code_variables, said_to
from kiro_trio.cli.main import main

TELL = "import json, os, sys; print(json.dumps([os.environ.get(name) for name in sys.argv[1:]]))"

# As the shells are called here, and how they are given a script.
PROGRAMS = {
    "sh": ("sh", "-c"),
    "fish": ("fish", "--no-config", "-c"),
    "powershell": ("pwsh", "-NoProfile", "-c"),
}

NASTY = "a b'c\"d$HOME`id`\\\\e\\'f\u2019g\u201bh!i;j&k|l#m%n~o*p(q){r}"


@pytest.fixture
def clean(monkeypatch):
    for name in (*IN_THE_WAY, "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy",
                 "https_proxy", "ALL_PROXY", "all_proxy", "KIRO_TRIO_CONFIG", "KIRO_TRIO_API_KEY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def env(folder, monkeypatch, *args, **config):
    monkeypatch.chdir(folder)
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    return CliRunner().invoke(main, ["env", *args])


def evaluated(shell, script, names, **environ):
    program = shutil.which(PROGRAMS[shell][0])
    if program is None:
        pytest.skip(f"{PROGRAMS[shell][0]} is not installed")
    command = f"\"{sys.executable}\" -c '{TELL}' {' '.join(names)}"
    if shell == "powershell":
        command = f"& {command}"
    done = subprocess.run(  # noqa: S603
        [program, *PROGRAMS[shell][1:], f"{script}\n{command}"],
        capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "LC_ALL": "C.UTF-8", **environ},
    )  # fmt: skip
    assert done.stderr == b""
    return json.loads(done.stdout)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_in_exactly_what_was_meant(shell):
    variables = {"ONE": NASTY, "TWO": "", "THREE": "two\nlines"}
    script = "\n".join(said_to(shell, variables, ("FOUR",)))
    assert evaluated(shell, script, [*variables, "FOUR"], FOUR="old") == [*variables.values(), None]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
@settings(max_examples=15, deadline=None)
def test_sh_takes_in_any_text(text):
    script = "\n".join(said_to("sh", {"ONE": text}))
    assert evaluated("sh", script, ["ONE"]) == [text]


@given(st.text(max_size=40))
def test_powershell_quotes_end_where_they_should(text):
    line = next(iter(said_to("powershell", {"ONE": text})))
    inner = line.removeprefix("$env:ONE = '").removesuffix("'")
    assert line == f"$env:ONE = '{inner}'"
    kinds = "'\u2018\u2019\u201a\u201b"
    runs = "".join(letter if letter in kinds else " " for letter in inner).split()
    assert all(len(run) % 2 == 0 for run in runs)  # none of them ends the string
    for kind in kinds:
        inner = inner.replace(kind * 2, kind)
    assert inner == text


@pytest.mark.usefixtures("clean")
def test_it_says_where_the_gateway_is_and_its_key(tmp_path, monkeypatch):
    done = env(tmp_path, monkeypatch, "--shell", "sh", apiKey="sk-dum$my", host="0.0.0.0", port=8991)  # noqa: S104
    assert done.exit_code == 0, done.stderr
    names = [
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS",
        "ANTHROPIC_API_KEY",
    ]
    assert evaluated("sh", done.stdout, names) == ["http://127.0.0.1:8991", "sk-dum$my", "200000", None]
    assert "unset" not in done.stdout
    assert "NO_PROXY" not in done.stdout


@pytest.mark.usefixtures("clean")
def test_what_is_in_the_way_is_taken_out_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-dummy")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("no_proxy", "example.com")
    said = env(tmp_path, monkeypatch, "--shell", "sh", apiKey="sk-dummy", port=8991).stdout
    assert "unset ANTHROPIC_API_KEY\n" in said
    assert "sk-ant" not in said
    assert evaluated("sh", said, ["NO_PROXY", "no_proxy"]) == ["example.com,127.0.0.1"] * 2


def test_what_was_set_by_hand_stays():
    mine = {"ANTHROPIC_DEFAULT_OPUS_MODEL": "glm-5", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "9"}
    variables = claude_code_variables("http://127.0.0.1:1", "", mine)
    assert not mine.keys() & variables.keys()
    assert variables["ANTHROPIC_DEFAULT_HAIKU_MODEL"].startswith("claude-haiku-")
    assert variables["ANTHROPIC_AUTH_TOKEN"]  # or Claude Code asks for a login


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("args", "config", "code", "said"),
    [
        ((), {}, 1, "there is no config.json and so no key yet"),
        ((), {"apiKey": "sk-dummy", "port": 0}, 2, "port is 0"),
        (("--url", "kiro.example.com"), {"apiKey": "sk-dummy"}, 2, "must begin with http"),
        (("--url", "http://a\n"), {"apiKey": "sk-dummy"}, 2, "not printable"),
        (("--shell", "csh"), {"apiKey": "sk-dummy"}, 2, "csh"),
        ((), {"port": "x"}, 2, "port must be"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, monkeypatch, args, config, code, said):
    done = env(tmp_path, monkeypatch, *args, **config)
    assert done.exit_code == code
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("clean")
def test_a_url_of_ones_own_is_taken_without_its_v1(tmp_path, monkeypatch):
    done = env(
        tmp_path,
        monkeypatch,
        "--shell",
        "sh",
        "--url",
        "https://kiro.example.com/v1/",
        apiKey="sk-dummy",
        port=0,
    )
    assert "export ANTHROPIC_BASE_URL=https://kiro.example.com\n" in done.stdout

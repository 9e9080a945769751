"""Every command with everything that can be wrong: one clear line, an exit code, no traceback."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import pytest
import trio
from click.testing import CliRunner

from kiro_trio.cli.main import main
from tests.cli.program import HOUSE, PATIENCE, finished, running
from tests.end_to_end.house import prompt
from tests.secrecy.listening import read_log

GOOD = {"refreshToken": "aor-dummy-" + "x" * 120, "authMethod": "social", "accessToken": "aoa-dummy",
        "expiresAt": "2099-01-01T00:00:00Z"}  # fmt: skip

# The least that makes each command look at its files. A command that is not here makes the first test fail.
LEAST: dict[tuple[str, ...], tuple[str, ...]] = {
    ("serve",): (),
    ("login",): ("--builder-id",),
    ("accounts", "list"): ("--offline",),
    ("accounts", "import"): ("more.json",),
    ("accounts", "add"): ("--api-key", "--no-check"),
    ("accounts", "check"): (),
    ("accounts", "edit"): ("1", "--priority", "5"),
    ("accounts", "enable"): ("1",),
    ("accounts", "disable"): ("1",),
    ("accounts", "remove"): ("1", "--yes"),
    ("accounts", "export"): ("out.json", "--yes"),
    ("env",): (),
    ("claude",): ("--config", "config.json", "--program", "/bin/true"),
    ("statusline",): ("--install", "--settings", "settings.json"),
    ("doctor",): ("--no-answer",),
    ("health",): (),
    ("service", "show"): ("--manager", "systemd"),
    ("service", "install"): ("--manager", "systemd", "--no-start"),
    ("service", "uninstall"): ("--manager", "systemd"),
    ("completion",): ("bash",),
    ("replay",): ("request.json", "--live", "--yes"),
    ("simulate",): (),
    ("demo",): (),
}


def leaves(
    group: click.Group = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(leaves())


def taking(option: str, *, but: tuple[tuple[str, ...], ...] = ()) -> list[tuple[str, ...]]:
    """The commands that have this option."""
    return [
        path
        for path, command in COMMANDS.items()
        if path not in but and any(option in param.opts for param in command.params)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in os.environ:
        if name.startswith(("KIRO", "ANTHROPIC")) or name in {"SHELL", "XDG_CONFIG_HOME"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, content in (
        ("config.json", {"apiKey": "sk-dummy-key", "port": 1, "listModels": False}),
        ("credentials.json", [GOOD]),
        ("more.json", [GOOD]),
        ("request.json", prompt()),
    ):
        (tmp_path / name).write_text(json.dumps(content))
        (tmp_path / name).chmod(0o600)
    return tmp_path


def told(result, code: int, *words: str) -> None:
    """One line of error and nothing else; for a command that is called wrongly with its usage before."""
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    *before, line = result.stderr.splitlines()
    assert line.startswith("Error: "), result.stderr
    assert all(other == "" or other.startswith(("Usage: ", "Try '")) for other in before), result.stderr
    for word in words:
        assert word in line


def run(path: tuple[str, ...], *args: str, stdin: str = "ksk_dummy_key_of_the_suite\n", **environ: str):
    return CliRunner().invoke(main, [*path, *args], input=stdin, env=environ)


def test_the_table_has_every_command():
    assert set(LEAST) == set(COMMANDS)


# The config

CONFIGS = [
    (b"{", "must be JSON"),
    (b"", "must be JSON"),
    (b"\xff\xfe{}", "must be UTF-8"),
    (b"[]", "object"),
    (b'{"a":' * 100_000, "nested"),
    (b'{"port": "x"}', "port"),
    (b'{"port": 99999}', "port"),
    (b'{"region": "not a region"}', "region"),
    (b'{"proxyUrl": "gopher://proxy:1"}', "proxyUrl"),
    (b'{"upstreamUrl": "nowhere"}', "upstreamUrl"),
]
BY_CONFIG = taking("--config", but=(("doctor",), ("service", "uninstall")))


@pytest.mark.parametrize(("content", "word"), CONFIGS, ids=lambda value: repr(value)[:30])
@pytest.mark.parametrize("path", BY_CONFIG, ids=" ".join)
def test_a_config_that_cannot_be_used(folder, path, content, word):
    (folder / "config.json").write_bytes(content)
    told(run(path, *LEAST[path]), 2, "config.json", word)


@pytest.mark.parametrize("path", BY_CONFIG, ids=" ".join)
def test_a_config_that_is_a_folder(folder, path):
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    told(run(path, *LEAST[path]), 2, "config.json", "directory")


@pytest.mark.parametrize("path", BY_CONFIG, ids=" ".join)
def test_a_config_that_others_own(folder, path):
    (folder / "config.json").chmod(0)
    if os.access(folder / "config.json", os.R_OK):
        pytest.skip("root may read everything")
    told(run(path, *LEAST[path]), 2, "config.json", "not readable")


@pytest.mark.parametrize("name", ["KIRO_TRIO_PORT", "KIRO_TRIO_REGION", "KIRO_TRIO_PROXY_URL"])
@pytest.mark.parametrize("path", BY_CONFIG, ids=" ".join)
def test_a_variable_that_cannot_be_used(folder, path, name):
    if path[0] == "service":
        pytest.skip("a service has an environment of its own")
    told(run(path, *LEAST[path], **{name: "no such thing"}), 2, name)


@pytest.mark.parametrize("content", [content for content, _ in CONFIGS], ids=lambda value: repr(value)[:30])
def test_doctor_tells_it_as_a_finding(folder, content):
    (folder / "config.json").write_bytes(content)
    done = run(("doctor",), "--no-answer")
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "config.json" in done.stdout


# The accounts

ACCOUNTS = [(b"[{", "JSON"), (b"7", ""), (b"\xff", ""), (b"[" * 100_000, "")]
BY_ACCOUNTS = taking("--credentials", but=(("doctor",), ("claude",)))


@pytest.mark.parametrize(("content", "word"), ACCOUNTS, ids=lambda value: repr(value)[:30])
@pytest.mark.parametrize("path", BY_ACCOUNTS, ids=" ".join)
def test_an_accounts_file_that_cannot_be_used(folder, path, content, word):
    (folder / "credentials.json").write_bytes(content)
    told(run(path, *LEAST[path]), 2, "credentials.json", word)


@pytest.mark.parametrize("path", BY_ACCOUNTS, ids=" ".join)
def test_an_accounts_file_that_is_a_folder(folder, path):
    (folder / "credentials.json").unlink()
    (folder / "credentials.json").mkdir()
    done = run(path, *LEAST[path])
    told(done, done.exit_code or 1, "credentials.json")


# What each is asked

ASKED = [
    (("serve", "--port", "x"), 2, "'x' is not a valid integer"),
    (("serve", "--workers", "0"), 2, "--workers"),
    (("serve", "--upstream", "nowhere"), 2, "--upstream"),
    (("login",), 2, "--builder-id"),
    (("login", "--builder-id", "--google"), 2, "--google"),
    (("login", "--idc", "not a url"), 2, "--idc"),
    (("login", "--idc", "https://d-1.awsapps.com/start", "--region", "x y"), 2, "--region"),
    (("login", "--builder-id", "--proxy", "gopher://x:1"), 2, "--proxy"),
    (("login", "--builder-id", "--upstream", "http://127.0.0.1:{closed}"), 1, ""),
    (("accounts", "import"), 2, "--scan"),
    (("accounts", "add"), 2, "--api-key"),
    (("accounts", "add", "--api-key", "--refresh-token"), 2, ""),
    (("accounts", "add", "--api-key", "--region", "x y", "--no-check"), 2, "region"),
    (("accounts", "add", "--api-key", "--proxy", "gopher://x:1", "--no-check"), 2, "proxy"),
    (("accounts", "add", "--api-key", "--endpoint", "none", "--no-check"), 2, "endpoint"),
    (("accounts", "check", "77"), 2, "77"),
    (("accounts", "edit", "77", "--priority", "5"), 2, "77"),
    (("accounts", "edit", "1"), 2, ""),
    (("accounts", "edit", "1", "--proxy", "gopher://x:1"), 2, "proxy"),
    (("accounts", "edit", "1", "--unset", "x"), 2, "'x'"),
    (("accounts", "enable", "77"), 2, "77"),
    (("accounts", "enable", "x"), 2, "'x' is not a valid"),
    (("accounts", "disable", "77"), 2, "77"),
    (("accounts", "remove", "77", "--yes"), 2, "77"),
    (("accounts", "export", "out.json", "77", "--yes"), 2, "77"),
    (("accounts", "export", "more.json", "--yes"), 1, "more.json"),
    (("accounts", "export", "no/such/folder/out.json", "--yes"), 1, "out.json"),
    (("accounts", "lst"), 2, "No such command 'lst'"),
    (("env", "-c", "none.json"), 1, "none.json"),
    (("env", "--url", "ftp://x"), 2, "--url"),
    (("env", "--shell", "tcsh"), 2, "tcsh"),
    (("claude", "--program", "no-such-program"), 127, "no-such-program"),
    (("statusline", "--install", "--settings", "."), 1, ""),
    (("doctor", "--credential", "x"), 2, "'x' is not a valid"),
    (("health",), 1, "does not answer"),
    (("health", "-c", "none.json"), 1, "does not answer"),
    (("service", "show", "--manager", "launchd", "--machine"), 2, "--machine is for systemd only"),
    (("service", "uninstall", "--manager", "systemd"), 1, "there is no"),
    (("completion", "tcsh"), 2, "tcsh"),
    (("completion",), 2, "say for which shell"),
    (("replay", "none.json"), 1, "none.json"),
    (("replay", "."), 1, "directory"),
    (("replay", "config.json"), 2, "config.json"),
    (("replay", "request.json", "--script", "none.toml"), 2, "none.toml"),
    (("replay", "request.json", "--live"), 2, "--yes"),
    (("simulate", "--script", "none.toml"), 2, "none.toml cannot be read: No such file"),
    (("simulate", "--script", "more.json"), 2, "more.json"),
    (("simulate", "--port", "70000"), 2, "70000"),
    (("demo", "--kep"), 2, "--kep"),
]


@pytest.mark.parametrize(
    ("args", "code", "words"), ASKED, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_what_is_asked_wrongly(folder, args, code, words):
    closed = str(closed_port())
    told(run((), *(arg.replace("{closed}", closed) for arg in args)), code, words)


def test_every_command_is_asked_wrongly():
    assert {path for path in COMMANDS if not any(args[: len(path)] == path for args, _, _ in ASKED)} <= {
        ("accounts", "list"),
        ("service", "install"),
    }


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_taken(folder):
    # In a process of its own: hypercorn leaves the socket to the end of it.
    with taken() as port:
        code, out, err = trio.run(finished, folder, "simulate", "--port", str(port))
    assert (code, out) == (1, "")
    assert "Traceback" not in err  # what is before the last line is the log of the start
    assert err.splitlines()[-1] == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_kiro_cannot_be_reached(folder):
    upstream = f"http://127.0.0.1:{closed_port()}"
    added = run(("accounts", "add", "--api-key", "--upstream", upstream))
    assert added.exit_code == 0  # it says nothing against the key
    assert "Connection refused" in added.stdout + added.stderr
    assert "could not be tried" in added.stdout + added.stderr
    checked = run(("accounts", "check", "--upstream", upstream))
    assert (checked.exit_code, checked.stderr) == (1, "")
    assert "Connection refused" in checked.stdout


@pytest.mark.parametrize("stdin", ["", "\n", "ksk_ä\n", "ksk one two\n"])
def test_nothing_or_nonsense_on_stdin(folder, stdin):
    done = run(("accounts", "add", "--api-key", "--no-check"), stdin=stdin)
    told(done, done.exit_code or 1)


@pytest.mark.parametrize(
    "path", [("accounts", "remove", "1"), ("accounts", "export", "out.json")], ids=" ".join
)
def test_nobody_is_there_to_say_yes(folder, path):
    told(run(path, stdin=""), 2, "--yes")
    assert one_account(folder)
    assert not (folder / "out.json").exists()


def one_account(folder) -> bool:
    (entry,) = json.loads((folder / "credentials.json").read_text())
    return entry["refreshToken"] == GOOD["refreshToken"]


@pytest.mark.parametrize("args", [("none.json",), ("--scan",), ("more.json", "--pick", "9")], ids=" ".join)
def test_there_is_nothing_to_import(folder, args):
    done = run(("accounts", "import"), *args, "--yes")
    assert done.exit_code != 0
    assert isinstance(done.exception, SystemExit)
    assert len(done.stderr.splitlines()) <= 4
    assert one_account(folder)


def test_an_address_that_is_not_ours(folder):
    # In a process of its own: hypercorn leaves the socket to the end of it.
    code, out, err = trio.run(finished, folder, "serve", "--host", "999.1.1.1")
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("Error: cannot listen on 999.1.1.1:1: ")


# Who reads us goes away, or never was there

PRINTING = [
    ("--help",),
    ("accounts", "list", "--offline"),
    ("accounts", "list", "--offline", "--json"),
    ("accounts", "export", "-", "--yes"),
    ("env",),
    ("doctor", "--no-answer"),
    ("service", "show", "--manager", "systemd"),
    ("completion", "bash"),
    ("statusline",),
    ("demo",),
    ("serve", "--port", "0"),
    ("simulate",),
]


@pytest.mark.parametrize("args", PRINTING, ids=" ".join)
async def test_nobody_reads_what_is_printed(folder, args):
    reader, writer = os.pipe()
    os.close(reader)
    code, err = await with_stdout(folder, args, writer)
    assert code != 0 or args == ("statusline",)
    assert not any(word in err for word in ("Traceback", "Exception", "BrokenPipeError")), err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("args", PRINTING[:-2], ids=" ".join)
async def test_there_is_no_room_for_what_is_printed(folder, args):
    code, err = await with_stdout(folder, args, os.open("/dev/full", os.O_WRONLY))
    assert code != 0
    assert not any(word in err for word in ("Traceback", "Exception")), err
    assert err.splitlines()[-1].startswith("Error: "), err
    assert "No space left on device" in err


async def with_stdout(folder, args, descriptor: int) -> tuple[int, str]:
    try:
        with trio.fail_after(30):
            done = await trio.run_process(
                [sys.executable, "-m", "kiro_trio", *args], stdin=b"{}", stdout=descriptor, capture_stderr=True,
                check=False, cwd=folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOUSE), "HOME": str(folder), "KIRO_TRIO_CONNECT_TIMEOUT": "1",
                     "KIRO_TRIO_UPSTREAM_URL": f"http://127.0.0.1:{closed_port()}"},
            )  # fmt: skip
    finally:
        os.close(descriptor)
    read_log(done.stderr, f"stderr of kiro-trio {' '.join(args)}")
    return done.returncode, done.stderr.decode()


# Ctrl-C

# What runs until Ctrl-C (serve, simulate, demo --keep) has its test of it beside its others.
WAITING = [
    ("accounts", "list"),
    ("accounts", "check"),
    ("accounts", "add", "--api-key"),
    ("doctor",),
    ("login", "--builder-id"),
]


@pytest.mark.parametrize("args", WAITING, ids=" ".join)
async def test_ctrl_c_ends_it_quietly(folder, args):
    """Against a Kiro that takes connections and says nothing."""
    asked = trio.Event()

    async def silent(stream: trio.SocketStream) -> None:
        asked.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, silent, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        environ = {"KIRO_TRIO_UPSTREAM_URL": f"http://127.0.0.1:{port}"}
        async with running(folder, *args, stdin=subprocess.PIPE, **environ) as program:
            await program.process.stdin.send_all(b"ksk_dummy_key\n")
            await program.process.stdin.aclose()
            with trio.fail_after(PATIENCE):
                await asked.wait()
            code = await program.stop(signal.SIGINT)
        nursery.cancel_scope.cancel()
    assert code in {0, 1, 130, -signal.SIGINT}
    assert b"Traceback" not in program.err, program.err.decode()
    assert len(program.err.splitlines()) <= 3 or args[0] == "login"

"""`kiro-trio claude`, with a small program in the place of Claude Code, and with Claude Code itself."""

import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
import trio

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.cli.program import finished, running
from tests.end_to_end.claude_code import install

# Says what it was given, then does what its first argument says.
STAND_IN = f"""#!{sys.executable}
import json, os, signal, sys, time
names = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_MAX_CONTEXT_TOKENS")
shown = sys.argv[1:2] == ["--settings"] and "statusLine" in sys.argv[2]
if shown: del sys.argv[1:3]
print(json.dumps([sys.argv[1:], {{name: os.environ.get(name) for name in names}}, shown]), flush=True)
match sys.argv[1:2]:
    case ["exit"]: sys.exit(int(sys.argv[2]))
    case ["die"]: os.kill(os.getpid(), signal.SIGKILL)
    case ["ask"]:
        import urllib.request
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
        print(opener.open(os.environ["ANTHROPIC_BASE_URL"] + "/healthz").status, flush=True)
    case ["wait"]:
        def told(number, _frame): os.write(1, b"told %d\\n" % number); os._exit(7)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, told)
        print("waiting", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def stand_in(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "claude").write_text(STAND_IN)
    (folder / "claude").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def home(folder):
    """Where config and accounts are, seen from a program whose HOME this is."""
    return folder / ".config" / "kiro-trio"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def port(tmp_path):
    port = free_port()
    home(tmp_path).mkdir(parents=True)
    (home(tmp_path) / "config.json").write_text(
        json.dumps({"port": port, "apiKey": "sk-dummy-key", "listModels": False})
    )
    return port


async def listens(port):
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
    except httpx.ConnectError:
        return False


async def test_it_starts_a_gateway_and_stops_it_again(tmp_path, stand_in, port):
    """Not as the config of the folder one works in says: it is somebody's repository, and could send tokens anywhere."""
    (tmp_path / "config.json").write_text('{"port": "nonsense", "upstreamUrl": "http://127.0.0.1:9"}')
    code, out, err = await finished(
        tmp_path, "claude", "ask", PATH=stand_in, ANTHROPIC_API_KEY="sk-ant-dummy"
    )
    assert code == 0, err
    given, status = out.splitlines()
    assert json.loads(given) == [
        ["ask"],
        {
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}",
            "ANTHROPIC_AUTH_TOKEN": "sk-dummy-key",
            "ANTHROPIC_API_KEY": None,
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "200000",
        },
        True,
    ]
    assert status == "200"
    assert "no account that works yet" in err
    assert not await listens(port)
    log = tmp_path / ".local/state/kiro-trio/gateway.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert "stopping" in log.read_text()


async def test_a_gateway_that_runs_is_used_and_left_alone(tmp_path, stand_in, port):
    async with running(tmp_path, "serve") as gateway:
        await gateway.url()
        code, out, err = await finished(tmp_path, "claude", "ask", PATH=stand_in)
        assert (code, out.splitlines()[-1], err) == (0, "200", "")
        assert await listens(port)
        assert await gateway.stop() == 0
    assert not (tmp_path / ".local").exists()


async def test_the_first_start_of_all_needs_no_config_and_leaves_nothing_where_one_works(tmp_path, stand_in):
    work = tmp_path / "work"
    work.mkdir()
    # the port of a new config is not free here for sure, so only what is written is looked at
    code, _, err = await finished(work, "claude", "exit", "0", PATH=stand_in, HOME=str(tmp_path))
    config = home(tmp_path) / "config.json"
    assert f"Wrote {config}" in err
    assert code in {0, 1}
    assert "sk-kiro-trio" not in err
    assert json.loads(config.read_text())["apiKey"].startswith("sk-kiro-trio-")
    assert home(tmp_path).stat().st_mode & 0o777 == 0o700
    assert list(work.iterdir()) == []


HOME_CONFIG = ".config/kiro-trio/config.json"
CALLS = [
    # what is called, what Claude Code is given, whether with a status line, and how it ends
    (("exit", "42", "--continue"), ["exit", "42", "--continue"], True, 42),
    (("--no-statusline", "die"), ["die"], False, 128 + 9),
    (("--config", HOME_CONFIG, "-p", "hi", "--config", "x"), ["-p", "hi", "--config", "x"], False, 0),
    ((f"--config={HOME_CONFIG}", "--", "--help"), ["--help"], False, 0),
    (("-c", "--resume", "-h"), ["-c", "--resume", "-h"], False, 0),
    (("--settings", "theirs.json"), ["--settings", "theirs.json"], False, 0),
]
SETTINGS = [
    ({"model": "opus"}, True),
    ({"statusLine": {"type": "command", "command": "mine"}}, False),
]


@pytest.mark.usefixtures("port")
async def test_arguments_are_claude_codes_and_its_exit_code_is_ours(tmp_path, stand_in):
    """And a status line is shown, unless there is another or nobody looks."""
    theirs = tmp_path / ".claude" / "settings.local.json"
    theirs.parent.mkdir()
    async with running(tmp_path, "serve") as gateway:
        await gateway.url()
        for args, given, shown, expected in CALLS:
            code, out, err = await finished(tmp_path, "claude", *args, PATH=stand_in)
            assert code == expected, err
            said = json.loads(out)
            assert (said[0], said[-1]) == (given, shown), args
        for settings, shown in SETTINGS:
            theirs.write_text(json.dumps(settings))
            code, out, err = await finished(tmp_path, "claude", PATH=stand_in)
            assert code == 0, err
            said = json.loads(out)
            assert (said[0], said[-1]) == ([], shown), settings


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signals_reach_claude_code_and_the_gateway_still_stops(tmp_path, stand_in, port, number):
    async with running(tmp_path, "claude", "wait", PATH=stand_in) as program:
        await program.said("waiting")
        assert await program.stop(number) == 7
        await program.said(f"told {int(number)}")
    assert not await listens(port)


async def test_another_program_on_the_port_is_named(tmp_path, stand_in, port):
    async def answer(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")

    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, answer, port, host="127.0.0.1"))
        code, out, err = await finished(tmp_path, "claude", "exit", "0", PATH=stand_in)
        nursery.cancel_scope.cancel()
    assert (code, out) == (1, "")
    assert (
        err
        == f"Error: something else than kiro-trio listens at http://127.0.0.1:{port}; choose another port in the config\n"
    )


@pytest.mark.usefixtures("port")
async def test_a_gateway_with_another_key_is_named(tmp_path, stand_in):
    async with running(tmp_path, "serve", KIRO_TRIO_API_KEY="sk-another-dummy") as gateway:
        await gateway.url()
        code, out, err = await finished(tmp_path, "claude", "exit", "0", PATH=stand_in)
    assert (code, out) == (1, "")
    assert "does not take the apiKey of this config" in err


@pytest.mark.usefixtures("port")
async def test_a_gateway_that_cannot_start_says_why(tmp_path, stand_in):
    (home(tmp_path) / "credentials.json").write_text('[{"refreshToken": "aor')
    code, out, err = await finished(tmp_path, "claude", "exit", "0", PATH=stand_in)
    assert (code, out) == (1, "")
    assert err.startswith("Error: the gateway did not start: ")
    assert "credentials.json" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("port")
async def test_without_claude_code_it_says_how_to_get_it(tmp_path):
    code, out, err = await finished(tmp_path, "claude", PATH="/nonexistent")
    assert (code, out) == (127, "")
    assert "npm install -g @anthropic-ai/claude-code" in err


@asynccontextmanager
async def kiro(folder):
    """A simulated Kiro, with its account in `folder`."""
    account = Account("one@example.com")
    (home(folder) / "credentials.json").write_text(json.dumps([account.credential()]))
    simulator = Simulator([account])
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve_simulator, simulator))
        yield simulator, url
        nursery.cancel_scope.cancel()


async def test_claude_code_itself_holds_a_conversation(tmp_path, port):
    program = install()
    async with kiro(tmp_path) as (simulator, upstream):
        async with running(
            tmp_path, "claude", "--upstream", upstream, "--program", str(program),
            "-p", "Run the command `echo gateway-$((40+2))` with Bash", "--output-format", "json",
            "--allowedTools", "Bash", stdin=-3, DISABLE_AUTOUPDATER="1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            HTTPS_PROXY="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9",
        ) as run:  # fmt: skip
            with trio.fail_after(90):
                code = await run.process.wait()
        asked = {exchange.call for exchange in simulator.seen}
    assert code == 0, run.err.decode()
    result = json.loads(run.out)
    result = result if isinstance(result, dict) else result[-1]
    assert result["is_error"] is False
    assert "gateway-42" in result["result"]
    assert "claude-opus-5" in json.dumps(result["modelUsage"]) or "claude-sonnet-5" in json.dumps(
        result["modelUsage"]
    )
    assert "chat" in asked
    assert not await listens(port)

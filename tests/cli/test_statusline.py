"""The status line: what it says, that it says something whatever happens, and that a person's settings stay theirs."""

import json
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.cli.claude_settings import has_status_line, status_line
from kiro_trio.cli.figures import tokens
from kiro_trio.cli.main import main
from kiro_trio.cli.statusline import line
from kiro_trio.cli.statusline_text import in_one_line
from tests.cli.program import finished, running

ANSWER = {
    "key": {"name": "default", "creditsThisMonth": 30.0, "creditsPerMonth": None},
    "account": {"id": 1, "email": "a***@example.com", "plan": "KIRO PRO", "standing": "ready",
                "remaining": 812.437, "limit": 1000.0, "resetsAt": None, "toldAt": 0.0},
    "session": {"requests": 3, "failures": 0, "credits": 1.25, "inputTokens": 1200, "cacheReadTokens": 44000,
                "cacheWriteTokens": 0, "outputTokens": 950, "lastAt": 0.0, "credential": 1},
}  # fmt: skip
TOLD = {"session_id": "00000000-0000-4000-8000-000000000000", "context_window": {"used_percentage": 34.4}}


def but(part: str, **values):
    return {**ANSWER, part: {**ANSWER[part], **values}}


def test_all_of_it_on_one_line():
    assert in_one_line(ANSWER, TOLD, plain=True) == (
        "a***@example.com · 812.44 credits left · session 1.25 credits, 45.2k in, 950 out · context 34%"
    )


@pytest.mark.parametrize(
    ("answer", "told", "words"),
    [
        ({**ANSWER, "session": None}, {}, "a***@example.com · 812.44 credits left"),
        ({**ANSWER, "account": None, "session": None}, {}, "no account works: kiro-trio doctor tells why"),
        (but("account", email="", remaining=None), {}, "account 1 · session 1.25 credits, 45.2k in, 950 out"),
        (but("account", standing="spent_this_month"), {}, "· spent this month ·"),
        (but("key", creditsPerMonth=31.5), {}, "· 1.5 credits left on this key ·"),
        (but("key", creditsPerMonth=20), {}, "· 0 credits left on this key ·"),
        (but("key", creditsPerMonth=9000), {}, "· 812.44 credits left ·"),
        ({}, {}, "no account works: kiro-trio doctor tells why"),
    ],
)
def test_what_is_not_known_is_left_out(answer, told, words):
    assert words in in_one_line(answer, told, plain=True)


@pytest.mark.parametrize(("remaining", "colour"), [(40.0, "31"), (150.0, "33"), (900.0, None)])
def test_scarce_credits_catch_the_eye(remaining, colour):
    said = in_one_line(but("account", remaining=remaining), {})
    found = re.search(r"\x1b\[(3\d)m[\d.]+ credits left", said)
    assert (found and found[1]) == colour


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from([*ANSWER, *ANSWER["account"], "x"]), inner)
    ),
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(ANSWER, _JSON)),
    st.fixed_dictionaries({}, optional={"context_window": _JSON, "session_id": _JSON}),
)
def test_whatever_it_is_told_it_is_one_line_that_says_nothing_to_the_terminal(answer, told):
    said = in_one_line(answer, told, plain=True)
    assert said
    assert said.isprintable()


@given(st.integers(0, 10**9))
def test_tokens_are_short(count):
    said = tokens(count)
    assert len(said) <= 5
    size = {"k": 1_000, "M": 1_000_000}.get(said[-1], 1)
    assert float(said.rstrip("kM")) * size == pytest.approx(count, rel=0.06, abs=0.5)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def server():
    """Answers every request with what `say` was given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers)))
            status, body = self.server.answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answer, server.asked = (200, json.dumps(ANSWER).encode()), []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, b"{}"), "kiro-trio: the gateway does not take this key"),
        ((401, b"{}"), "kiro-trio: the gateway asks for a key: set ANTHROPIC_AUTH_TOKEN"),
        ((404, b"{}"), "kiro-trio: what listens there is no kiro-trio, or an older one"),
        ((500, b"oops"), "kiro-trio: the gateway answered 500"),
        ((200, b"<html>"), "kiro-trio: what listens there is no kiro-trio, or an older one"),
        ((200, b"[" * 100_000), "kiro-trio: what listens there is no kiro-trio, or an older one"),
    ],
)
def test_a_gateway_that_does_not_tell(server, answer, said):
    server.answer = answer
    assert line(TOLD, {"ANTHROPIC_BASE_URL": url(server), "NO_COLOR": "1"}) == said


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (None, "ANTHROPIC_BASE_URL is not set"),
        ("ftp://x", "ANTHROPIC_BASE_URL is no address of a gateway"),
        ("http://[::1", "ANTHROPIC_BASE_URL is no address of a gateway"),
        ("http://127.0.0.1:99999", "ANTHROPIC_BASE_URL is no address of a gateway"),
    ],
)
def test_an_address_that_is_none(base, said):
    environ = {"NO_COLOR": "1"} if base is None else {"NO_COLOR": "1", "ANTHROPIC_BASE_URL": base}
    assert line(TOLD, environ) == f"kiro-trio: {said}"


def test_nobody_at_home_is_said_dimly():
    port = closed_port()
    said = line(TOLD, {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"})
    assert said == f"\x1b[2mkiro-trio: no gateway at 127.0.0.1:{port}\x1b[0m"


def test_it_asks_with_the_keys_of_claude_code_and_below_any_base_url(server):
    environ = {
        "ANTHROPIC_BASE_URL": f"{url(server)}/cc/v1/",
        "ANTHROPIC_AUTH_TOKEN": "t",
        "ANTHROPIC_API_KEY": "k",
    }
    assert "812.44 credits left" in line(TOLD, environ)
    ((path, headers),) = server.asked
    assert path == f"/cc/v1/kiro-trio/usage?session={TOLD['session_id']}"
    assert (headers["authorization"], headers["x-api-key"]) == ("Bearer t", "k")


@pytest.mark.parametrize(
    "stdin", [b"", b"{}", b"[1]", b"\xff\xfe", b"{", b"[" * 100_000, b'{"session_id": 5}']
)
async def test_whatever_stands_on_stdin_it_succeeds(tmp_path, stdin):
    (tmp_path / "in").write_bytes(stdin)
    with (tmp_path / "in").open() as told:
        environ = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port()}"}
        async with running(tmp_path, "statusline", stdin=told.fileno(), **environ) as program:
            assert await program.process.wait() == 0
    assert program.err == b""
    assert b"no gateway at" in program.out


def test_it_imports_little():
    import subprocess  # noqa: PLC0415

    code = (
        "import sys; from kiro_trio.cli.main import main\n"
        "try: main(['statusline'])\n"
        "except SystemExit: print([name for name in ('trio', 'httpx', 'msgspec', 'rich', 'structlog') if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        input="{}",
        capture_output=True,
        text=True,
        check=True,
        env={"NO_COLOR": "1"},
    )
    assert done.stdout.splitlines()[1:] == ["[]"]


# A person's settings


def run(*args, **environ):
    return CliRunner().invoke(main, ["statusline", *args], env=environ)


MINE = '{\n    "model": "opus",\n    "env": {"A": "ä"},\n    "permissions": {"allow": []}\n}\n'


def test_install_keeps_what_is_there_and_uninstall_gives_it_back(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(MINE)
    path.chmod(0o644)
    done = run("--install", "--settings", str(path))
    assert done.exit_code == 0, done.output
    settings = json.loads(path.read_text())
    assert settings == {**json.loads(MINE), "statusLine": status_line()}
    assert list(settings)[:3] == ["model", "env", "permissions"]
    assert '\n    "model"' in path.read_text()
    assert "ä" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "settings.json.before-kiro-trio").read_text() == MINE
    assert "has it already" in run("--install", "--settings", str(path)).output
    assert run("--uninstall", "--settings", str(path)).exit_code == 0
    assert json.loads(path.read_text()) == json.loads(MINE)
    assert "no such status line" in run("--uninstall", "--settings", str(path)).output


def test_install_makes_the_file_where_there_is_none(tmp_path):
    done = run("--install", HOME=str(tmp_path), CLAUDE_CONFIG_DIR="")
    path = tmp_path / ".claude" / "settings.json"
    assert done.output == f"Wrote the status line to {path}.\n"
    assert json.loads(path.read_text()) == {"statusLine": status_line()}
    assert run("--install", CLAUDE_CONFIG_DIR=str(tmp_path / "c")).exit_code == 0
    assert (tmp_path / "c" / "settings.json").exists()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    real, link = tmp_path / "dotfiles" / "settings.json", tmp_path / "settings.json"
    real.write_text("{}")
    link.symlink_to(real)
    assert run("--install", "--settings", str(link)).exit_code == 0
    assert link.is_symlink()
    assert "statusLine" in real.read_text()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"statusLine": {"type": "command", "command": "~/mine.sh"}}', "has another status line already"),
        ('{\n  // mine\n  "model": "opus"\n}', "is not plain JSON"),
        ("[]", "is not a JSON object"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_what_is_somebody_elses_is_not_touched(tmp_path, content, why):
    path = tmp_path / "settings.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    before = path.read_bytes()
    done = run("--install", "--settings", str(path))
    assert done.exit_code == 1
    assert f"{path} {why}" in done.output
    assert '{"statusLine": {"type": "command"' in done.output
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_status_line_of_ones_own_is_seen(tmp_path):
    assert not has_status_line([tmp_path / "none.json"])
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text('{"statusLine": {}}')
    (tmp_path / "c.json").write_text("{//")
    assert not has_status_line([tmp_path / "a.json"])
    assert has_status_line([tmp_path / "a.json", tmp_path / "b.json"])
    assert has_status_line([tmp_path / "c.json"])


async def test_the_installed_command_runs(tmp_path):
    import shlex  # noqa: PLC0415

    import trio  # noqa: PLC0415

    command = status_line()["command"]
    assert shlex.split(command)[-1] == "statusline"
    done = await trio.run_process(
        ["/bin/sh", "-c", command], stdin=b"{}", capture_stdout=True, env={"NO_COLOR": "1"}
    )
    assert done.stdout == b"kiro-trio: ANTHROPIC_BASE_URL is not set\n"


async def test_settings_without_install_is_a_mistake(tmp_path):
    code, _, err = await finished(tmp_path, "statusline", "--settings", "x")
    assert code == 2
    assert "--settings goes with --install" in err

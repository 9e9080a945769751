import io
import json
import re
import signal
import socket
import stat
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from kiro_trio.cli import serve
from kiro_trio.cli.main import main
from kiro_trio.settings import Settings
from tests.cli.program import finished, running


async def get(url, path, **headers):
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url + path, headers=headers)


async def test_the_first_start_writes_a_config_and_a_log_is_told_no_key(tmp_path):
    async with running(tmp_path, "serve", "--port", "0") as program:
        url = await program.url()
        await program.said("Your own page", "err")
        config = json.loads((tmp_path / "config.json").read_text())
        said = program.err.decode()
        assert "\n\nkiro-trio env --config config.json\n\n" in said
        assert config["apiKey"] not in said
        assert config["adminApiKey"] not in said
        assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o600
        answer = await get(url, "/v1/models", **{"x-api-key": config["apiKey"]})
        assert answer.status_code == 200
        assert (await get(url, "/v1/models", **{"x-api-key": "sk-wrong"})).status_code in {401, 403}
        assert await program.stop() == 0
    assert program.out.decode() == f"Listening on {url}\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_person_at_a_terminal_is_shown_what_to_paste(monkeypatch):
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    serve._announce(
        Path("config.json"), Settings(api_key="sk-new-key", fast_path=False), "http://127.0.0.1:1"
    )
    lines = "export ANTHROPIC_BASE_URL=http://127.0.0.1:1\nexport ANTHROPIC_AUTH_TOKEN=sk-new-key\nclaude"
    assert f"\n\n{lines}\n\n" in shown.getvalue()


async def test_the_second_start_keeps_the_config_and_is_quiet(tmp_path):
    config = {"host": "127.0.0.1", "port": 0, "apiKey": "sk-dummy-key", "unheardOf": 1, "another": 2}
    (tmp_path / "own.json").write_text(json.dumps(config))
    async with running(tmp_path, "serve", "-c", "own.json", "--log-format", "json") as program:
        url = await program.url()
        assert (await get(url, "/v1/models", authorization="Bearer sk-dummy-key")).status_code == 200
        assert await program.stop(signal.SIGINT) == 0
    assert json.loads((tmp_path / "own.json").read_text()) == config
    said = program.err.decode()
    assert "ANTHROPIC" not in said
    assert "Traceback" not in said
    assert "sk-dummy-key" not in said
    warnings = [record for record in map(json.loads, said.splitlines()) if record["level"] == "warning"]
    assert [record["event"] for record in warnings] == [
        "own.json: unknown keys are ignored: another, unheardOf",
        "there is no account yet: `kiro-trio login` makes one",
    ]


@pytest.mark.parametrize(
    ("disabled", "level", "words"),
    [(False, "info", {"event": "accounts", "known": 1, "ready": 1}), (True, "warning", {"accounts": 1})],
)
async def test_the_start_says_which_accounts_there_are(tmp_path, disabled, level, words):
    (tmp_path / "credentials.json").write_text(
        json.dumps([{"kiroApiKey": "ksk_dummy", "disabled": disabled}])
    )
    environ = {"KIRO_TRIO_API_KEY": "sk-dummy-key", "KIRO_TRIO_PORT": "0", "KIRO_TRIO_LIST_MODELS": "false"}
    async with running(tmp_path, "serve", "--log-format", "json", **environ) as program:
        await program.url()
        [said] = [json.loads(line) for line in program.err.decode().splitlines() if "account" in line]
        assert await program.stop() == 0
    assert said.items() >= {"level": level, **words}.items()


async def test_a_stderr_that_nobody_reads_any_more_does_not_cut_the_stop_short(tmp_path):
    environ = {"KIRO_TRIO_API_KEY": "sk-dummy-key", "KIRO_TRIO_PORT": "0"}
    async with running(tmp_path, "serve", **environ) as program:
        await program.url()
        await program.process.stderr.aclose()
        assert await program.stop() == 0


async def test_environment_is_enough_and_nothing_is_written(tmp_path):
    async with running(tmp_path, "serve", KIRO_TRIO_API_KEY="sk-dummy-key", KIRO_TRIO_PORT="0") as program:
        url = await program.url()
        assert (await get(url, "/v1/models", **{"x-api-key": "sk-dummy-key"})).status_code == 200
        assert await program.stop() == 0
    assert not (tmp_path / "config.json").exists()


@pytest.mark.parametrize(
    ("config", "args", "environ", "said"),
    [
        ('{"port": "x"}', (), {}, r'config\.json: port must be a whole number from 0 to 65535, not "x"'),
        ('{"port": 1', (), {}, r"config\.json must be JSON, but line 1, column 11 is not"),
        (
            "{}",
            (),
            {"KIRO_TRIO_LOG_LEVEL": "loud"},
            r"KIRO_TRIO_LOG_LEVEL must be `debug` or .*, not \"loud\"",
        ),
        ("{}", ("--upstream", "kiro"), {}, r"--upstream must be an address such as .*, not \"kiro\""),
        ("{}", ("--host", "0.0.0.0"), {}, r"--host needs an apiKey"),  # noqa: S104
        (
            '{"apiKey": "123456", "host": "::"}',
            (),
            {},
            r"config\.json: apiKey is an example that everybody knows",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_2(tmp_path, monkeypatch, config, args, environ, said):
    monkeypatch.chdir(tmp_path)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config.json").write_text(config)
    done = CliRunner().invoke(main, ["serve", *args])
    assert done.exit_code == 2
    assert re.fullmatch(rf"Error: {said}.*\n", done.stderr)
    assert done.stdout == ""


async def test_no_traceback_for_a_credentials_file_that_is_none(tmp_path):
    (tmp_path / "accounts.json").write_text('[{"refreshToken": "aor')
    code, out, err = await finished(
        tmp_path, "serve", "--port", "0", "--credentials", "accounts.json", KIRO_TRIO_API_KEY="sk-dummy-key"
    )
    assert code == 2
    assert out == ""
    assert "accounts.json" in err
    assert "Traceback" not in err


async def test_no_traceback_for_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, out, err = await finished(tmp_path, "serve", "--port", port, KIRO_TRIO_API_KEY="sk-dummy-key")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert "Traceback" not in err  # what is before the last line is the log of the start


async def test_a_second_signal_does_not_wait(tmp_path):
    async with running(tmp_path, "serve", KIRO_TRIO_API_KEY="sk-dummy-key", KIRO_TRIO_PORT="0") as program:
        url = await program.url()
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")
            program.process.send_signal(signal.SIGTERM)
            await program.said("stopping", "err")
            assert await program.stop() == 128 + signal.SIGTERM


async def test_the_end_of_the_terminal_is_a_graceful_stop_however_often_it_is_told(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        async with running(
            tmp_path, "serve", KIRO_TRIO_API_KEY="sk-dummy-key", KIRO_TRIO_PORT="0"
        ) as program:
            await program.url()
            program.process.send_signal(signal.SIGHUP)
            await program.said("stopping", "err")
            assert await program.stop(signal.SIGHUP) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_nohup_is_respected(tmp_path):
    environ = {"KIRO_TRIO_API_KEY": "sk-dummy-key", "KIRO_TRIO_PORT": "0"}
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the process inherits it
    try:
        async with running(tmp_path, "serve", **environ) as program:
            url = await program.url()
            program.process.send_signal(signal.SIGHUP)
            assert (await get(url, "/healthz")).status_code == 200
            assert await program.stop() == 0
    finally:
        signal.signal(signal.SIGHUP, before)

"""The gateway in a hypercorn that somebody else started, with and without worker processes."""

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
from kiro_trio.simulator.script import Match, Pause, Reply, Rule, Say, Script
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.cli.program import HOUSE, PATIENCE
from tests.end_to_end.house import events, prompt

KEY = {"x-api-key": "sk-dummy-key"}
SLOWLY = Rule(Match(prompt="slowly"), Reply(steps=(Say("One "), Pause(1.5), Say("two"))))
FOR_EVER = Rule(Match(prompt="for ever"), Reply(steps=(Say("One "), Pause(600), Say("two"))))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@asynccontextmanager
async def hosted(folder, *args, **environ):
    """A simulated Kiro and hypercorn in a process of its own; gives the process and an HTTP client."""
    account = Account("one@example.com")
    (folder / "credentials.json").write_text(json.dumps([account.credential()]))
    port = free_port()
    said = os.open(folder / "said.log", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    async with trio.open_nursery() as nursery:
        kiro = await nursery.start(partial(serve_simulator, Simulator([account], Script((SLOWLY, FOR_EVER)))))
        config = {
            "apiKey": "sk-dummy-key",
            "adminApiKey": "sk-dummy-admin",
            "upstreamUrl": kiro,
            "listModels": False,
        }
        (folder / "own.json").write_text(json.dumps(config))
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "hypercorn", "-b", f"127.0.0.1:{port}", *args, "kiro_trio.cli.asgi:app"],
            cwd=folder, stdout=-3, stderr=said, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(HOUSE),
                 "KIRO_TRIO_CONFIG": "own.json", "KIRO_TRIO_LOG_LEVEL": "debug", **environ},
        )  # fmt: skip
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE
            ) as http:
                yield process, http
        finally:
            os.close(said)
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            nursery.cancel_scope.cancel()


async def up(http):
    with trio.fail_after(PATIENCE):
        while True:
            try:
                return await http.get("/healthz")
            except httpx.TransportError:
                await trio.sleep(0.1)


@pytest.mark.parametrize("workers", ["0", "1"])
async def test_it_is_the_gateway_with_our_connections(tmp_path, workers):
    async with hosted(tmp_path, "-k", "trio", "-w", workers) as (process, http):
        assert (await up(http)).json() == {"status": "alive"}
        assert (await http.get("/v1/models")).status_code == 401
        answer = await http.post("/v1/messages", json=prompt(), headers=KEY)
        assert [name for name, _ in events(answer.content)][-1] == "message_stop"
        assert (
            await http.get("/api/admin/credentials", headers={"x-api-key": "sk-dummy-admin"})
        ).status_code == 200
        # hypercorn's own connections answer this with an empty body
        with socket.create_connection((http.base_url.host, http.base_url.port)) as sock:
            sock.sendall(b"nonsense\r\n\r\n")
            assert b"invalid_request_error" in sock.recv(65536)
        process.terminate()
        with trio.fail_after(PATIENCE):
            await process.wait()


@pytest.mark.parametrize(("words", "last"), [("slowly", "message_stop"), ("for ever", "error")])
async def test_a_stop_in_mid_stream_loses_no_word(tmp_path, words, last):
    async with hosted(tmp_path, "-k", "trio", "-w", "1", "--graceful-timeout", "7") as (process, http):
        await up(http)
        body = b""
        async with http.stream("POST", "/v1/messages", json=prompt(words), headers=KEY) as answer:
            async for data in answer.aiter_bytes():
                body += data
                if b"One " in body and process.returncode is None and b"two" not in body:
                    process.terminate()
        assert events(body)[-1][0] == last
        with trio.fail_after(PATIENCE):
            assert await process.wait() == 0


@pytest.mark.parametrize(
    ("args", "environ", "said"),
    [
        (("-k", "trio", "-w", "0"), {"KIRO_TRIO_LOG_LEVEL": "loud"}, "Error: KIRO_TRIO_LOG_LEVEL must be"),
        (
            ("-k", "trio", "-w", "0"),
            {"KIRO_TRIO_CREDENTIALS_FILE": "own.json/x"},
            "own.json/x: cannot be read",
        ),
        (("-w", "0"), {}, "Error: this application runs on trio: start it with `hypercorn -k trio`"),
    ],
)
async def test_what_is_wrong_is_said_in_one_line(tmp_path, args, environ, said):
    async with hosted(tmp_path, *args, **environ) as (process, _):
        with trio.fail_after(PATIENCE):
            assert await process.wait() != 0
    assert said in (tmp_path / "said.log").read_text()

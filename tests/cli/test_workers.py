"""Several processes at one address: stopped in mid-stream, killed, orphaned, and sharing an account."""

import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio

from kiro_trio.cli.ourselves import ourselves
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Match, Pause, Reply, Rule, Say, Script
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.cli.program import PATIENCE, finished, running
from tests.end_to_end.house import events, prompt

KEY = {"x-api-key": "sk-dummy-key"}
SLOWLY = Rule(Match(prompt="slowly"), Reply(steps=(Say("One "), Pause(1.2), Say("two"))))
FOR_EVER = Rule(Match(prompt="for ever"), Reply(steps=(Say("One "), Pause(600), Say("two"))))

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found by /proc")


def children(process):
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return sorted({int(number) for task in tasks for number in task.read_text().split()})


@asynccontextmanager
async def gateway(folder, **simulated):
    """Two workers in front of a simulated Kiro; gives the program, a client, and the simulator."""
    account = Account("one@example.com")
    (folder / "credentials.json").write_text(json.dumps([account.credential()]))
    (folder / "config.json").write_text(
        json.dumps({"apiKey": "sk-dummy-key", "port": 0, "listModels": False, "shutdownGrace": 600})
    )
    simulator = Simulator([account], Script((SLOWLY, FOR_EVER)), **simulated)
    async with trio.open_nursery() as nursery:
        kiro = await nursery.start(partial(serve_simulator, simulator))
        async with running(folder, "serve", "--workers", "2", "--upstream", kiro) as program:
            url = await program.url()
            limits = httpx.Limits(max_keepalive_connections=0)
            async with httpx.AsyncClient(
                base_url=url, trust_env=False, timeout=PATIENCE, limits=limits
            ) as http:
                yield program, http, simulator
        nursery.cancel_scope.cancel()


async def stream(http, into, began, words="slowly"):
    """Ask; `began` is told when the first word has come, `into` gets how it ended."""
    body = b""
    try:
        async with http.stream("POST", "/v1/messages", json=prompt(words), headers=KEY) as answer:
            async for data in answer.aiter_bytes():
                if b"One " not in body and b"One " in body + data:
                    began.append(1)
                body += data
        into.append(events(body)[-1][0])
    except httpx.TransportError:
        began.append(1)
        into.append("broken")


async def until(holds):
    with trio.fail_after(PATIENCE):
        while not holds():  # noqa: ASYNC110 - other processes have no events
            await trio.sleep(0.05)


async def test_a_stop_in_mid_stream_cuts_nobody_and_an_account_is_renewed_once_for_all(tmp_path):
    async with gateway(tmp_path, rotate_refresh_tokens=True) as (program, http, simulator):
        pids = children(program.process)
        assert len(pids) == 2
        ends, began = [], []
        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(stream, http, ends, began)
            await until(lambda: len(began) == 12)
            program.process.terminate()
        assert ends == ["message_stop"] * 12
        assert simulator.renewals["one@example.com"] == 1
        with trio.fail_after(PATIENCE):
            assert await program.process.wait() == 0
        assert not any(alive(pid) for pid in pids)
    assert program.out.decode().count("Listening on") == 1
    kept = json.loads((tmp_path / "credentials.json").read_text())[0]["refreshToken"]
    assert kept == simulator.accounts[0].refresh_token


async def test_who_is_killed_is_replaced_and_the_others_go_on(tmp_path):
    async with gateway(tmp_path) as (program, http, _):
        pids = children(program.process)
        ends, began = [], []
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(stream, http, ends, began)
            await until(lambda: len(began) == 8)
            os.kill(pids[0], signal.SIGKILL)
        # Those of the one are broken for all to see, those of the other are whole.
        assert set(ends) <= {"message_stop", "broken"}
        assert "message_stop" in ends or ends.count("broken") == 8  # the kernel may have given all to one
        await program.said("worker ended", "err")
        await until(lambda: len(children(program.process)) == 2 and pids[0] not in children(program.process))
        for _ in range(4):
            answer = await http.post("/v1/messages", json=prompt(), headers=KEY)
            assert events(answer.content)[-1][0] == "message_stop"
        assert await program.stop() == 0


async def test_workers_do_not_outlive_a_parent_that_was_killed(tmp_path):
    async with gateway(tmp_path) as (program, _, _):
        pids = children(program.process)
        program.process.kill()
        await until(lambda: not any(alive(pid) for pid in pids))


def alive(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_a_second_signal_does_not_wait(tmp_path):
    async with gateway(tmp_path) as (program, http, _):
        pids = children(program.process)
        ends, began = [], []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream, http, ends, began, "for ever")
            await until(lambda: began)
            program.process.terminate()
            await program.said("stopping", "err")
            assert await program.stop(signal.SIGINT) == 128 + signal.SIGINT  # long before what it waited for
        assert ends == ["broken"]
        assert not any(alive(pid) for pid in pids)


async def test_what_is_wrong_is_said_once(tmp_path):
    (tmp_path / "credentials.json").write_text('[{"refreshToken": "aor')
    code, out, err = await finished(
        tmp_path, "serve", "--port", "0", "--workers", "3", KIRO_TRIO_API_KEY="sk-dummy-key"
    )
    assert (code, out) == (2, "")
    assert err.count("Error: ") == 1
    assert "credentials.json" in err


async def test_a_folder_of_somebody_elses_is_not_taken_for_us(tmp_path):
    (tmp_path / "kiro_trio").mkdir()
    (tmp_path / "kiro_trio" / "__init__.py").write_text("raise SystemExit('taken in')")
    done = await trio.run_process(
        [*ourselves(), "--version"], cwd=tmp_path, capture_stdout=True, capture_stderr=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"kiro-trio, version")
    assert ourselves()[0] == sys.executable

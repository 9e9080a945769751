"""Several gateways on one file, killed at any moment."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import trio

from kiro_trio.credentials.roster import Standing
from kiro_trio.simulator.accounts import Accounts
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.credentials import gateway_process
from tests.credentials.entries import read_json
from tests.credentials.service import account

ROUNDS = 60 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 2


class Forgiving(Accounts):
    """Takes a refresh token once more until its successor is used: a client may die before it has read the answer.

    Nothing else would make sense with kill -9: what a strict service says to a dead process is lost for everybody.
    """

    def __init__(self, accounts):
        super().__init__(accounts)
        self.last = {}

    def of_refresh_token(self, token):
        for one in self.accounts:
            if token == one.refresh_token:
                self.last[one.email] = token
            if token == self.last.get(one.email):
                return one
        return None


async def start_process(path, url):
    command = [sys.executable, gateway_process.__file__, str(path), url]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    log = os.open(path.with_name("renewals.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = await trio.lowlevel.open_process(
            command, stdout=subprocess.PIPE, stderr=log, env=environment
        )
    finally:
        os.close(log)
    with trio.fail_after(30):
        assert (await process.stdout.receive_some()).startswith(b"at work")
    return process


async def kill(process):
    process.kill()
    await process.wait()
    await process.stdout.aclose()


async def test_two_gateways_killed_again_and_again_lose_no_account(tmp_path):
    path, chance = tmp_path / "credentials.json", random.Random(7)  # noqa: S311 - no secret
    simulator = Simulator([account("a"), account("b", kind="idc"), account("c")], rotate_refresh_tokens=True)
    simulator.sign_in.accounts = Forgiving(simulator.accounts)
    path.write_text(json.dumps([one.credential() for one in simulator.accounts]))

    def renewals():
        return sum(simulator.renewals.values())

    async def live_and_die(url):
        process, before = await start_process(path, url), renewals()
        with trio.fail_after(60):
            await simulator.wait_until(lambda: renewals() > before)
        await trio.sleep(chance.random() * 0.5)
        await kill(process)
        assert [entry["id"] for entry in read_json(path)] == [1, 2, 3]

    async with trio.open_nursery() as nursery:
        url = await nursery.start(serve_simulator, simulator)
        for _ in range(ROUNDS):
            async with trio.open_nursery() as processes:
                processes.start_soon(live_and_die, url)
                processes.start_soon(live_and_die, url)
        assert renewals() >= ROUNDS

        keeper = await gateway_process.new_keeper(path, url)
        await nursery.start(keeper.run)
        for status in keeper.standings():
            assert await keeper.owner.renew_now(status.id) is None
            assert status.standing is Standing.READY
        nursery.cancel_scope.cancel()
    assert [entry["refreshToken"] for entry in read_json(path)] == [
        one.refresh_token for one in simulator.accounts
    ]

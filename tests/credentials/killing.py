"""Two gateways on one file that renew all the time and are killed all the time: does an account get lost? By hand for a strict service.

Usage: python -m tests.credentials.killing [RENEWALS] [strict | forgiving]

A process that dies between the moment at which the service exchanges a refresh token and the moment at which the new one is in a
file takes that token with it. No client can help that: the answer is on its way, or has just been read. Only the service can, by
taking the old token once more until the new one is used; whether Kiro's does is not known (docs/wire.md). So `forgiving`
is what must lose nothing at all, and `strict` is how large that window is: what is counted there are the kills that hit it, and of them those that came when the
answer had arrived.
"""

import json
import random
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import trio

from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.file import CredentialsFile
from kiro_trio.simulator.accounts import Accounts
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.credentials.gateway_process import gateways, kill
from tests.credentials.service import account


class Strict(Accounts):
    """A refresh token is dead as soon as it was used."""

    def takes(self, token):
        return any(token == one.refresh_token for one in self.accounts)


class Forgiving(Accounts):
    """Takes a refresh token once more until its successor is used: a client may die before it has read the answer."""

    def __init__(self, accounts):
        super().__init__(accounts)
        self.last = {}

    def takes(self, token):
        return any(token in {one.refresh_token, self.last.get(one.email)} for one in self.accounts)

    def of_refresh_token(self, token):
        for one in self.accounts:
            if token == one.refresh_token:
                self.last[one.email] = token
            if token == self.last.get(one.email):
                return one
        return None


@dataclass
class Figures:
    renewals: int = 0
    kills: int = 0
    reads: int = 0
    unreadable: int = 0
    lost: int = 0
    lost_on_this_side: int = 0


def rotating(names, *, forgiving):
    simulator = Simulator([account(name) for name in names], rotate_refresh_tokens=True)
    simulator.accounts[1] = account("idc", kind="idc")
    simulator.sign_in.accounts = (Forgiving if forgiving else Strict)(simulator.accounts)
    return simulator


async def kill_and_kill(path, simulator, wanted, at_most):
    """Let pairs of gateways live until `wanted` renewals were made, and kill each after `at_most` renewals or sooner.

    An account that is lost is signed in anew. Somebody reads the file all the time.
    """
    chance, figures = random.Random(7), Figures()  # noqa: S311 - no secret
    path.write_text(json.dumps([one.credential() for one in simulator.accounts]))

    def renewals():
        return sum(simulator.renewals.values())

    async def live_and_die(start):
        process = await start()
        enough = renewals() + chance.randint(1, at_most)
        with trio.fail_after(60):
            await simulator.wait_until(lambda: renewals() >= enough)
        await trio.sleep(chance.random() * 0.1)
        kill(process)
        figures.kills += 1

    async with trio.open_nursery() as nursery:
        url = await nursery.start(serve_simulator, simulator)
        observer = await nursery.start(observe, path, figures)
        async with gateways(path, url) as start:
            while renewals() < wanted:
                async with trio.open_nursery() as processes:
                    processes.start_soon(live_and_die, start)
                    processes.start_soon(live_and_die, start)
                await trio.to_thread.run_sync(_mend, path, simulator, figures)
        observer.set()
        nursery.cancel_scope.cancel()
    figures.renewals = renewals()
    return figures


async def observe(path, figures, task_status):
    """Read the file all the time, until the event that is handed out is set."""
    over, whole = threading.Event(), len(json.loads(path.read_bytes()))

    def look():
        while not over.wait(0.001):
            figures.reads += 1
            try:
                readable = len(json.loads(path.read_bytes())) == whole
            except (OSError, ValueError):
                readable = False
            figures.unreadable += not readable

    task_status.started(over)
    try:
        await trio.to_thread.run_sync(look, abandon_on_cancel=True)
    finally:
        over.set()


def _mend(path, simulator, figures):
    """Sign accounts in anew whose token in the file the service does not take."""
    file, arrived = CredentialsFile(path, Defaults()), path.with_name("arrived").read_bytes()
    file.open()
    for number, known in file.credentials().items():
        if not simulator.sign_in.accounts.takes(known.refresh_token):
            token = simulator.accounts[number - 1].refresh_token
            figures.lost += 1
            figures.lost_on_this_side += token.encode() in arrived
            file.edit(number, {"refreshToken": token})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        simulator = rotating("abcdef", forgiving="forgiving" in sys.argv)
        wanted = int(sys.argv[1]) if sys.argv[1:] else 200
        print(trio.run(kill_and_kill, Path(folder) / "credentials.json", simulator, wanted, 6))  # noqa: T201

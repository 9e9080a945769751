"""Processes that keep renewing all accounts of a file, for the tests that kill them.

Usage: python gateway_process.py FILE URL

`URL` is where the simulated service is. Each line on stdin makes one more process, which prints its number when it is at work, and
never ends by itself. They are forked from one that has everything loaded already: tests need many.
"""

import http.client
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.keeper import Keeper, KeeperOptions
from kiro_trio.credentials.state import StateFile, state_path
from kiro_trio.credentials.store import FileStore
from kiro_trio.telemetry import configure_logging


class PlainCalls:
    """Small calls by the standard library: this process has to start quickly, and often. What has arrived is noted in a file."""

    def __init__(self, arrived):
        self._arrived = arrived

    async def send(self, call, proxy):
        return await trio.to_thread.run_sync(self._send, call)

    def _send(self, call):
        parts = urlsplit(call.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        try:
            connection.request(call.method, parts.path, call.body, dict(call.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            body = answer.read()
            with self._arrived.open("ab") as arrived:
                arrived.write(body)
            return SmallResponse(answer.status, headers, body)
        except OSError as error:
            return Failure(Fault.CONNECTION_LOST, type(error).__name__)
        finally:
            connection.close()


async def new_keeper(path, url):
    """A keeper over the file, which calls `url` and renews only when it is told to."""
    options = KeeperOptions(wire=Wire(base=url), renew_ahead=0.0, watch_every=0.05)
    store = FileStore(path, options.defaults)
    await store.open()
    return Keeper(store, StateFile(state_path(store.path)), PlainCalls(path.with_name("arrived")), options)


@asynccontextmanager
async def gateways(path, url):
    """A function that starts a gateway, and returns its process id when it is at work; all are killed at the end."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with path.with_name("renewals.log").open("ab") as log:
        mother = await trio.lowlevel.open_process(
            [sys.executable, __file__, str(path), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    one_by_one = trio.Lock()

    async def start():
        async with one_by_one:
            await mother.stdin.send_all(b"\n")
            with trio.fail_after(30):
                return int(await mother.stdout.receive_some())

    try:
        yield start
    finally:
        os.killpg(mother.pid, signal.SIGKILL)
        with trio.CancelScope(shield=True):
            await mother.wait()
            await mother.stdin.aclose()
            await mother.stdout.aclose()


def kill(process):
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


async def main(path: str, url: str) -> None:
    """Renew one account after the other, until killed."""
    configure_logging("debug", "text")  # on stderr: nobody reads what goes to stdout later
    keeper = await new_keeper(Path(path), url)
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        os.write(1, b"%d\n" % os.getpid())  # in one piece
        while True:
            for status in keeper.standings():
                await keeper.owner.renew_now(status.id)


def mother() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for those who are killed
    for _ in sys.stdin:
        if not os.fork():
            trio.run(main, *sys.argv[1:])


if __name__ == "__main__":
    mother()

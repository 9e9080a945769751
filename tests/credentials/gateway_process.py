"""A process that keeps renewing all accounts of a file, for the tests that kill it.

Usage: python gateway_process.py FILE URL

`URL` is where the simulated service is. It prints a line when it is at work, and never ends by itself.
"""

import http.client
import sys
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
    """Small calls by the standard library: this process has to start quickly, and often."""

    async def send(self, call, proxy):
        return await trio.to_thread.run_sync(self._send, call)

    def _send(self, call):
        parts = urlsplit(call.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        try:
            connection.request(call.method, parts.path, call.body, dict(call.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return SmallResponse(answer.status, headers, answer.read())
        except OSError as error:
            return Failure(Fault.CONNECTION_LOST, type(error).__name__)
        finally:
            connection.close()


async def new_keeper(path, url):
    """A keeper over the file, which calls `url` and renews only when it is told to."""
    options = KeeperOptions(wire=Wire(base=url), renew_ahead=0.0, watch_every=0.05)
    store = FileStore(path, options.defaults)
    await store.open()
    return Keeper(store, StateFile(state_path(store.path)), PlainCalls(), options)


async def main(path: str, url: str) -> None:
    """Renew one account after the other, until killed."""
    configure_logging("debug", "text")  # on stderr: nobody reads what goes to stdout later
    keeper = await new_keeper(Path(path), url)
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        print("at work", flush=True)  # noqa: T201
        while True:
            for status in keeper.standings():
                await keeper.owner.renew_now(status.id)


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])

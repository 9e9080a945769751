"""A house that runs in a thread of its own, so that a browser's blocking calls can be made beside it."""

import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio

from kiro_trio.simulator.seen import Exchange
from kiro_trio.simulator.simulator import Simulator
from tests.admin.owner import ADMIN_KEY, Owner, owner
from tests.web.served import eventually

STARTING = 30.0


class Desk:
    """The owner's ways to a running house: by `page` in a browser (its address), by the API, as a client."""

    def __init__(self, me: Owner, nursery: trio.Nursery, over: trio.Event) -> None:
        self.me = me
        self.url = me.here.url
        self.page = f"{me.here.url}/admin"
        self.folder = me.folder
        self.answers: list[Any] = []
        self._nursery = nursery
        self._over = over
        self._token = trio.lowlevel.current_trio_token()

    @property
    def simulator(self) -> Simulator:
        return self.me.here.simulator

    def wait(self, work: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> Any:
        """Have something done in the house, and wait for it."""
        return trio.from_thread.run(partial(work, *arguments, **more), trio_token=self._token)

    def until(self, condition: Callable[[], Any], within: float = 10.0) -> None:
        self.wait(eventually, condition, within)

    def get(self, path: str) -> Any:
        return self.wait(self.me.get, path)

    def send(self, body: Any, **headers: str) -> None:
        """Have a client send a request; its answer is among `answers` when it is over."""

        async def ask() -> None:
            self.answers.append(
                await self.me.here.http.post(
                    "/v1/messages", json=body, headers={"x-api-key": self.me.here.settings.api_key, **headers}
                )
            )

        trio.from_thread.run_sync(self._nursery.start_soon, ask, trio_token=self._token)

    def chats(self) -> list[Exchange]:
        return self.me.here.chats()

    def leave(self) -> None:
        trio.from_thread.run_sync(self._over.set, trio_token=self._token)


@contextmanager
def desk(folder: Path, simulator: Simulator | None = None, **settings: Any) -> Iterator[Desk]:
    """Run a house while the block is in progress."""
    told: queue.SimpleQueue[Desk | BaseException] = queue.SimpleQueue()

    async def live() -> None:
        async with owner(folder, simulator, **settings) as me, trio.open_nursery() as nursery:
            over = trio.Event()
            told.put(Desk(me, nursery, over))
            await over.wait()
            nursery.cancel_scope.cancel()

    def run() -> None:
        try:
            trio.run(live)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            told.put(error)

    thread = threading.Thread(target=run, name="house", daemon=True)
    thread.start()
    here = told.get(timeout=STARTING)
    if isinstance(here, BaseException):
        raise here
    try:
        yield here
    finally:
        here.leave()
        thread.join(STARTING)
    if not told.empty():
        raise told.get()


__all__ = ["ADMIN_KEY", "Desk", "desk"]

"""Outbox: the one door to the client.

Everything that a client sees of a reply goes through here, whoever says it: the relay, the pings, the last word of a
server that is being stopped. So here is known what the client has seen (`Progress`), since when it has heard nothing,
and that an answer ends exactly once.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import trio

from kiro_trio.session.plan import ClientError, Progress

Headers = Sequence[tuple[bytes, bytes]]


class Door(Protocol):
    """What the HTTP side offers for one response. Each call returns when the bytes are on their way."""

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status and the headers."""

    async def write(self, data: bytes) -> None:
        """Send some of the body; waits while the client does not read."""

    async def end(self, data: bytes = b"") -> None:
        """Send the last of the body, and say that the response is whole. A door that is left without this is torn down, and the client sees it."""


class Dialect(Protocol):
    """How this client wants to be spoken to, outside the reply itself."""

    def open_headers(self, content_length: int | None) -> Headers:
        """Return the headers of a 200; `content_length` is known when the answer comes in one piece."""

    def refuse(self, error: ClientError) -> tuple[Headers, bytes]:
        """Return headers and body of an error answer; the status is the error's."""


class Outbox:
    """The client's end of one session.

    At most one write is under way at a time, and each is whole events, so pings never fall into the middle of
    something. A write that is cancelled half-way leaves the outbox `torn`: then nothing more can be said honestly, and
    `finish` and `refuse` do nothing, so that the connection breaks instead of ending cleanly.
    """

    def __init__(self, door: Door, dialect: Dialect) -> None:
        self.progress = Progress.SILENT
        self._now = trio.lowlevel.current_clock().current_time
        self.quiet_since = self._now()
        self.bytes_sent = 0
        self.writes = 0
        self.pings = 0
        self.status: int | None = None
        self.torn = False
        self.ended = False
        self._door = door
        self._dialect = dialect
        self._turn = trio.Semaphore(1, max_value=1)  # a lock would also keep books of who holds it

    async def say(self, data: bytes, progress: Progress = Progress.SPOKEN) -> None:
        """Send content; opens the 200 if nothing has been sent yet. Blocks while the client does not read."""
        await self._enter()
        try:
            await self._send(data, progress)
        finally:
            self._turn.release()

    async def ping(self, data: bytes) -> None:
        """Send a sign of life, unless something else is being sent just now."""
        try:
            self._turn.acquire_nowait()
        except trio.WouldBlock:
            return
        try:
            await self._send(data, Progress.OPENED)
            self.pings += 1
        finally:
            self._turn.release()

    async def refuse(self, error: ClientError, event: bytes) -> None:
        """End the answer with an error: as an HTTP status if nothing has been sent, else as the event `event`."""
        await self._enter()
        try:
            if self.torn or self.ended:
                return
            if self.progress is Progress.SILENT:
                headers, body = self._dialect.refuse(error)
                await self._open(error.status, headers)
                await self._end(body, Progress.OPENED)
            else:
                await self._end(event, Progress.SPOKEN)
        finally:
            self._turn.release()

    async def finish(self, data: bytes = b"") -> None:
        """End the answer as whole, with `data` as its last bytes."""
        await self._enter()
        try:
            if self.torn or self.ended:
                return
            if self.progress is Progress.SILENT:
                await self._open(200, self._dialect.open_headers(len(data)))
            await self._end(data, Progress.SPOKEN if data else self.progress)
        finally:
            self._turn.release()

    @asynccontextmanager
    async def settled(self) -> AsyncIterator[None]:
        """Wait for the write that is under way, if any, and let none begin inside the context."""
        await self._enter()
        try:
            yield
        finally:
            self._turn.release()

    async def _enter(self) -> None:
        try:
            self._turn.acquire_nowait()  # no checkpoint in the common case: the write has one
        except trio.WouldBlock:
            await self._turn.acquire()

    async def _open(self, status: int, headers: Headers) -> None:
        self.progress = Progress.OPENED
        self.status = status
        self.torn = True
        await self._door.start(status, headers)
        self.torn = False

    async def _send(self, data: bytes, progress: Progress) -> None:
        if self.torn or self.ended:
            return
        if self.progress is Progress.SILENT:
            await self._open(200, self._dialect.open_headers(None))
        self.progress = max(self.progress, progress)
        self.torn = True
        await self._door.write(data)
        self._sent(data)

    async def _end(self, data: bytes, progress: Progress) -> None:
        self.progress = max(self.progress, progress)
        self.torn = True
        await self._door.end(data)
        self.ended = True
        self._sent(data)

    def _sent(self, data: bytes) -> None:
        self.torn = False
        self.writes += bool(data)
        self.bytes_sent += len(data)
        self.quiet_since = self._now()

"""Connections that wait for their next request."""

from collections import defaultdict
from dataclasses import dataclass

import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.origin import Origin
from kiro_trio.upstream.tls import TLSStream

Route = tuple[Origin, Proxy | None]
"""Where a connection leads and through what: connections of one route stand for each other."""


@dataclass(frozen=True, slots=True, eq=False)
class _Idle:
    stream: trio.abc.Stream
    since: float


class IdlePool:
    """Keeps idle connections per route, the latest used first out.

    There is no task that watches them: each `put` and `take` closes those whose time is over. So at most `max_idle`
    sockets are ever held, for as long as nobody calls.

    Args:
        max_idle: How many connections may wait, all routes together; the one that waits longest makes room.
        idle_expiry: Seconds after which nobody takes a connection any more.
    """

    def __init__(self, *, max_idle: int, idle_expiry: float) -> None:
        self._max_idle = max_idle
        self._idle_expiry = idle_expiry
        self._by_route: defaultdict[Route, list[_Idle]] = defaultdict(list)
        self._by_age: dict[_Idle, Route] = {}

    def __len__(self) -> int:
        return len(self._by_age)

    async def put(self, route: Route, stream: trio.abc.Stream) -> None:
        """Keep a connection on which nothing is open."""
        idle = _Idle(stream, trio.current_time())
        self._by_route[route].append(idle)
        self._by_age[idle] = route
        await self._prune()

    async def take(self, route: Route) -> trio.abc.Stream | None:
        """Hand out a connection, or None. It was alive a moment ago; the other end may be closing it this instant."""
        await self._prune()
        while waiting := self._by_route.get(route):
            stream = self._remove(waiting[-1])
            if not _stale(stream):
                return stream
            await trio.aclose_forcefully(stream)
        return None

    async def aclose(self) -> None:
        """Close all that wait; what is put back later is closed as well."""
        self._max_idle = 0
        while self._by_age:
            await trio.aclose_forcefully(self._remove(next(iter(self._by_age))))

    async def _prune(self) -> None:
        expired = trio.current_time() - self._idle_expiry
        while self._by_age:
            oldest = next(iter(self._by_age))
            if oldest.since > expired and len(self._by_age) <= self._max_idle:
                return
            await trio.aclose_forcefully(self._remove(oldest))

    def _remove(self, idle: _Idle) -> trio.abc.Stream:
        route = self._by_age.pop(idle)
        waiting = self._by_route[route]
        waiting.remove(idle)
        if not waiting:
            del self._by_route[route]
        return idle.stream


@dataclass(slots=True)
class Lent:
    """A connection that is in use, and where it goes afterwards."""

    pool: IdlePool
    route: Route
    stream: trio.abc.Stream
    released: bool = False

    async def release(self, *, keep: bool) -> None:
        """Put it into the pool, or close it at once without waiting for anything; later calls do nothing."""
        if self.released:
            return
        self.released = True
        if keep:
            await self.pool.put(self.route, self.stream)
        else:
            await trio.aclose_forcefully(self.stream)


def _stale(stream: trio.abc.Stream) -> bool:
    """Whether the other end has closed the connection, or said something that nobody asked for."""
    while isinstance(stream, TLSStream):
        if not stream.quiet:
            return True
        stream = stream.transport_stream
    return isinstance(stream, trio.SocketStream) and stream.socket.is_readable()

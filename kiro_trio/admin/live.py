"""What runs now: as a picture, as a feed of pictures, and with an end to it."""

from types import TracebackType
from typing import Any, Self

import msgspec
import trio
from quart import Response
from quart.wrappers.response import ResponseBody

from kiro_trio.admin.place import Place
from kiro_trio.admin.problems import Kind, Problem
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Shape, Success
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.live import LiveAttempt, LiveRequest
from kiro_trio.gateway.settled import name_of
from kiro_trio.wire.sse import encode_event

EVERY = 1.0
"""Seconds between two pictures of a feed."""

_MOST_FEEDS = 16

# Nothing changes while nothing runs; a sign of life often enough for every proxy on the way.
_STILL_THERE = 15.0


class Try(Shape):
    """One try: `state` is `asked`, `answering`, `whole` or a fault. Times are seconds; `first_byte` since its start."""

    credential: int
    state: str
    seconds: float
    first_byte: float | None
    reads: int


class Progress(Shape):
    """The session of a request: what it does (`phase`), for how long, and what the client has had (`heard`)."""

    phase: str
    phase_seconds: float
    heard: str
    attempts: list[Try]


class Running(Shape):
    """A request that runs. `started_at` is epoch seconds, `age` seconds, `status` None while nothing was sent."""

    id: str
    client: str
    model: str
    stream: bool
    started_at: float
    age: float
    status: int | None
    bytes: int
    pings: int
    estimate: int
    session: Progress


class Picture(Shape):
    """All that runs at one moment (`at`, epoch seconds), the oldest first; `waiting` is the queue for accounts."""

    at: float
    waiting: int
    available: int
    requests: list[Running]


async def show_live(asked: Asked) -> Picture:
    """The requests that run now, as the tree they are."""
    return picture(asked.place.gateway)


async def feed_live(asked: Asked) -> Response:
    """The same as a feed of server-sent events (`live`), one a second while something changes."""
    if asked.place.feeds >= _MOST_FEEDS:
        raise Problem(Kind.RATE_LIMITED, f"{_MOST_FEEDS} live views are open already", 5.0)
    headers = {"x-accel-buffering": "no"}
    response = Response(Feed(asked.place), 200, headers, content_type="text/event-stream; charset=utf-8")
    response.timeout = None
    return response


async def cancel_request(asked: Asked) -> Success:
    """End a running request: its client gets an error, Kiro's connection is closed."""
    request = asked.place.gateway.live.get(asked.ids["request"])
    if request is None:
        raise Problem(Kind.NOT_FOUND, f"no request {asked.ids['request']} is running")
    await request.cancel()
    return Success(message=f"request {request.id} cancelled")


def picture(gateway: Gateway) -> Picture:
    """What runs now."""
    now = trio.current_time()
    return Picture(
        at=round(wall_clock(), 3),
        waiting=gateway.keeper.waiting(),
        available=gateway.keeper.available(),
        requests=[_running(request, now) for request in gateway.live],
    )


class Feed(ResponseBody):
    """The body of a feed: looks once a second, and says what it sees if it is something new.

    An object and not a generator: there is nothing to be left half-read when the page goes away.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._next = 0.0
        self._said = -_STILL_THERE
        self._last: Any = None

    async def __aenter__(self) -> Self:
        self._place.feeds += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._place.feeds -= 1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        gateway = self._place.gateway
        while not gateway.draining:
            await trio.sleep_until(self._next)
            self._next = trio.current_time() + EVERY
            seen = picture(gateway)
            shape = (seen.waiting, seen.available, bool(seen.requests))
            if seen.requests or shape != self._last or self._next >= self._said + _STILL_THERE:
                self._last, self._said = shape, self._next
                return encode_event("live", msgspec.json.encode(seen))
        raise StopAsyncIteration


def _running(request: LiveRequest, now: float) -> Running:
    outbox = request.outbox
    return Running(
        id=request.id,
        client=request.client,
        model=request.model,
        stream=request.stream,
        started_at=round(request.at, 3),
        age=round(now - request.started, 1),
        status=outbox.status if outbox else None,
        bytes=outbox.bytes_sent if outbox else 0,
        pings=outbox.pings if outbox else 0,
        estimate=request.estimate,
        session=Progress(
            phase=request.phase.name.lower(),
            phase_seconds=round(now - request.since, 1),
            heard=outbox.progress.name.lower() if outbox else "silent",
            attempts=[_try(attempt, now) for attempt in request.attempts],
        ),
    )


def _try(attempt: LiveAttempt, now: float) -> Try:
    if attempt.ended is not None:
        state = name_of(attempt.fault)
    else:
        state = "asked" if attempt.first is None else "answering"
    return Try(
        credential=attempt.credential_id,
        state=state,
        seconds=round((attempt.ended or now) - attempt.started, 1),
        first_byte=None if attempt.first is None else round(attempt.first - attempt.started, 3),
        reads=attempt.batches,
    )

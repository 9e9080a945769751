"""What ran: recent requests with every try, and what was used."""

from typing import Annotated, Literal

from msgspec import Meta

from kiro_trio.admin.problems import Kind, Problem
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Moment, Number, Shape
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.gateway.history import HistoryUnavailable
from kiro_trio.gateway.rows import LatencyRow, UsageRow, Wanted
from kiro_trio.gateway.settled import SettledRequest

_DAY = 86_400

Word = Annotated[str, Meta(max_length=200)]


class Which(Shape):
    """Which recent requests; `before` is the `next` of the page before."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    before: Number | None = None
    client: Word | None = None
    model: Word | None = None
    credential: Number | None = None
    outcome: Word | None = None
    status: Annotated[int, Meta(ge=100, le=599)] | None = None
    failed: bool = False


class Recent(Shape):
    """A page of requests, the last one first; `next` is None on the last page."""

    requests: list[SettledRequest]
    next: int | None


class Span(Shape):
    """By what to sum up usage, and from when to when (epoch seconds); a month up to now if nothing is said."""

    by: Literal["model", "credential", "client", "hour", "day"] = "day"
    since: Moment | None = None
    until: Moment | None = None


class TimeSpan(Shape):
    """By what to sum up latencies, and from when to when (epoch seconds)."""

    by: Literal["hour", "day"] = "day"
    since: Moment | None = None
    until: Moment | None = None


class Usage(Shape):
    """What was used; `key` of a row is what `by` says, for hours and days their first second."""

    by: str
    since: int
    until: int
    rows: list[UsageRow]


class Latency(Shape):
    """How long whole requests took, and how long their first content."""

    by: str
    since: int
    until: int
    rows: list[LatencyRow]


async def list_requests(asked: Asked) -> Recent:
    """Recent requests with every try."""
    which: Which = asked.query
    wanted = Wanted(
        which.limit,
        which.before,
        which.client,
        which.model,
        which.credential,
        which.outcome,
        which.status,
        which.failed,
    )
    try:
        page = await asked.place.gateway.books.history.recent(wanted)
    except HistoryUnavailable as error:
        raise _unavailable(error) from None
    return Recent(requests=page.requests, next=page.next)


async def show_request(asked: Asked) -> SettledRequest:
    """One recent request."""
    try:
        found = await asked.place.gateway.books.history.find(asked.ids["request"])
    except HistoryUnavailable as error:
        raise _unavailable(error) from None
    if found is None:
        raise Problem(Kind.NOT_FOUND, f"request {asked.ids['request']} is not known (any more)")
    return found


async def show_usage(asked: Asked) -> Usage:
    """Requests, failures, tokens and credits, summed up by model, account, client, hour or day."""
    span: Span = asked.query
    since, until = _span(span.since, span.until)
    try:
        rows = await asked.place.gateway.books.history.usage(span.by, since, until)
    except HistoryUnavailable as error:
        raise _unavailable(error) from None
    return Usage(by=span.by, since=since, until=until, rows=rows)


async def show_latency(asked: Asked) -> Latency:
    """Percentiles of the first content and of the whole, by hour or day."""
    span: TimeSpan = asked.query
    since, until = _span(span.since, span.until)
    try:
        rows = await asked.place.gateway.books.history.latency(span.by, since, until)
    except HistoryUnavailable as error:
        raise _unavailable(error) from None
    return Latency(by=span.by, since=since, until=until, rows=rows)


def _span(since: int | None, until: int | None) -> tuple[int, int]:
    end = int(wall_clock()) + 1 if until is None else until
    return max(0, end - 30 * _DAY) if since is None else since, end


def _unavailable(error: HistoryUnavailable) -> Problem:
    return Problem(Kind.UNAVAILABLE, str(error))

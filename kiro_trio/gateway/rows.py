"""Recent requests and what was used, as rows of the database and back. Blocking: `kiro_trio.gateway.history` has the thread."""

import math
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from kiro_trio.gateway import tables
from kiro_trio.gateway.settled import WHOLE, SettledRequest

decode_record = msgspec.json.Decoder(SettledRequest).decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recent requests: None means any. `before` is the cursor of the page before; `failed`: only those that failed."""

    limit: int = 50
    before: int | None = None
    client: str | None = None
    model: str | None = None
    credential: int | None = None
    outcome: str | None = None
    status: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Requests, the last one first. `next` is the cursor of the next page, None at the end."""

    requests: list[SettledRequest]
    next: int | None


class UsageRow(msgspec.Struct, frozen=True, rename="camel"):
    """What was used under one `key`: a model, an account's id, a client's name, or an hour or day as epoch seconds."""

    key: str | int | None
    requests: int
    failures: int
    seconds: float
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    credits: float


class SessionRow(msgspec.Struct, frozen=True, rename="camel"):
    """What a session of a client has used so far. `last_at` is epoch seconds, `credential` the account of the last try."""

    last_at: float
    credential: int | None
    requests: int
    failures: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    credits: float


class LatencyRow(msgspec.Struct, frozen=True, rename="camel"):
    """Percentiles of one hour or day (`key`, epoch seconds), in seconds, right to five percent.

    `kind` is `first_content` or `total`.
    """

    key: int
    kind: str
    count: int
    p50: float
    p90: float
    p99: float


def write(
    database: sqlite3.Connection, noted: list[SettledRequest], seen: dict[str, float], *, keep: bool
) -> None:
    """Write requests that are over, and when each client was seen."""
    if keep:
        database.executemany(tables.NOTE, [_row(request) for request in noted])
        in_sessions = [request for request in noted if request.session]
        database.executemany(tables.ADD_SESSION, [_in_session(request) for request in in_sessions])
    database.executemany(tables.ADD_USAGE, [_usage(request) for request in noted])
    database.executemany(
        tables.ADD_LATENCY,
        [
            (_hour(request.at), kind, _bucket(seconds))
            for request in noted
            for kind, seconds in (("first_content", request.first_content), ("total", request.seconds))
            if seconds is not None and request.outcome == WHOLE
        ],
    )
    database.executemany(tables.SEEN, list(seen.items()))


def _row(request: SettledRequest) -> tuple[Any, ...]:
    return (
        request.id,
        request.at,
        request.client,
        request.model,
        request.credential,
        request.status,
        request.outcome,
        msgspec.json.encode(request),
    )


def _usage(request: SettledRequest) -> tuple[Any, ...]:
    return (
        _hour(request.at),
        request.client,
        request.model,
        _account(request),
        int(request.outcome != WHOLE),
        request.seconds,
        *_used(request),
    )


def _in_session(request: SettledRequest) -> tuple[Any, ...]:
    failed = int(request.outcome != WHOLE)
    return (request.session, request.at, _account(request), failed, *_used(request))


def _account(request: SettledRequest) -> int:
    return -1 if request.credential is None else request.credential


def _used(request: SettledRequest) -> tuple[Any, ...]:
    return (
        request.input_tokens or 0,
        request.output_tokens or 0,
        request.cache_read_tokens or 0,
        request.cache_write_tokens or 0,
        request.credits or 0.0,
    )


def _hour(at: float) -> int:
    return int(at) // 3600 * 3600


def _bucket(seconds: float) -> int:
    """Eight buckets for every doubling: five percent to either side."""
    return round(8 * math.log2(max(seconds, 0.001)))


def page(database: sqlite3.Connection, wanted: Wanted) -> Page:
    """A page of recent requests."""
    query, values = tables.page_query(wanted)
    rows = database.execute(query, values).fetchall()
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    requests = []
    for _, record in rows:
        with suppress(msgspec.MsgspecError):  # a row of another version
            requests.append(decode_record(record))
    return Page(requests, rows[-1][0] if more and rows else None)


def percentiles(rows: sqlite3.Cursor) -> list[LatencyRow]:
    """Percentiles of (key, kind, bucket, count), which come in order."""
    groups: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for key, kind, bucket, count in rows:
        groups.setdefault((key, kind), []).append((bucket, count))
    return [
        LatencyRow(
            key, kind, sum(count for _, count in buckets), *(_at(buckets, p) for p in (0.5, 0.9, 0.99))
        )
        for (key, kind), buckets in groups.items()
    ]


def _at(buckets: list[tuple[int, int]], part: float) -> float:
    """The value below which `part` of all lie; `buckets` are in order."""
    rank, passed = part * sum(count for _, count in buckets), 0
    for bucket, count in buckets:
        passed += count
        if passed >= rank:
            return round(math.exp2(bucket / 8), 3)
    return 0.0

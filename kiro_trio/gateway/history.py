"""Recent requests and what was used, kept in SQLite beside the credentials. Numbers and names, never a word of a request.

A request that is over is noted in memory and written soon, many at a time, in a thread; whoever reads sees what was
noted before. Nothing here is worth a failed request: what cannot be written is counted, logged once and given up.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import trio

from kiro_trio.credentials.standing import month_began
from kiro_trio.gateway import rows, tables
from kiro_trio.gateway.rows import LatencyRow, Page, SessionRow, UsageRow, Wanted, decode_record
from kiro_trio.gateway.settled import SettledRequest
from kiro_trio.gateway.tables import BY, SCHEMA, VERSION
from kiro_trio.telemetry import get_logger

_LOG = get_logger("gateway")
_T = TypeVar("_T")

_WRITE_EVERY = 1.0
_TIDY_EVERY = 600.0
_CLOSING = 5.0
_MOST_UNWRITTEN = 10_000
_BUSY_TIMEOUT = 5.0


class HistoryUnavailable(Exception):
    """The database cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept: `requests` rows of at most `days`, usage for `usage_days`; 0 keeps nothing."""

    requests: int = 100_000
    days: float = 7.0
    usage_days: float = 400.0


class History:
    """The database at `path`; `run` must be running for it to be written. `clock` gives epoch seconds."""

    def __init__(self, path: Path, retention: Retention, clock: Callable[[], float]) -> None:
        self.path = path
        self.problem = ""
        self.lost = 0
        self._retention = retention
        self._clock = clock
        self._database: sqlite3.Connection | None = None
        self._busy = trio.Lock()
        self._noted: deque[SettledRequest] = deque()
        self._seen: dict[str, float] = {}

    def note(self, request: SettledRequest) -> None:
        """Keep a request that is over."""
        if len(self._noted) >= _MOST_UNWRITTEN:
            self._noted.popleft()
            self.lost += 1
        self._noted.append(request)
        self.note_client(request.client, request.at)

    def note_client(self, name: str, at: float) -> None:
        """Remember that a client's key was used."""
        self._seen[name] = max(at, self._seen.get(name, 0.0))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what is noted, and tidy up now and then, until cancelled; then write the rest."""
        await self._use(self._tidy)
        task_status.started()
        try:
            while True:
                tidied = trio.current_time()
                while trio.current_time() < tidied + _TIDY_EVERY:
                    await trio.sleep(_WRITE_EVERY)
                    if self._noted or self._seen:
                        await self._use(lambda _database: None)
                await self._use(self._tidy)
        finally:
            with trio.move_on_after(_CLOSING, shield=True):
                await self._use(lambda _database: None)
                await trio.to_thread.run_sync(self._close)

    async def recent(self, wanted: Wanted) -> Page:
        """A page of recent requests; raises HistoryUnavailable."""
        return await self._read(lambda database: rows.page(database, wanted))

    async def find(self, request_id: str) -> SettledRequest | None:
        """One request by its id; raises HistoryUnavailable."""

        def look(database: sqlite3.Connection) -> SettledRequest | None:
            row = database.execute(tables.FIND, (request_id,)).fetchone()
            return None if row is None else decode_record(row[0])

        return await self._read(look)

    async def session(self, digest: str) -> SessionRow | None:
        """What the session of that digest has used, None for one that is not known; raises HistoryUnavailable."""

        def look(database: sqlite3.Connection) -> SessionRow | None:
            row = database.execute(tables.SESSION, (digest,)).fetchone()
            return None if row is None else SessionRow(*row)

        return await self._read(look)

    async def usage(self, by: str, since: float, until: float) -> list[UsageRow]:
        """What was used between two moments (epoch seconds), by one of `tables.BY`; raises HistoryUnavailable."""
        query = tables.usage_query(by)
        hours = (int(since) // 3600 * 3600, int(until))
        return await self._read(
            lambda database: [UsageRow(*row) for row in database.execute(query, hours).fetchall()]
        )

    async def latency(self, by: str, since: float, until: float) -> list[LatencyRow]:
        """Percentiles by `hour` or `day`; raises HistoryUnavailable."""
        hours = (BY[by][1], int(since) // 3600 * 3600, int(until))
        return await self._read(lambda database: rows.percentiles(database.execute(tables.LATENCY, hours)))

    async def credits_by_client(self, since: float) -> dict[str, float]:
        """The credits that each client has used since then, by any process; raises HistoryUnavailable."""
        used = await self.usage("client", since, self._clock() + 1)
        return {str(row.key): row.credits for row in used}

    async def enter_minute(self, client: str, most: int, now: float) -> float | None:
        """Note one more request of a client, if no process has noted `most` in the minute before.

        Returns None if it is noted, else when the one was noted that must be a minute old first; raises
        HistoryUnavailable.
        """

        def enter(database: sqlite3.Connection) -> float | None:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(tables.FORGET_MINUTES, (now,))
                row = database.execute(tables.NTH_OF_MINUTE, (client, most - 1)).fetchone()
                if row is None:
                    database.execute(tables.ENTER_MINUTE, (client, now))
            return None if row is None else float(row[0])

        return await self._read(enter)

    async def last_used(self) -> dict[str, float]:
        """When each client's key was used last, in epoch seconds; {} if that cannot be known."""
        try:
            return await self._read(lambda database: dict(database.execute(tables.LAST_USED).fetchall()))
        except HistoryUnavailable:
            return {}

    async def _read(self, look: Callable[[sqlite3.Connection], _T]) -> _T:
        found: list[_T] = []
        await self._use(lambda database: found.append(look(database)))
        if not found:
            raise HistoryUnavailable(self.problem or "the history cannot be read")
        return found[0]

    async def _use(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        """Write what is noted and do `work`, in a thread; what goes wrong becomes `problem`."""
        async with self._busy:
            problem = await trio.to_thread.run_sync(self._do, work)
        if problem and problem != self.problem:
            _LOG.error("the history is not kept", problem=problem)
        self.problem = problem

    def _do(self, work: Callable[[sqlite3.Connection], Any]) -> str:
        try:
            database = self._open()
            self._write(database)
            work(database)
        except (sqlite3.Error, OSError, msgspec.MsgspecError, ValueError) as error:
            return f"{self.path}: {error}"
        return ""

    def _write(self, database: sqlite3.Connection) -> None:
        """Write what is noted. If the file does not take it now it may later; what can never be written is lost."""
        noted = [self._noted.popleft() for _ in range(len(self._noted))]
        seen, self._seen = self._seen, {}
        if not noted and not seen:
            return
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                rows.write(database, noted, seen, keep=self._retention.requests > 0)
        except (sqlite3.OperationalError, OSError):
            self._noted.extendleft(reversed(noted))
            raise
        except (sqlite3.Error, msgspec.MsgspecError, ValueError):
            self.lost += len(noted)
            raise

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            try:
                self._database = _opened(self.path)
            except sqlite3.DatabaseError:
                # Damaged, or not ours: put it aside, whoever wants it finds it there, and begin anew.
                if not self.path.exists():
                    raise
                self.path.replace(self.path.with_name(f"{self.path.name}.damaged"))
                self._database = _opened(self.path)
        return self._database

    def _tidy(self, database: sqlite3.Connection) -> None:
        kept, now = self._retention, self._clock()
        with database:
            database.execute("DELETE FROM requests WHERE at < ?", (now - kept.days * 86400,))
            database.execute(tables.TIDY_REQUESTS, (kept.requests,))
            database.execute(tables.TIDY_SESSIONS, (now - kept.days * 86400, kept.requests))
            old = now - kept.usage_days * 86400
            database.execute("DELETE FROM latency WHERE hour < ?", (old,))
            # The limits of clients' keys are counted by the sums of the running month.
            database.execute("DELETE FROM usage WHERE hour < ?", (min(old, month_began(now)),))

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _opened(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            database.executescript(SCHEMA)
    except BaseException:
        database.close()
        raise
    return database

"""Recent requests and usage in SQLite: what goes in comes out, old things go, trouble is told and harms nobody."""

import sqlite3
from contextlib import asynccontextmanager

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from kiro_trio.credentials.standing import next_month
from kiro_trio.gateway.history import History, HistoryUnavailable, Retention
from kiro_trio.gateway.rows import Wanted
from kiro_trio.gateway.settled import SettledAttempt, SettledRequest

NOON = 1_790_000_000.0


def settled(number: int = 0, **more) -> SettledRequest:
    values = {
        "id": f"req_{number}",
        "at": NOON + number,
        "client": "default",
        "model": "claude-sonnet-4.5",
        "stream": True,
        "status": 200,
        "outcome": "whole",
        "seconds": 2.0,
        "first_content": 0.5,
        "bytes": 1000,
        "pings": 0,
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_tokens": None,
        "cache_write_tokens": None,
        "credits": 0.25,
        "measured": True,
        "estimate": 11,
        "prefix_hash": "abc",
        "attempts": (SettledAttempt(1, 2.0, "whole"),),
    }
    return SettledRequest(**(values | more))


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def history(folder, retention: Retention | None = None, clock: Clock | None = None):
    kept = History(folder / "h.sqlite3", retention or Retention(), clock or Clock())
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        yield kept
        nursery.cancel_scope.cancel()


async def test_what_is_noted_is_read_at_once_and_after_a_restart(tmp_path) -> None:
    requests = [settled(number, model=f"m{number % 2}") for number in range(5)]
    async with history(tmp_path) as kept:
        for request in requests:
            kept.note(request)
        assert (await kept.recent(Wanted())).requests == requests[::-1]
    async with history(tmp_path) as kept:
        assert await kept.find("req_3") == requests[3]
        assert await kept.find("req_9") is None
        usage = await kept.usage("model", NOON - 1, NOON + 10)
        assert {row.key: row.requests for row in usage} == {"m0": 3, "m1": 2}
        assert sum(row.credits for row in usage) == 1.25
        assert await kept.last_used() == {"default": NOON + 4}
        assert await kept.credits_by_client(NOON) == {"default": 1.25}


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from([1, 2, None]),
            st.sampled_from(["whole", "throttled"]),
            st.integers(0, 200_000),
        ),
        max_size=30,
    )
)
def test_sums_are_the_sums_of_the_rows(tmp_path_factory, rows) -> None:
    async def main() -> None:
        requests = [
            settled(
                number,
                client=client,
                outcome=outcome,
                at=NOON + later,
                attempts=() if credential is None else (SettledAttempt(credential, 1.0, outcome),),
            )
            for number, (client, credential, outcome, later) in enumerate(rows)
        ]
        async with history(tmp_path_factory.mktemp("h")) as kept:
            for request in requests:
                kept.note(request)
            for by in ("client", "credential", "model", "hour", "day"):
                usage = await kept.usage(by, 0, NOON + 10**6)
                assert sum(row.requests for row in usage) == len(requests)
                assert sum(row.failures for row in usage) == sum(
                    request.outcome != "whole" for request in requests
                )
            by_client = {row.key: row.requests for row in await kept.usage("client", 0, NOON + 10**6)}
            assert by_client == {
                name: count for name in "ab" if (count := sum(request.client == name for request in requests))
            }
            wanted = Wanted(limit=500, client="a", failed=True)
            found = (await kept.recent(wanted)).requests
            assert found == [
                request for request in requests[::-1] if request.client == "a" and request.outcome != "whole"
            ]

    trio.run(main)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sampled_from(["", "s1", "s2"]), st.sampled_from([1, 2, None]), st.integers(0, 99)))
)
def test_a_session_is_the_sum_of_its_requests(tmp_path_factory, rows) -> None:
    async def main() -> None:
        async with history(tmp_path_factory.mktemp("h")) as kept:
            for number, (session, credential, used) in enumerate(rows):
                attempts = () if credential is None else (SettledAttempt(credential, 1.0, "whole"),)
                kept.note(settled(number, session=session, attempts=attempts, output_tokens=used))
            assert await kept.session("") is None
            for name in ("s1", "s2"):
                mine = [(credential, used) for session, credential, used in rows if session == name]
                row = await kept.session(name)
                if not mine:
                    assert row is None
                    continue
                assert (row.requests, row.output_tokens) == (len(mine), sum(used for _, used in mine))
                assert row.credits == pytest.approx(0.25 * len(mine))
                known = [credential for credential, _ in mine if credential is not None]
                assert row.credential == (known[-1] if known else None)

    trio.run(main)


async def test_a_database_of_the_version_before_gets_what_it_lacks(tmp_path) -> None:
    async with history(tmp_path) as kept:
        kept.note(settled(1))
    with sqlite3.connect(tmp_path / "h.sqlite3") as database:
        database.executescript("DROP TABLE sessions; PRAGMA user_version = 1")
    database.close()
    async with history(tmp_path) as kept:
        kept.note(settled(2, session="s"))
        assert (await kept.session("s")).requests == 1
        assert [request.id for request in (await kept.recent(Wanted())).requests] == ["req_2", "req_1"]


async def test_pages_hold_together_while_more_comes(tmp_path) -> None:
    async with history(tmp_path) as kept:
        for number in range(10):
            kept.note(settled(number))
        first = await kept.recent(Wanted(limit=4))
        for number in range(10, 15):
            kept.note(settled(number))
        second = await kept.recent(Wanted(limit=4, before=first.next))
        third = await kept.recent(Wanted(limit=4, before=second.next))
    ids = [request.id for page in (first, second, third) for request in page.requests]
    assert ids == [f"req_{number}" for number in range(9, -1, -1)]
    assert third.next is None


@pytest.mark.parametrize("days", [0.5, 7])
async def test_old_rows_go(tmp_path, days: float) -> None:
    clock = Clock()
    first = next_month(NOON) - 9 * 86400 / 2  # of the running month everything is kept
    retention = Retention(requests=6, days=days, usage_days=2)
    async with history(tmp_path, retention, clock) as kept:
        for number in range(10):
            kept.note(settled(number, at=first + number * 86400 / 2))
        clock.now = next_month(NOON)
        await kept.recent(Wanted())
    async with history(tmp_path, retention, clock) as kept:
        left = (await kept.recent(Wanted())).requests
        usage = await kept.usage("hour", 0, NOON + 10**7)
    assert [request.id for request in left] == (
        ["req_9", "req_8"] if days == 0.5 else [f"req_{number}" for number in range(9, 3, -1)]
    )
    assert 4 <= len(usage) <= 5


async def test_with_no_rows_wanted_usage_is_still_summed_up(tmp_path) -> None:
    async with history(tmp_path, Retention(requests=0)) as kept:
        kept.note(settled())
        assert (await kept.recent(Wanted())).requests == []
        assert len(await kept.usage("model", 0, NOON + 10)) == 1


async def test_percentiles_are_right_to_a_few_percent(tmp_path) -> None:
    async with history(tmp_path) as kept:
        for number in range(100):
            kept.note(settled(number, at=NOON, seconds=(number + 1) / 10, first_content=None))
        kept.note(settled(200, at=NOON, seconds=500.0, first_content=None, outcome="throttled"))
        (row,) = await kept.latency("day", NOON - 90_000, NOON + 90_000)
    assert (row.kind, row.count) == ("total", 100)
    assert row.p50 == pytest.approx(5.0, rel=0.06)
    assert row.p90 == pytest.approx(9.0, rel=0.06)
    assert row.p99 == pytest.approx(9.9, rel=0.06)


async def test_a_damaged_database_is_put_aside_and_begun_anew(tmp_path) -> None:
    (tmp_path / "h.sqlite3").write_bytes(b"this is no database " * 500)
    async with history(tmp_path) as kept:
        kept.note(settled())
        assert len((await kept.recent(Wanted())).requests) == 1
    assert (tmp_path / "h.sqlite3.damaged").read_bytes().startswith(b"this is no database")


async def test_where_nothing_can_be_written_the_rest_goes_on(tmp_path) -> None:
    (tmp_path / "h.sqlite3").mkdir()
    async with history(tmp_path) as kept:
        kept.note(settled())
        with pytest.raises(HistoryUnavailable):
            await kept.recent(Wanted())
        assert "h.sqlite3" in kept.problem
        assert await kept.last_used() == {}
        (tmp_path / "h.sqlite3").rmdir()
        kept.note(settled(1))
        # What could not be written was kept in memory.
        assert len((await kept.recent(Wanted())).requests) == 2
        assert (kept.problem, kept.lost) == ("", 0)


async def test_what_can_never_be_written_stands_in_nobodys_way(tmp_path) -> None:
    async with history(tmp_path) as kept:
        kept.note(settled(1, model="half of a pair: \ud800"))
        with pytest.raises(HistoryUnavailable):
            await kept.recent(Wanted())
        kept.note(settled(2))
        assert [request.id for request in (await kept.recent(Wanted())).requests] == ["req_2"]
        assert kept.lost == 1


async def test_a_file_that_another_holds_is_written_when_it_is_free(tmp_path) -> None:
    async with history(tmp_path) as kept:
        await kept.last_used()
        kept._database.execute("PRAGMA busy_timeout = 10")
        other = sqlite3.connect(tmp_path / "h.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            kept.note(settled(number))
            with pytest.raises(HistoryUnavailable, match="locked"):
                await kept.recent(Wanted())
        other.execute("ROLLBACK")
        other.close()
        assert len((await kept.recent(Wanted())).requests) == 3
        assert (await kept.usage("client", 0, NOON + 10))[0].requests == 3


async def test_a_reader_that_leaves_takes_nothing_along(tmp_path) -> None:
    async with history(tmp_path) as kept:
        for number in range(5):
            kept.note(settled(number))
            with trio.CancelScope() as scope:
                scope.cancel()
                await kept.recent(Wanted())
        assert len((await kept.recent(Wanted())).requests) == 5


async def test_only_the_owner_may_read_the_file(tmp_path) -> None:
    async with history(tmp_path) as kept:
        kept.note(settled())
        await kept.recent(Wanted())
        assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


async def test_two_processes_share_one_file(tmp_path) -> None:
    async with history(tmp_path) as one, history(tmp_path) as other:
        for number in range(20):
            (one if number % 2 else other).note(settled(number))
            await (one if number % 2 else other).recent(Wanted())
        assert len((await one.recent(Wanted())).requests) == 20
        assert (await other.usage("model", 0, NOON + 100))[0].requests == 20


def test_what_is_noted_is_written_without_being_read(tmp_path) -> None:
    async def main() -> None:
        async with history(tmp_path) as kept:
            kept.note(settled())
            await trio.sleep(3)

    trio.run(main, clock=MockClock(autojump_threshold=0.05))
    database = sqlite3.connect(tmp_path / "h.sqlite3")
    assert database.execute("SELECT count(*) FROM requests").fetchone() == (1,)
    database.close()


async def test_memory_is_bounded_when_nothing_is_written(tmp_path) -> None:
    kept = History(tmp_path / "h.sqlite3", Retention(), Clock())
    for number in range(10_050):
        kept.note(settled(number))
    assert kept.lost == 50
    assert len(kept._noted) == 10_000

"""Limits of clients: no race, no restart, no other process and no silence of Kiro's gives a key more than it may have."""

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiro_trio.credentials.standing import month_began, next_month
from kiro_trio.gateway.clients import Clients
from kiro_trio.gateway.history import History, Retention
from kiro_trio.gateway.limits import GUESS, Limits
from tests.credentials.patience import patiently
from tests.gateway.test_history import NOON, Clock, history, settled


def limits(folder, clock: Clock) -> Limits:
    return Limits(History(folder / "h.sqlite3", Retention(), clock), clock)


async def let_in(known: Limits, **limit) -> bool:
    refusal = await known.enter("one", limit.get("per_minute"), limit.get("credits"))
    assert refusal is None or refusal.retry_after > 0
    return refusal is None


class Process:
    """One of several gateways over the same files."""

    def __init__(self, folder, clock: Clock) -> None:
        self.history = History(folder / "h.sqlite3", Retention(), clock)
        self.clients = Clients(folder / "keys.json", "", self.history, clock)

    async def run(self, *, task_status=trio.TASK_STATUS_IGNORED) -> None:
        await self.clients.open()
        async with trio.open_nursery() as nursery:
            await nursery.start(self.history.run)
            await nursery.start(self.clients.run)
            task_status.started()

    def book(self, number: int, **more) -> None:
        request = settled(number, client="one", **more)
        self.history.note(request)
        self.clients.limits.charge(request)


# In a minute


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 5), st.lists(st.booleans(), min_size=40))
def test_never_more_than_so_many_in_any_minute_of_two_processes(
    tmp_path_factory, pauses, limit, turns
) -> None:
    async def main() -> None:
        clock = Clock()
        folder = tmp_path_factory.mktemp("k")
        both = limits(folder, clock), limits(folder, clock)
        times = []
        for pause, turn in zip(pauses, turns, strict=False):
            clock.now += pause
            refusal = await both[turn].enter("one", limit, None)
            if refusal is None:
                times.append(clock.now)
            else:
                assert 0 < refusal.retry_after <= 60
                assert sum(clock.now - 60 < at for at in times) == limit
        for began in times:
            assert sum(began <= at < began + 60 for at in times) <= limit

    trio.run(main)


async def test_a_crowd_at_the_same_moment_gets_no_more(tmp_path) -> None:
    clock = Clock()
    both = limits(tmp_path, clock), limits(tmp_path, clock)
    entered = []

    async def ask(known: Limits) -> None:
        entered.append(await let_in(known, per_minute=7))

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(ask, both[number % 2])
    assert sum(entered) == 7


async def test_a_restart_forgets_no_minute(tmp_path) -> None:
    clock = Clock()
    assert await let_in(limits(tmp_path, clock), per_minute=1)
    clock.now += 30
    assert not await let_in(limits(tmp_path, clock), per_minute=1)
    clock.now += 31
    assert await let_in(limits(tmp_path, clock), per_minute=1)


async def test_a_lower_limit_is_in_force_at_once(tmp_path) -> None:
    clock = Clock()
    known = limits(tmp_path, clock)
    for number in range(4):
        clock.now = NOON + 10 * number
        assert await let_in(known, per_minute=4)
    refusal = await known.enter("one", 2, None)
    assert refusal is not None
    assert refusal.retry_after == 50  # when the one at 20 s is a minute old


async def test_a_clock_that_was_set_back_locks_nobody_out(tmp_path) -> None:
    clock = Clock()
    known = limits(tmp_path, clock)
    assert await let_in(known, per_minute=1)
    clock.now -= 7200
    assert await let_in(known, per_minute=1)


async def test_where_no_file_can_be_written_a_process_counts_for_itself(tmp_path) -> None:
    (tmp_path / "h.sqlite3").mkdir()
    known = limits(tmp_path, Clock())
    assert [await let_in(known, per_minute=2) for _ in range(3)] == [True, True, False]


async def test_who_leaves_while_we_ask_was_not_let_in(tmp_path) -> None:
    known = limits(tmp_path, Clock())
    with trio.CancelScope() as scope:
        scope.cancel()
        await known.enter("one", 5, None)
    assert scope.cancelled_caught
    assert not known._running


# In a month


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, GUESS)), max_size=80),
    st.floats(0.1, 20),
)
def test_requests_that_run_never_use_up_more_than_a_reply_beyond_the_limit(
    tmp_path_factory, steps, limit
) -> None:
    """Each step lets one in, or ends the oldest one at a cost that is not above the guess."""

    async def main() -> None:
        known = limits(tmp_path_factory.mktemp("k"), Clock())
        known._typical["one"] = GUESS
        running = 0
        for number, (enters, cost) in enumerate(steps):
            if enters:
                running += await let_in(known, credits=limit)
            elif running:
                known.charge(settled(number, client="one", credits=cost))
                known._typical["one"] = GUESS
                known.leave("one")
                running -= 1
            # Even if all that run cost what they may, the last of them began while there was something left.
            assert known.spent("one") + running * GUESS < limit + GUESS
        assert known._running.total() == running

    trio.run(main)


async def test_a_burst_waits_for_its_own_costs(tmp_path) -> None:
    known = limits(tmp_path, Clock())
    assert sum([await let_in(known, credits=3.0) for _ in range(50)]) == 3
    refusal = await known.enter("one", None, 3.0)
    assert refusal is not None
    assert refusal.retry_after <= 60
    for number in range(3):
        known.charge(settled(number, client="one", credits=0.1))
        known.leave("one")
    # Now it is known what they cost: 2.7 left, at 0.1 each.
    assert sum([await let_in(known, credits=3.0) for _ in range(50)]) == 27


async def test_the_first_request_is_let_in_whatever_it_may_cost(tmp_path) -> None:
    known = limits(tmp_path, Clock())
    assert await let_in(known, credits=0.001)
    assert not await let_in(known, credits=0.001)


async def test_a_limit_of_nothing_lets_nobody_in(tmp_path) -> None:
    known = limits(tmp_path, Clock())
    refusal = await known.enter("one", None, 0.0)
    assert refusal is not None
    assert refusal.retry_after == next_month(NOON) - NOON


async def test_clients_without_limits_are_not_asked_about(tmp_path) -> None:
    known = limits(tmp_path, Clock())
    assert all([await let_in(known) for _ in range(500)])
    assert not (tmp_path / "h.sqlite3").exists()


async def test_the_month_turns_while_a_request_runs(tmp_path) -> None:
    clock = Clock()
    known = limits(tmp_path, clock)
    clock.now = next_month(NOON) - 10
    assert await let_in(known, credits=1.0)
    began = clock.now
    known.charge(settled(1, client="one", credits=5.0, at=began))
    assert not await let_in(known, credits=1.0)
    assert await known.enter("two", None, 1.0) is None
    clock.now += 20
    assert known.spent("one") == 0
    assert not await let_in(known, credits=1.0)  # one still runs, and may cost five
    known.leave("one")
    assert await let_in(known, credits=1.0)
    # What began in the old month is booked there, when the rows are summed up and here.
    known.charge(settled(2, client="two", credits=0.5, at=began))
    assert known.spent("two") == 0


async def test_a_cost_that_kiro_did_not_say_is_guessed_if_it_answered(tmp_path) -> None:
    known = limits(tmp_path, Clock())
    known.charge(settled(1, client="one", credits=None, first_content=None))
    assert known.spent("one") == 0
    known.charge(settled(2, client="one", credits=None))
    assert known.spent("one") == GUESS
    for number in range(40):
        known.charge(settled(number, client="two", credits=0.25))
    known.charge(settled(50, client="two", credits=None))
    assert known.spent("two") == 40.25 * 0.25 + 0.75 * 0.25


async def test_a_recount_counts_nothing_twice(tmp_path) -> None:
    clock = Clock()
    async with history(tmp_path, clock=clock) as kept:
        known = Limits(kept, clock)
        for number in range(20):
            request = settled(number, client="one", credits=0.5, at=NOON)
            kept.note(request)
            known.charge(request)
            assert known.spent("one") == 0.5 * (number + 1)
            if number % 3 == 0:
                await known.recount()
                assert known.spent("one") == 0.5 * (number + 1)


async def test_a_history_that_cannot_be_read_takes_nothing_back(tmp_path) -> None:
    (tmp_path / "h.sqlite3").mkdir()
    known = limits(tmp_path, Clock())
    known.charge(settled(client="one", credits=2.0))
    await known.recount()
    assert known.spent("one") == 2.0


async def test_short_retention_forgets_no_credits_of_the_running_month(tmp_path) -> None:
    clock = Clock()
    for _ in range(2):  # the second time they are tidied up first
        async with history(tmp_path, Retention(usage_days=0), clock) as kept:
            if (await kept.credits_by_client(month_began(NOON))) == {}:
                kept.note(settled(client="one", credits=2.0, at=month_began(NOON) + 1))
                kept.note(settled(1, client="one", credits=4.0, at=month_began(NOON) - 1))
            assert await kept.credits_by_client(month_began(NOON)) == {"one": 2.0}
    async with history(tmp_path, Retention(usage_days=0), clock) as kept:
        assert await kept.credits_by_client(0) == {"one": 2.0}


@patiently
class TestProcesses:
    async def test_what_was_used_before_a_restart_counts_from_the_first_request(self, tmp_path) -> None:
        clock = Clock()
        before, after = Process(tmp_path, clock), Process(tmp_path, clock)
        await before.clients.create("one", credits_per_month=1.0)
        async with trio.open_nursery() as nursery:
            await nursery.start(before.run)
            before.book(1, credits=2.0)
            nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            await nursery.start(after.run)
            assert await after.clients.admit("one") is not None
            nursery.cancel_scope.cancel()

    async def test_what_others_use_counts_within_seconds(self, tmp_path) -> None:
        clock = Clock()
        one, other = Process(tmp_path, clock), Process(tmp_path, clock)
        await one.clients.create("one", credits_per_month=1.0)
        async with trio.open_nursery() as nursery:
            await nursery.start(one.run)
            await nursery.start(other.run)
            one.book(1, credits=0.75)
            other.book(2, credits=0.5)
            assert await one.clients.admit("one") is None
            one.clients.leave("one")
            await trio.sleep(12)
            assert one.clients.limits.spent("one") == other.clients.limits.spent("one") == 1.25
            assert await one.clients.admit("one") is not None
            assert await other.clients.admit("one") is not None
            nursery.cancel_scope.cancel()

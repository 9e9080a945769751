import pytest
import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.errands import Errands


@pytest.fixture
def errands():
    return Errands("errand", Fault.RENEWAL_FAILED, limit=100.0, grace=10.0)


async def test_it_is_done_once_for_all(errands, nursery, autojump_clock):
    done = []

    async def work():
        await trio.sleep(1)
        done.append(1)
        return Failure(Fault.RENEWAL_REFUSED)

    results = []

    async def wait():
        results.append(await errands.wait(1, work))

    await nursery.start(errands.run)
    async with trio.open_nursery() as waiters:
        for _ in range(5):
            waiters.start_soon(wait)
        await trio.sleep(0.5)
        assert 1 in errands
    assert (results, done) == ([Failure(Fault.RENEWAL_REFUSED)] * 5, [1])
    assert 1 not in errands
    await errands.wait(1, work)
    assert len(done) == 2


async def test_who_leaves_stops_nothing(errands, nursery, autojump_clock):
    done = trio.Event()

    async def work():
        await trio.sleep(5)
        done.set()

    await nursery.start(errands.run)
    with trio.move_on_after(1):
        await errands.wait(1, work)
    await done.wait()
    assert trio.current_time() == 5


@pytest.mark.parametrize(("seconds", "finished", "ended"), [(8, True, 9), (50, False, 11)])
async def test_stopping_leaves_some_seconds(errands, autojump_clock, seconds, finished, ended):
    results = []

    async def work():
        await trio.sleep(seconds)
        results.append(True)

    async with trio.open_nursery() as nursery:
        await nursery.start(errands.run)
        errands.start(1, work)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert (bool(results), trio.current_time()) == (finished, ended if not finished else seconds)


async def test_after_the_end_nothing_is_begun(errands):
    async def work():
        raise AssertionError

    assert (await errands.wait(1, work)).fault is Fault.SHUTTING_DOWN


async def test_what_takes_too_long_ends(errands, nursery, autojump_clock):
    await nursery.start(errands.run)
    failure = await errands.wait(1, trio.sleep_forever)
    assert (failure.fault, trio.current_time()) == (Fault.RENEWAL_FAILED, 100)


async def test_a_bug_is_a_result(errands, nursery):
    async def work():
        raise ZeroDivisionError

    await nursery.start(errands.run)
    failure = await errands.wait(1, work)
    assert failure.fault is Fault.RENEWAL_FAILED
    assert "ZeroDivisionError" in failure.detail
    assert 1 not in errands

"""What accounts have left: asked for rarely, told at once, and never in the way of who only glances."""

import pytest
import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.gateway.balances import FRESH, GLANCE_AGAIN, Balances
from kiro_trio.kiro.usage import Allowance, Overage, UsageLimits


def limits(used: float) -> UsageLimits:
    return UsageLimits("PLAN", "", "CREDIT", Allowance(used, 100.0), None, (), Overage(), None)


class Kiro:
    """Stands where the owner's hands are; says one credit more is used each time, after a while."""

    def __init__(self, takes: float = 0.5) -> None:
        self.takes, self.asked, self.fails = takes, 0, False

    async def usage(self, credential_id: int) -> UsageLimits | Failure:
        self.asked += 1
        await trio.sleep(self.takes)
        if credential_id == 404:
            raise KeyError(credential_id)
        return Failure(Fault.THROTTLED) if self.fails else limits(self.asked)


@pytest.fixture
async def running(nursery):
    def start(kiro: Kiro) -> Balances:
        balances = Balances(kiro, trio.current_time)
        nursery.start_soon(balances.run)
        return balances

    return start


async def test_the_first_glance_waits_a_moment_and_the_next_ones_do_not(autojump_clock, running):
    kiro = Kiro()
    balances = running(kiro)
    assert (await balances.glance(1, 1.0)).limits.remaining == 99
    began = trio.current_time()
    for _ in range(10):
        assert (await balances.glance(1, 1.0)).limits.remaining == 99
    assert trio.current_time() == began
    assert kiro.asked == 1


async def test_what_is_old_is_told_at_once_and_renewed_behind_it(autojump_clock, running):
    kiro = Kiro()
    balances = running(kiro)
    await balances.glance(1, 1.0)
    await trio.sleep(FRESH)
    began = trio.current_time()
    assert (await balances.glance(1, 1.0)).limits.remaining == 99
    assert trio.current_time() == began
    await trio.sleep(1)
    assert (await balances.glance(1, 1.0)).limits.remaining == 98


@pytest.mark.parametrize("takes", [0.1, 30.0])
async def test_a_kiro_that_does_not_tell_is_not_asked_by_every_glance(autojump_clock, running, takes):
    kiro = Kiro(takes)
    kiro.fails = True
    balances = running(kiro)
    for _ in range(20):
        began = trio.current_time()
        assert await balances.glance(1, 1.0) is None
        assert trio.current_time() - began <= 1.0
    assert kiro.asked == 1
    await trio.sleep(GLANCE_AGAIN)
    assert await balances.glance(1, 1.0) is None
    await trio.sleep(1)
    assert kiro.asked == 2


async def test_many_glances_at_once_ask_once_and_one_that_leaves_takes_nothing_along(autojump_clock, running):
    kiro, seen = Kiro(), []
    balances = running(kiro)

    async def look() -> None:
        seen.append(await balances.glance(1, 5.0))

    async with trio.open_nursery() as lookers:
        with trio.move_on_after(0.1):
            await balances.glance(1, 5.0)
        for _ in range(5):
            lookers.start_soon(look)
    assert [balance.limits.remaining for balance in seen] == [99] * 5
    assert kiro.asked == 1


async def test_an_account_that_is_gone_harms_nobody(autojump_clock, running):
    balances = running(Kiro())
    assert await balances.glance(404, 1.0) is None
    assert (await balances.glance(1, 1.0)) is not None

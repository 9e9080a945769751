"""What accounts have left, remembered for some minutes: Kiro need not be asked whenever somebody looks."""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import trio

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.owner import Owner
from kiro_trio.kiro.usage import UsageLimits

FRESH = 300.0
"""Seconds after which Kiro is asked again."""

GLANCE_AGAIN = 60.0
"""Seconds between two questions that glances cause, whatever came of the first."""

_MOST_ASKED = 100


@dataclass(frozen=True, slots=True)
class Balance:
    """What Kiro said, and when (epoch seconds)."""

    at: float
    limits: UsageLimits


class Balances:
    """The balances of all accounts that somebody has asked for. Glances are answered only while `run` runs."""

    def __init__(self, owner: Owner, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._clock = clock
        self._known: dict[int, Balance] = {}
        self._glanced: dict[int, float] = {}
        self._answers: dict[int, trio.Event] = {}
        self._ask, self._asked = trio.open_memory_channel[int](_MOST_ASKED)

    async def run(self) -> None:
        """Ask Kiro what glances found missing, until cancelled."""
        async with trio.open_nursery() as nursery:
            async for credential_id in self._asked:
                nursery.start_soon(self._answer, credential_id)

    async def glance(self, credential_id: int, patience: float) -> Balance | None:
        """What is known of an account's balance, however old; Kiro is asked in the background if that is old.

        Only if nothing is known, this waits for the answer, `patience` seconds at most. None if it does not come.
        """
        now, known = self._clock(), self._known.get(credential_id)
        old = known is None or now >= known.at + FRESH
        if old and now >= self._glanced.get(credential_id, -math.inf) + GLANCE_AGAIN:
            self._glanced[credential_id] = now
            with suppress(trio.WouldBlock):
                self._ask.send_nowait(credential_id)
                self._answers[credential_id] = trio.Event()
        if known is None and credential_id in self._answers:
            with trio.move_on_after(patience):
                await self._answers[credential_id].wait()
        return self._known.get(credential_id)

    async def get(self, credential_id: int, *, fresh: bool = False) -> Balance | Failure:
        """An account's balance, asked anew if it is old or `fresh` is wanted; raises KeyError if there is none."""
        known = self._known.get(credential_id)
        if known is not None and not fresh and self._clock() < known.at + FRESH:
            return known
        limits = await self._owner.usage(credential_id)
        if isinstance(limits, Failure):
            return limits
        return self.note(credential_id, limits)

    def note(self, credential_id: int, limits: UsageLimits) -> Balance:
        """Kiro has just said what an account has left."""
        balance = self._known[credential_id] = Balance(self._clock(), limits)
        return balance

    async def _answer(self, credential_id: int) -> None:
        try:
            with suppress(KeyError):  # it is gone by now
                await self.get(credential_id, fresh=True)
        finally:
            self._answers.pop(credential_id, trio.Event()).set()

    def known(self) -> Iterator[tuple[int, Balance]]:
        """Every balance as it was told last, by account."""
        return iter(list(self._known.items()))

    def forget(self, credential_id: int) -> None:
        """The account is gone, or is another one now."""
        self._known.pop(credential_id, None)
        self._glanced.pop(credential_id, None)

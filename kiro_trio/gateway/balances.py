"""What accounts have left, remembered for some minutes: Kiro need not be asked whenever somebody looks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.owner import Owner
from kiro_trio.kiro.usage import UsageLimits

FRESH = 300.0
"""Seconds after which Kiro is asked again."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What Kiro said, and when (epoch seconds)."""

    at: float
    limits: UsageLimits


class Balances:
    """The balances of all accounts that somebody has asked for."""

    def __init__(self, owner: Owner, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._clock = clock
        self._known: dict[int, Balance] = {}

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

    def known(self) -> Iterator[tuple[int, Balance]]:
        """Every balance as it was told last, by account."""
        return iter(list(self._known.items()))

    def forget(self, credential_id: int) -> None:
        """The account is gone, or is another one now."""
        self._known.pop(credential_id, None)

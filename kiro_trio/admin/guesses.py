"""Wrong keys are slowed down: each address has a few tries, and gets another one every few seconds."""

from collections import OrderedDict
from collections.abc import Callable

TRIES = 10
EVERY = 6.0
"""Seconds after which an address has one more try."""

_MOST_ADDRESSES = 4096


class Guesses:
    """Counts wrong keys by address; `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each address has all its tries again."""

    def wait(self, address: str) -> float | None:
        """The seconds until this address may try again, None if it may now."""
        over = self._full_at.get(address, 0.0) - self._clock() - (TRIES - 1) * EVERY
        return over if over > 0 else None

    def wrong(self, address: str) -> None:
        """Book a wrong key."""
        self._full_at[address] = max(self._full_at.pop(address, 0.0), self._clock()) + EVERY
        if len(self._full_at) > _MOST_ADDRESSES:
            self._full_at.popitem(last=False)

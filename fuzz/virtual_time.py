"""Virtual time in which tasks run in an order that a number decides, so that what was found once is found again."""

from collections.abc import Awaitable, Callable
from typing import Any

import trio
import trio.testing
from hypothesis import strategies as st
from trio._core import _run

orders = st.integers(0, 1 << 16)


def run(main: Callable[..., Awaitable[Any]], *args: Any, order: int) -> Any:
    # What pytest-trio does under hypothesis; there is no public way.
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True
    _run._r.seed(order)
    return trio.run(main, *args, clock=trio.testing.MockClock(autojump_threshold=0))

"""Virtual time for tests in which threads work: a `MockClock` by itself jumps while they do."""

import functools
import inspect
import math

import pytest
import trio
from trio.testing import MockClock


def patiently(target):
    """Decorate an async test, or a class of them: it runs under a clock that jumps only when no thread is at work."""
    if inspect.isclass(target):
        for name, function in list(vars(target).items()):
            if inspect.iscoroutinefunction(function):
                setattr(target, name, patiently(function))
        return target

    @functools.wraps(target)
    def test(*args, **kwargs):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trio.to_thread, "run_sync", _holding(trio.to_thread.run_sync))
            trio.run(functools.partial(target, *args, **kwargs), clock=MockClock(autojump_threshold=0.0))

    return test


def _holding(run_sync):
    threads = 0

    async def held(*args, **kwargs):
        nonlocal threads
        clock = trio.lowlevel.current_clock()
        threads += 1
        clock.autojump_threshold = math.inf
        try:
            return await run_sync(*args, **kwargs)
        finally:
            threads -= 1
            clock.autojump_threshold = math.inf if threads else 0.0

    return held

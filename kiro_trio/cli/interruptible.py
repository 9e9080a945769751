"""Work that Ctrl-C ends cleanly: what it has open is closed, and the exit code says so."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import click
import trio

from kiro_trio.cli.signals import set_on_signal

_T = TypeVar("_T")


class Interrupted(click.ClickException):
    """The person has changed their mind."""

    exit_code = 130  # as shells say it: 128 and the number of SIGINT


def run_interruptibly(work: Callable[[], Awaitable[_T]], farewell: str) -> _T:
    """Run `work` in trio until it is done, or until SIGINT or SIGTERM; the second signal ends at once.

    Raises:
        Interrupted: a signal came first; `farewell` says what that means.
    """
    done: list[_T] = []
    try:
        trio.run(partial(_run, work, done))
    except ExceptionGroup as group:
        # Nurseries wrap what leaves them, each once more; what is meant for the person is told as it is.
        meant, bugs = group.split(click.ClickException)
        if meant is None or bugs is not None:
            raise
        raise _first(meant) from None
    if not done:
        raise Interrupted(farewell)
    return done[0]


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _run(work: Callable[[], Awaitable[_T]], done: list[_T]) -> None:
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(set_on_signal, stop)
        nursery.start_soon(_cancel_on, stop, nursery.cancel_scope)
        done.append(await work())
        nursery.cancel_scope.cancel(reason="done")


async def _cancel_on(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel(reason="asked to stop")

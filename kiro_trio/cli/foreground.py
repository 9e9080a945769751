"""Another program in our place: it has the terminal, the signals that we get are for it, its exit code is ours."""

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

import trio

# What a person or a supervisor sends to the program that they started, which is us.
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

# What a terminal sends to all of its foreground programs, so that the other one has it already.
_FROM_THE_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})

_KILLED_BY = 128  # plus the number of the signal, as shells say it


async def run_in_foreground(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program with our stdin, stdout and stderr, and return its exit code. Cancelling it kills the program.

    Raises:
        OSError: it cannot be started.
    """
    with trio.open_signal_receiver(*_PASSED_ON) as signals:
        process = await trio.lowlevel.open_process(list(argv), env=dict(environ))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_pass_on, signals, process)
                code = await process.wait()
                nursery.cancel_scope.cancel(reason="the program has ended")
        finally:
            if process.returncode is None:
                process.kill()
    return code if code >= 0 else _KILLED_BY - code


async def _pass_on(signals: AsyncIterator[int], process: trio.Process) -> None:
    async for number in signals:
        if number in _FROM_THE_TERMINAL and _has_terminal():
            continue
        with suppress(ProcessLookupError):
            process.send_signal(signal.Signals(number))


def _has_terminal() -> bool:
    """Whether we are among the foreground programs of a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)

"""Signals: the first asks for a graceful stop, the second does not ask."""

import os
import signal

import trio


def stop_signals() -> tuple[signal.Signals, ...]:
    """What asks for a stop: SIGTERM, SIGINT, and the end of our terminal, unless `nohup` has it ignored."""
    hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    return (signal.SIGTERM, signal.SIGINT, *((signal.SIGHUP,) if hangup else ()))


def insists(number: int) -> bool:
    """Whether the signal, coming second, means "at once": kernel and shell both tell of the end of a terminal."""
    return number != signal.SIGHUP


async def set_on_signal(
    stop: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Set `stop` on the first of these signals; leave the process at once on the second. Runs until cancelled."""
    with trio.open_signal_receiver(*stop_signals()) as signals:
        task_status.started()
        async for number in signals:
            if stop.is_set() and insists(number):
                os._exit(128 + number)  # whoever asks twice means it, whatever still waits for whom
            stop.set()

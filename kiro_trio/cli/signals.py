"""Signals: the first asks for a graceful stop, the second does not ask."""

import os
import signal

import trio

_STOP = (signal.SIGTERM, signal.SIGINT)


async def set_on_signal(
    stop: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Set `stop` on the first SIGTERM or SIGINT; leave the process at once on the second. Runs until cancelled."""
    with trio.open_signal_receiver(*_STOP) as signals:
        task_status.started()
        async for number in signals:
            if stop.is_set():
                os._exit(128 + number)  # whoever asks twice means it, whatever still waits for whom
            stop.set()

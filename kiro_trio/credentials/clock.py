"""The one place where this room reads the time of day. Durations are trio's; this is for what outlives the process."""

import time


def wall_clock() -> float:
    """The time of day in epoch seconds."""
    return time.time()  # noqa: TID251 - the edge: everything else is handed a clock

"""What a person pastes while we wait for something else: lines of stdin, without a thread that nobody can stop."""

import os
from collections.abc import AsyncGenerator

import trio

_READ = 65536
_LONGEST = 65536


async def pasted_lines(descriptor: int = 0) -> AsyncGenerator[str, None]:
    """The lines as they come, until the input ends. Cancelling it leaves the terminal as it was.

    A thread that sits in a read of stdin cannot be told to go, and keeps the process from ending cleanly.
    """
    kept = b""
    while True:
        try:
            await trio.lowlevel.wait_readable(descriptor)
        except OSError:
            await trio.lowlevel.checkpoint()  # a file, which has always something to read, or nothing at all
        try:
            data = os.read(descriptor, _READ)
        except OSError:
            return
        *lines, kept = (kept + data).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        if not data or len(kept) > _LONGEST:
            if kept:
                yield kept.decode("utf-8", "replace")
            return

"""How fast the event-stream decoder is, beside AWS's own in Python.

    python bench/decoder.py                  the whole table, half a minute
    python bench/decoder.py --json FILE      the same as data
    python bench/decoder.py --check          exit code 1 if a target is missed
    python bench/decoder.py --instructions   instructions per frame instead of time (needs valgrind)

Frames carry the three headers that Kiro sends; payload sizes vary by half around the stated one, as a reply's do. A stream has 300
frames, fewer of large ones. All contenders decode the same chunks and take every message, in turn within each round, so that what
disturbs the machine disturbs all; time is CPU time of the thread. What counts is the ratio within a round: its median over the
rounds, and as spread its middle half.
"""

import argparse
import gc
import json
import platform
import random
import re
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from io import BytesIO

from kiro_trio.wire import EventStreamDecoder, encode_message

Chunks = Sequence[bytes]
Decode = Callable[[Chunks], int]

KIB = 1024
HEADERS = {
    ":event-type": "assistantResponseEvent",
    ":content-type": "application/json",
    ":message-type": "event",
}
FRAMES = {30: 300, 150: 300, 1000: 300, 10_000: 60, 1 << 20: 4}
"""Frames of a stream, by size of payload."""

MEASURE_SECONDS = 0.004
"""Streams are decoded until so much time is used, in each round, by each contender.

Short, with many rounds: on a shared machine the neighbours of a round are then disturbed alike.
"""


@dataclass
class Cell:
    """One line of the table: what is decoded, how it is fed, and what it has to reach."""

    payload: int
    feed: str
    decoder: str
    target: float | None
    times: dict[str, list[float]] = field(default_factory=dict)
    """Seconds per frame, a value per round, by contender."""

    def ratios(self, other: str = "botocore") -> list[float]:
        """How many times as fast ours is, round by round."""
        return [
            theirs / ours for ours, theirs in zip(self.times["ours"], self.times.get(other, []), strict=False)
        ]


CELLS = (
    *((size, feed, "one for all", target) for size, target in ((30, 10), (150, 10), (1000, 6), (10_000, 2), (1 << 20, 1.1))
      for feed in ("one frame", "64 KiB")),
    *((size, feed, "new each", target) for size, target in ((30, 10), (150, 10), (1000, 6)) for feed in ("one frame", "64 KiB")),
    *((size, "1 byte", "one for all", 4) for size in (30, 150, 1000, 10_000)),
)  # fmt: skip
LINEAR = (50_000, 100_000, 200_000, 400_000)


# What is decoded


@cache
def stream(payload: int) -> tuple[bytes, ...]:
    """The frames of a stream; the same ones each time."""
    rng = random.Random(payload)  # noqa: S311  # repeatable
    sizes = [rng.randint(payload // 2, payload * 3 // 2) for _ in range(FRAMES[payload])]
    return tuple(encode_message(HEADERS, rng.randbytes(size)) for size in sizes)


def cut(payload: int, feed: str) -> tuple[Chunks, int]:
    """The chunks of a stream, and how many frames they are."""
    frames = stream(payload)
    if feed == "one frame":
        return frames, len(frames)
    if feed == "1 byte":
        frames = frames[: max(1, 15_000 // (payload + 108))]
    data, size = b"".join(frames), 1 if feed == "1 byte" else 64 * KIB
    return [data[at : at + size] for at in range(0, len(data), size)], len(frames)


# Who decodes


def ours(decoder: EventStreamDecoder, chunks: Chunks) -> int:
    count = 0
    for chunk in chunks:
        for _message in decoder.receive_data(chunk):
            count += 1
    return count


def ours_in_two_calls(decoder: EventStreamDecoder, chunks: Chunks) -> int:
    count = 0
    for chunk in chunks:
        decoder.receive_data(chunk)
        for _message in decoder.messages():
            count += 1
    return count


def botocore(buffer: "EventStreamBuffer", chunks: Chunks) -> int:  # noqa: F821
    count = 0
    for chunk in chunks:
        buffer.add_data(chunk)
        for _message in buffer:
            count += 1
    return count


def smithy(event: type, source: BytesIO) -> int:
    """It pulls, and has no way to wait for more: it gets everything at once."""
    count = 0
    while event.decode(source) is not None:
        count += 1
    return count


def contenders(cell: Cell) -> Iterator[tuple[str, Decode]]:
    from botocore.eventstream import EventStreamBuffer  # noqa: PLC0415  # slow to import

    drivers = [("ours", ours, EventStreamDecoder), ("ours, two calls", ours_in_two_calls, EventStreamDecoder)]
    for name, decode, make in [*drivers, ("botocore", botocore, EventStreamBuffer)]:
        if cell.decoder == "new each":
            yield name, lambda chunks, decode=decode, make=make: decode(make(), chunks)
        else:
            yield name, partial(decode, make())
    if find_spec("smithy_aws_event_stream") is not None and cell.feed != "1 byte":
        from smithy_aws_event_stream.events import Event  # noqa: PLC0415  # optional

        whole = b"".join(cut(cell.payload, cell.feed)[0])
        yield "smithy", lambda _chunks: smithy(Event, BytesIO(whole))


# How it is measured


def measure(cell: Cell, rounds: int) -> None:
    chunks, frames = cut(cell.payload, cell.feed)
    running = list(contenders(cell))
    repeats = {
        name: max(1, round(MEASURE_SECONDS / clock(decode, chunks, 1, frames) / frames))
        for name, decode in running
    }
    gc.collect()
    for number in range(rounds):
        for name, decode in running if number % 2 else reversed(running):
            cell.times.setdefault(name, []).append(clock(decode, chunks, repeats[name], frames))


def clock(decode: Decode, chunks: Chunks, repeats: int, frames: int) -> float:
    """Seconds per frame."""
    start = time.thread_time()
    for _ in range(repeats):
        if decode(chunks) != frames:
            raise SystemExit("a decoder lost a frame")
    return (time.thread_time() - start) / repeats / frames


def linearity(rounds: int) -> dict[str, list[float]]:
    """Nanoseconds per byte of one frame that is fed byte by byte, by its size: the best of some rounds."""
    from botocore.eventstream import EventStreamBuffer  # noqa: PLC0415

    found: dict[str, list[float]] = {"ours": [], "botocore": []}
    for size in LINEAR:
        data = encode_message(HEADERS, bytes(size))
        chunks = [data[at : at + 1] for at in range(len(data))]
        for name, decode in (
            ("ours", lambda c: ours(EventStreamDecoder(), c)),
            ("botocore", lambda c: botocore(EventStreamBuffer(), c)),
        ):
            times = [clock(decode, chunks, 1, 1) for _ in range(rounds if name == "ours" else 1)]
            found[name].append(min(times) / size * 1e9)
    return found


def instructions(payload: int, feed: str, name: str) -> float:
    """Instructions per frame, as valgrind counts them: the difference of two runs."""
    few, many = 2, 12
    counts = []
    for repeats in (few, many):
        command = [
            "valgrind",
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
            sys.executable,
            __file__,
        ]
        run = subprocess.run(  # noqa: S603  # our own command line
            [*command, "--once", str(payload), feed, name, str(repeats)],
            capture_output=True,
            text=True,
            check=True,
        )
        total = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
        assert total is not None
        counts.append(int(total[1].replace(",", "")))
    return (counts[1] - counts[0]) / (many - few) / cut(payload, feed)[1]


def once(payload: int, feed: str, name: str, repeats: int) -> None:
    """What valgrind watches."""
    chunks, _ = cut(payload, feed)
    decode = dict(contenders(Cell(payload, feed, "one for all", None)))[name]
    for _ in range(repeats):
        decode(chunks)


# What is shown


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, and the ends of the middle half."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return middle, low, high


def size_name(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size:,}".replace(",", " ")


def show(cell: Cell) -> str:
    middle, low, high = spread(cell.ratios())
    per_frame = {name: statistics.median(times) for name, times in cell.times.items()}
    average = sum(map(len, stream(cell.payload))) / len(stream(cell.payload))
    fields = [
        f"{size_name(cell.payload):>7}",
        f"{cell.feed:<9}",
        f"{cell.decoder:<11}",
        f"{1e-3 / per_frame['ours']:>8,.1f}",
        f"{average / per_frame['ours'] / 1e6:>6,.0f}",
        f"{1e-3 / per_frame['botocore']:>7,.1f}",
        f"{middle:>5.2f} ({low:.2f} to {high:.2f})",
        f"{spread(cell.ratios('ours, two calls'))[0]:>5.2f}",
        f"{spread(cell.ratios('smithy'))[0]:>5.1f}" if "smithy" in per_frame else "    -",
        "" if cell.target is None else f"{cell.target:>4} {'met' if middle >= cell.target else 'MISSED'}",
    ]
    return "| " + " | ".join(fields) + " |"


HEADING = """\
| payload | feed | decoder | kframes/s | MB/s | botocore kframes/s | times botocore (middle half) | two calls cost | times smithy | target |
|--:|---|---|--:|--:|--:|--:|--:|--:|--:|"""


def environment() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def as_data(cells: Sequence[Cell], linear: dict[str, list[float]], rounds: int) -> dict[str, object]:
    keys = ("median", "low", "high")
    return {
        "environment": environment(),
        "rounds": rounds,
        "cells": [
            {
                "payload": cell.payload,
                "feed": cell.feed,
                "decoder": cell.decoder,
                "target": cell.target,
                "seconds_per_frame": {
                    name: dict(zip(keys, spread(times), strict=True)) for name, times in cell.times.items()
                },
                "times_botocore": dict(zip(keys, spread(cell.ratios()), strict=True)),
            }
            for cell in cells
        ],
        "byte_by_byte_ns_per_byte": {"sizes": LINEAR, **linear},
    }


def show_instructions() -> None:
    print("| payload | feed | ours | botocore | times |\n|--:|---|--:|--:|--:|")
    for payload in (30, 150, 1000, 10_000):
        for feed in ("one frame", "64 KiB", "1 byte"):
            counts = [instructions(payload, feed, name) for name in ("ours", "botocore")]
            print(
                f"| {size_name(payload)} | {feed} | {counts[0]:,.0f} | {counts[1]:,.0f} | {counts[1] / counts[0]:.1f} |",
                flush=True,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=61)
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    parser.add_argument("--instructions", action="store_true", help="count instructions instead of time")
    parser.add_argument("--once", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        payload, feed, name, repeats = options.once
        once(int(payload), feed, name, int(repeats))
        return 0
    if options.instructions:
        show_instructions()
        return 0
    print(*(f"{name} {value}" for name, value in environment().items()), f"rounds {options.rounds}", sep=", ")
    print(HEADING)
    cells = [Cell(*cell) for cell in CELLS]
    for cell in cells:
        measure(cell, options.rounds)
        print(show(cell), flush=True)
    linear = linearity(3)
    print("\nOne frame byte by byte, ns per byte:")
    for name, values in linear.items():
        print(
            f"  {name:<9}",
            *(f"{size // 1000} kB: {value:,.0f}" for size, value in zip(LINEAR, values, strict=True)),
        )
    if options.json:
        with open(options.json, "w") as file:  # noqa: PTH123  # a path as the user wrote it
            json.dump(as_data(cells, linear, options.rounds), file, indent=1)
    missed = [cell for cell in cells if cell.target is not None and spread(cell.ratios())[0] < cell.target]
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())

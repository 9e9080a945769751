"""Feeding decoders: every chunking that matters, and what came out."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

from kiro_trio.wire import WireError

SIZES = (1, 2, 3, 7, 11, 12, 13, 16, 64, 4096)


@dataclass
class Outcome:
    """What a decoder gave for a stream: all its messages (events), and what was raised instead of the next."""

    things: list[Any] = field(default_factory=list)
    fault: WireError | None = None


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(i for i in at if 0 < i < len(data)), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def chunkings(
    data: bytes, edges: Sequence[int], *, ways: Collection[str] = (), seed: int = 0
) -> Iterator[tuple[str, list[bytes]]]:
    """Named ways to cut `data`, or those of `ways`; `edges` are the ends of its frames.

    A big stream is not cut into small pieces.
    """
    random = Random(seed)  # noqa: S311  # a repeatable one
    every: dict[str, Callable[[], list[bytes]]] = {
        "whole": lambda: [data],
        "frame by frame": lambda: cut(data, edges),
        **{
            f"{size} bytes": partial(pieces, data, size)
            for size in SIZES
            if len(data) <= 1 << 20 or size >= 4096
        },
        "random": lambda: cut(data, [random.randrange(len(data) + 1) for _ in range(min(len(data), 20))]),
    }
    for name, chunks in every.items():
        if not ways or name in ways:
            yield name, chunks()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def run(decoder: Any, chunks: Sequence[bytes], *, close: bool = True) -> Outcome:
    """Feed, take what is ready after each feed, and close. A fault must then be there for good."""
    outcome = Outcome()
    for chunk in chunks:
        take(decoder.receive_data(chunk), outcome)
        if outcome.fault is not None:
            break
    if close and outcome.fault is None:
        try:
            decoder.close()
        except WireError as fault:
            outcome.fault = fault
    return outcome


def take(things: Iterator[Any], outcome: Outcome) -> None:
    try:
        for thing in things:
            outcome.things.append(thing)  # one by one: what came before a fault stays
    except WireError as fault:
        outcome.fault = fault

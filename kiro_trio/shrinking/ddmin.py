"""Delta debugging: from pieces that fail together to a few of which none can be spared.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
"""

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import TypeVar

_T = TypeVar("_T")

Search = Generator[tuple[_T, ...], bool, tuple[_T, ...]]
"""Yields pieces to try together, is sent whether they fail, and returns those that are left."""


def ddmin(pieces: Sequence[_T]) -> Search[_T]:
    """Search `pieces`, which are known to fail together.

    What is returned fails, and is 1-minimal: it does not fail when any one of it is taken away. No pieces are tried
    twice; for n pieces there are at most n² + 3n + 1 tries, and about 2 log n if one piece is to blame.
    """
    left = tuple(range(len(pieces)))
    passed: set[tuple[int, ...]] = set()

    def ask(indices: tuple[int, ...]) -> Generator[tuple[_T, ...], bool, bool]:
        if indices in passed:
            return False
        failed = yield tuple(pieces[index] for index in indices)
        if not failed:
            passed.add(indices)
        return failed

    if not left or (yield from ask(())):
        return ()
    parts = 2
    while len(left) > 1:
        for candidate, parts_then in _candidates(left, parts):
            if (yield from ask(candidate)):
                left, parts = candidate, parts_then
                break
        else:
            if parts >= len(left):
                break
            parts = min(2 * parts, len(left))
    return tuple(pieces[index] for index in left)


def _candidates(left: tuple[int, ...], parts: int) -> list[tuple[tuple[int, ...], int]]:
    """What to try next, and into how many parts it is cut if it fails: each part alone, then all but one."""
    edges = [len(left) * number // parts for number in range(parts + 1)]
    spans = list(pairwise(edges))
    alone = [(left[start:end], 2) for start, end in spans]
    others = [(left[:start] + left[end:], max(parts - 1, 2)) for start, end in spans]
    return alone if parts == 2 else alone + others  # noqa: PLR2004 - of two, each is what the other leaves

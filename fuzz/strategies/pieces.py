"""Chunkings: where something is cut, and the pieces that come of it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st

_Whole = TypeVar("_Whole", str, bytes, list)

cuts = st.lists(st.integers(0, 10_000), max_size=8)
"""Places to cut at, of whatever turns out to be there: taken modulo its length."""

steps = st.sampled_from((1, 2, 7, 64, 100, 4096, 1 << 20))
"""Sizes of equal pieces."""


def cut(whole: _Whole, places: Sequence[int]) -> list[_Whole]:
    """The pieces, empty ones among them; at least one."""
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[begin:end] for begin, end in pairwise(edges)]


def in_steps(whole: _Whole, step: int) -> list[_Whole]:
    return [whole[at : at + step] for at in range(0, len(whole), step)]

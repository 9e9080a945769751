"""What a decoder hands out once its stream is broken: the good things that came before, then the fault, for ever."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from kiro_trio.wire.errors import WireError

T = TypeVar("T")


class Ending(Generic[T]):
    """An iterator that never comes to a quiet end.

    Args:
        left: What came before the fault and nobody has taken yet.
        fault: Raised in place once that is taken, and by each further step.
    """

    __slots__ = ("_fault", "_left")

    def __init__(self, left: Iterator[T], fault: WireError) -> None:
        self._left = left
        self._fault = fault

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        for item in self._left:
            return item
        # One object is raised many times: without this its traceback would grow with each.
        raise self._fault.with_traceback(None)

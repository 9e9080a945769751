"""What a decoder has ready: the iterators that it hands out.

Usually that is a plain iterator over what the last bytes completed, taken before the next bytes come. These are for the
two other cases: somebody has not taken everything, and the stream is broken.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from kiro_trio.wire.errors import WireError

T = TypeVar("T")


class Backlog(Generic[T]):
    """What nobody has taken yet. It gives each thing once, and goes on when more is put behind."""

    __slots__ = ("_things",)

    def __init__(self, things: Iterable[T]) -> None:
        self._things = deque(things)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if not self._things:
            raise StopIteration
        return self._things.popleft()

    def put_back(self, first: T, new: Iterable[T]) -> None:
        """Give `first` next, and `new` last."""
        self._things.appendleft(first)
        self._things.extend(new)


class Ending(Generic[T]):
    """What came before the fault and nobody has taken yet; then the fault, at each further step."""

    __slots__ = ("_fault", "_left")

    def __init__(self, left: Iterator[T], fault: WireError) -> None:
        self._left = left
        self._fault = fault

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        for thing in self._left:
            return thing
        # One object is raised many times: its traceback would grow each time.
        raise self._fault.with_traceback(None)


def after(left: Iterator[T], new: Iterable[T]) -> Iterator[T]:
    """`new` after what is left: takes the time of `new` alone, however much is left."""
    for first in left:
        return behind(first, left, new)
    return iter(new)


def behind(first: T, left: Iterator[T], new: Iterable[T]) -> Iterator[T]:
    """`after`, for somebody who has already asked `left` and got `first`."""
    if isinstance(left, Backlog):
        left.put_back(first, new)
        return left
    return Backlog((first, *left, *new))

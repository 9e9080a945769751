"""The search through a request, part by part, until nothing can be spared or the tries are spent."""

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from kiro_trio.shrinking import parts
from kiro_trio.shrinking.ddmin import Search, ddmin
from kiro_trio.shrinking.parts import Part
from kiro_trio.shrinking.places import rewritten, without
from kiro_trio.shrinking.soundness import defects

PASSES = (
    ("exchanges", parts.exchanges(1)),
    ("exchanges", parts.exchanges(0)),
    ("messages", parts.turns),
    ("tools", parts.tools),
    ("blocks", parts.blocks),
    ("fields", parts.fields),
    ("schema keywords", parts.keywords),
    ("tool inputs", parts.inputs),
)
"""In this order, again and again until a whole round changes nothing; then texts are cut."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request to try: the `number` of the try, what is being spared, and the size of `body` in bytes."""

    number: int
    sparing: str
    size: int
    body: Any


@dataclass(frozen=True, slots=True)
class Tried:
    """A try that was made: whether it failed as the whole request did."""

    number: int
    sparing: str
    size: int
    failed: bool


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What is left; `exhausted`: there were no tries left, so it may not be the smallest."""

    body: Any
    tried: tuple[Tried, ...]
    exhausted: bool


class Enough(Exception):
    """Thrown into a search by whoever cannot go on asking: it returns what it has."""


_Question = Generator[Candidate, bool, bool]
_Step = Generator[Candidate, bool, None]


def shrink(body: Any, tries: int) -> Generator[Candidate, bool, Shrunk]:
    """Yields requests to try, is sent whether each fails as `body` does, and returns the smallest that did.

    No request is tried twice, none that would have a new fault is tried at all, and at most `tries` are.
    """
    search = _Search(body, tries)
    exhausted = False
    try:
        yield from search.run()
    except Enough:
        exhausted = True
    return Shrunk(search.body, tuple(search.tried), exhausted)


class _Search:
    def __init__(self, body: Any, tries: int) -> None:
        self.body = body
        self.tried: list[Tried] = []
        self._tries = tries
        self._allowed = defects(body)
        self._known: dict[str, bool] = {}

    def run(self) -> _Step:
        size = None
        while size != (size := _size(self.body)):
            for name, find in PASSES:
                yield from self._spare(name, find(self.body))
            yield from self._cut_texts()

    def _spare(self, name: str, found: Sequence[Part]) -> _Step:
        """Take away all of the parts that can be spared."""
        whole = self.body

        def candidate(kept: tuple[Part, ...]) -> Any:
            return without(whole, frozenset().union(*(part for part in found if part not in kept)))

        yield from self._drive(ddmin(found), name, candidate)

    def _cut_texts(self) -> _Step:
        """Leave one letter of every text that need not be longer."""
        texts, whole = dict(parts.texts(self.body)), self.body

        def candidate(kept: tuple[Part, ...]) -> Any:
            cut = ((part, text) for part, text in texts.items() if part not in kept)
            return rewritten(whole, {path: _cut(text, 1) for part, text in cut for path in part})

        for part in (yield from self._drive(ddmin(list(texts)), "texts", candidate)):
            yield from self._cut_text(part, texts[part])

    def _drive(
        self, search: Search[Part], name: str, candidate: Callable[[tuple[Part, ...]], Any]
    ) -> Generator[Candidate, bool, tuple[Part, ...]]:
        failed: bool | None = None
        while True:
            try:
                kept = next(search) if failed is None else search.send(failed)
            except StopIteration as done:
                needed: tuple[Part, ...] = done.value
                return needed
            failed = yield from self._ask(name, candidate(kept))

    def _cut_text(self, part: Part, text: str) -> _Step:
        """Find the shortest beginning of a text that still fails, if longer ones do too."""
        passes, fails = 1, len(text)
        while fails - passes > 1:
            length = (passes + fails) // 2
            if (yield from self._ask("texts", rewritten(self.body, dict.fromkeys(part, _cut(text, length))))):
                fails = length
            else:
                passes = length

    def _ask(self, sparing: str, candidate: Any) -> _Question:
        """Whether a candidate fails; if it does, it is what we go on from."""
        key = json.dumps(candidate)
        if key not in self._known:
            self._known[key] = yield from self._try(sparing, candidate, len(key))
        if self._known[key]:
            self.body = candidate
        return self._known[key]

    def _try(self, sparing: str, candidate: Any, size: int) -> _Question:
        if defects(candidate) - self._allowed:
            return False
        if len(self.tried) >= self._tries:
            raise Enough
        number = len(self.tried) + 1
        failed = yield Candidate(number, sparing, size, candidate)
        self.tried.append(Tried(number, sparing, size, failed))
        return failed


def _cut(text: str, length: int) -> str:
    """The beginning of a text; never blank, for that is another fault."""
    cut = text[:length]
    return cut if cut.strip() else "x" * length


def _size(body: Any) -> int:
    return len(json.dumps(body))

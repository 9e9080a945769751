"""Minimising: asking again and again with less and less, and saying what the refusal is about."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from kiro_trio.cli.replay_ending import Ended
from kiro_trio.cli.replay_house import Asker
from kiro_trio.shrinking.shrink import Candidate, Enough, Shrunk, shrink
from kiro_trio.simulator.models import MODELS
from kiro_trio.simulator.rules import INVARIANTS, Violation, examine

_UNDECIDED = frozenset({0, 401, 402, 403, 408, 423, 429})
_SERVER = 500

PATIENCE = (5.0, 15.0, 45.0)
"""Seconds to wait before asking again, when an answer tells nothing of the request."""


@dataclass(slots=True)
class Minimising:
    """One search. `best` is the smallest request that failed so far, `stopped` why the search was given up.

    `pause` is between two tries and `patience` before each repetition of one, in seconds; `report` hears of each try.
    """

    asker: Asker
    refusal: Ended
    tries: int
    best: Any
    pause: float = 0.0
    patience: tuple[float, ...] = ()
    report: Callable[[Candidate, bool], None] = field(default=lambda _candidate, _failed: None)
    stopped: str = ""

    async def run(self) -> Shrunk:
        """Search until nothing can be spared, the tries are spent, or Kiro says nothing more; `best` survives a cancel."""
        search = shrink(self.best, self.tries)
        failed: bool | None = None
        while True:
            try:
                candidate = next(search) if failed is None else search.send(failed)
            except StopIteration as done:
                shrunk: Shrunk = done.value
                return shrunk
            decided = await self._fails(candidate)
            if decided is None:
                return _given_up(search)
            failed = decided
            if failed:
                self.best = candidate.body
            self.report(candidate, failed)

    async def _fails(self, candidate: Candidate) -> bool | None:
        """Whether it is refused in the same way; None if that cannot be known."""
        for wait in (self.pause, *self.patience):
            await trio.sleep(wait)
            ended = await self.asker.ask(candidate.body, _unseen, until_content=True)
            if ended.signature == self.refusal.signature:
                return True
            if not (ended.broken or ended.status in _UNDECIDED or ended.status >= _SERVER):
                return False
            self.stopped = str(ended)
        return None


def broken_rule(said: bytes) -> tuple[Violation, bool] | None:
    """The rule of Kiro's that a body breaks, as far as it is known, and whether that rule is only suspected."""
    found = examine(said, MODELS)
    if isinstance(found, Violation):
        return found, False
    for invariant in INVARIANTS:
        # Whether agent fields may be there depends on the endpoint, and they always are.
        if invariant.optional and invariant.name != "no-agent-fields":
            found = examine(said, MODELS, also={invariant.name})
            if isinstance(found, Violation):
                return found, True
    return None


def _given_up(search: Any) -> Shrunk:
    try:
        search.throw(Enough())
    except StopIteration as done:
        shrunk: Shrunk = done.value
        return shrunk
    raise RuntimeError("a search goes on that was given up")


def _unseen(_data: bytes) -> None:
    pass

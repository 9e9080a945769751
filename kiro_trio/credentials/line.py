"""The line of requests that wait for an account: first come, first served, but nobody waits behind the hopeless. Pure."""

from dataclasses import dataclass

from kiro_trio.credentials.roster import Crowd, Drought, Roster, Wish

Answer = int | Drought
"""What a waiting request gets: an account's id with a slot of it taken, or the reason why there will be none."""


@dataclass(slots=True)
class _Waiting:
    wish: Wish
    since: float


class Line:
    """Requests in the order in which they came, by ticket.

    `patience`: a request waits so many seconds, from its arrival, for an account that is out but comes back by
    itself; a longer drought is told at once.
    """

    def __init__(self, patience: float) -> None:
        self.next_look: float | None = None
        """When to `call` again even if nothing happens before, in epoch seconds."""
        self._patience = patience
        self._waiting: dict[int, _Waiting] = {}
        self._tickets = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, wish: Wish, now: float) -> int:
        """Stand at the end of the line; returns the ticket."""
        self._tickets += 1
        self._waiting[self._tickets] = _Waiting(wish, now)
        return self._tickets

    def leave(self, ticket: int) -> None:
        """Go away without an answer."""
        self._waiting.pop(ticket, None)

    def call(self, roster: Roster, now: float) -> list[tuple[int, Answer]]:
        """Serve from the front whoever can be served now, and return them with their answers.

        Who wants what nobody can give at this moment does not keep those behind him from what they want.
        """
        answers: list[tuple[int, Answer]] = []
        looks: list[float] = []
        # Slots only become fewer while we go along: whoever wants the same as somebody who got nothing gets nothing.
        in_vain: dict[tuple[str, frozenset[int]], Crowd | Drought] = {}
        for ticket, waiting in list(self._waiting.items()):
            want = (waiting.wish.model_id, waiting.wish.avoid)
            outcome = in_vain.get(want) or roster.pick(waiting.wish, now)
            if not isinstance(outcome, int):
                in_vain[want] = outcome
                if isinstance(outcome, Crowd) or self._worth_waiting(outcome, waiting):
                    looks += [outcome.until] if outcome.until is not None else []
                    continue
            del self._waiting[ticket]
            answers.append((ticket, outcome))
        self.next_look = min(looks, default=None)
        return answers

    def _worth_waiting(self, drought: Drought, waiting: _Waiting) -> bool:
        back = drought.until is not None and drought.until <= waiting.since + self._patience
        return back and not drought.avoided

"""Waiting for an account: the line of requests, with tasks in it."""

from collections.abc import Callable

import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.line import Answer, Line
from kiro_trio.credentials.roster import Drought, Roster, Standing, Wish

_DROUGHT_FAULTS = {
    Standing.COOLING: Fault.THROTTLED,
    Standing.SPENT_TODAY: Fault.DAILY_QUOTA,
    Standing.SPENT_THIS_MONTH: Fault.MONTHLY_QUOTA,
}
"""What the client is told when the account that is back first is out for this: the same as if it had just happened."""

# So that two clocks that differ by a rounding error do not make a busy loop.
_SHORTEST_WAIT = 0.01

_BUSY_RETRY_AFTER = 5.0


class WaitingRoom:
    """Tasks that wait for a slot of an account, served in the order in which they came.

    At most `limit` wait, each for at most `patience` seconds; `drought_patience` is how long they wait for an account
    that is out but comes back by itself.
    """

    def __init__(
        self,
        roster: Roster,
        clock: Callable[[], float],
        *,
        limit: int,
        patience: float,
        drought_patience: float,
    ) -> None:
        self._roster = roster
        self._clock = clock
        self._limit = limit
        self._patience = patience
        self._line = Line(min(drought_patience, patience))
        self._calls: dict[int, trio.Event] = {}
        self._answers: dict[int, Answer] = {}

    def __len__(self) -> int:
        return len(self._line)

    async def seat(self, wish: Wish) -> int | Failure:
        """Wait for an account; returns its id with a slot taken, or why there is none.

        Cancelled, the task leaves the line and takes no slot with it.
        """
        ticket = self._line.join(wish, self._clock())
        self._calls[ticket] = trio.Event()
        try:
            self.serve()
            if ticket not in self._answers and len(self._line) > self._limit:
                detail = f"{self._limit} requests are waiting already"
                return Failure(Fault.QUEUE_FULL, detail, retry_after=_BUSY_RETRY_AFTER)
            await trio.lowlevel.checkpoint()
            if ticket not in self._answers:
                with trio.move_on_after(self._patience):
                    await self._called(ticket)
            return self._said(self._answers.pop(ticket, None))
        finally:
            self._leave(ticket)

    def serve(self) -> None:
        """Serve whoever can be served now; to be called whenever a slot or an account has become free."""
        for ticket, answer in self._line.call(self._roster, self._clock()):
            self._answers[ticket] = answer
            self._calls[ticket].set()

    async def _called(self, ticket: int) -> None:
        while ticket not in self._answers:
            look = self._line.next_look
            wait = self._patience if look is None else look - self._clock()
            with trio.move_on_after(max(wait, _SHORTEST_WAIT)):
                await self._calls[ticket].wait()
            look = self._line.next_look
            if look is not None and look <= self._clock():  # whoever wakes first looks for all
                self.serve()

    def _said(self, answer: Answer | None) -> int | Failure:
        if answer is None:
            detail = f"waited {self._patience:g} s for an account that is free"
            return Failure(Fault.QUEUE_FULL, detail, retry_after=_BUSY_RETRY_AFTER)
        return self._told(answer) if isinstance(answer, Drought) else answer

    def _told(self, drought: Drought) -> Failure:
        if drought.no_model:
            return Failure(Fault.MODEL_UNKNOWN, drought.detail)
        if drought.until is None or drought.standing is None:
            return Failure(Fault.NO_CREDENTIAL, drought.detail)
        fault = _DROUGHT_FAULTS.get(drought.standing, Fault.NO_CREDENTIAL)
        wait = max(0.0, drought.until - self._clock())
        return Failure(fault, drought.detail, retry_after=wait, reason=drought.standing.name)

    def _leave(self, ticket: int) -> None:
        self._line.leave(ticket)
        del self._calls[ticket]
        unused = self._answers.pop(ticket, None)
        if isinstance(unused, int):
            self._roster.release(unused)
            self.serve()

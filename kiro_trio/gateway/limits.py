"""How much each client may still ask for: so many requests in any minute, so many credits in a month (UTC's).

What a reply costs is known when it is over. So a request that might be the one too many is refused while those of the same
client that run may use up what is left: each of them is taken to cost what the client's replies have cost of late. All
processes that share the accounts share the counts too: minutes to the request, credits to a few seconds.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from kiro_trio.credentials.standing import month_began, next_month
from kiro_trio.gateway.history import History, HistoryUnavailable
from kiro_trio.gateway.settled import SettledRequest

MINUTE = 60.0

GUESS = 1.0
"""Credits that a reply is taken to cost before one of the client's has told."""

_LATELY = 0.2  # how much the last reply counts for the guess of the next
_SOON = 5.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client may not ask now, and when it may again (in seconds)."""

    message: str
    retry_after: float


class Limits:
    """What every client has used, and what of it runs. `clock` gives epoch seconds.

    `history` knows what was used before, and by other processes; where it cannot be asked, what was seen here counts.
    """

    def __init__(self, history: History, clock: Callable[[], float]) -> None:
        self._history = history
        self._clock = clock
        self._month = 0.0
        self._counted: dict[str, float] = {}
        self._since: defaultdict[str, float] = defaultdict(float)
        self._guessed: defaultdict[str, float] = defaultdict(float)
        self._typical: dict[str, float] = {}
        self._running: Counter[str] = Counter()
        self._times: defaultdict[str, deque[float]] = defaultdict(deque)

    def spent(self, name: str) -> float:
        """The credits that a client has used in this month, with a guess for replies whose cost Kiro did not say."""
        self._turn_page()
        return self._counted.get(name, 0.0) + self._since.get(name, 0.0) + self._guessed.get(name, 0.0)

    async def enter(
        self, name: str, per_minute: int | None, credits_per_month: float | None
    ) -> Refusal | None:
        """Let a client ask once more, or say why not. Who was let in must `leave`; cancelled, nobody was."""
        if credits_per_month is not None and (refusal := self._of_the_month(name, credits_per_month)):
            return refusal
        # From here on it counts as running: nobody else takes its credits while we ask about the minute.
        self._running[name] += 1
        inside = False
        try:
            refusal = None if per_minute is None else await self._of_the_minute(name, per_minute)
            inside = refusal is None
        finally:
            if not inside:
                self.leave(name)
        return refusal

    def leave(self, name: str) -> None:
        """A request that was let in is over."""
        self._running[name] -= 1
        if self._running[name] <= 0:
            del self._running[name]

    def charge(self, request: SettledRequest) -> None:
        """Book what a request that is over has cost; it belongs to the month in which it began."""
        self._turn_page()
        name = request.client
        if request.credits is not None:
            typical = self._typical.get(name, request.credits)
            self._typical[name] = typical + _LATELY * (request.credits - typical)
        if request.at < self._month:
            return
        if request.credits is not None:
            self._since[name] += request.credits
        elif request.first_content is not None:  # Kiro has answered, and certainly not for nothing
            self._guessed[name] += self._guess(name)

    async def recount(self) -> None:
        """Learn what all processes have booked; what was noted here before is among it."""
        self._turn_page()
        month, before = self._month, dict(self._since)
        try:
            counted = await self._history.credits_by_client(month)
        except HistoryUnavailable:
            return
        self._turn_page()
        if self._month == month:
            self._counted = counted
            for name, credits_used in before.items():
                self._since[name] -= credits_used

    def _of_the_month(self, name: str, limit: float) -> Refusal | None:
        spent, running = self.spent(name), self._running[name]
        if spent >= limit:
            now = self._clock()
            return Refusal("This key has used its credits of the month.", next_month(now) - now)
        if running and spent + running * self._guess(name) >= limit:
            return Refusal("The requests of this key that run may use up its credits of the month.", _SOON)
        return None

    async def _of_the_minute(self, name: str, most: int) -> Refusal | None:
        now, times = self._clock(), self._times[name]
        while times and not now - MINUTE < times[0] <= now + MINUTE:
            times.popleft()
        if len(times) < most:
            try:
                told = await self._history.enter_minute(name, most, now)
            except HistoryUnavailable:
                told = times[-most] if len(times) >= most else None
            if told is None:
                times.append(now)
                return None
        else:
            told = times[-most]
        return Refusal("This key has made its requests of the minute.", max(1.0, told + MINUTE - now))

    def _guess(self, name: str) -> float:
        return self._typical.get(name, GUESS)

    def _turn_page(self) -> None:
        month = month_began(self._clock())
        if month != self._month:
            self._month = month
            self._counted = {}
            self._since.clear()
            self._guessed.clear()

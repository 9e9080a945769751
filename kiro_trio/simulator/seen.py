"""What the simulator saw: one `Exchange` per request, and figures over all of them."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import trio

from kiro_trio.simulator.accounts import Account

SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key"}
SECRET_FIELDS = {
    "accessToken",
    "clientSecret",
    "code",
    "codeVerifier",
    "code_verifier",
    "deviceCode",
    "refreshToken",
}
HIDDEN = "[hidden]"


class Ending(Enum):
    """How an exchange ended."""

    OPEN = "it has not ended"
    COMPLETE = "the whole answer was sent"
    BROKEN = "we broke it off, as the script wanted"
    CLIENT_CLOSED = "the client closed the connection before the answer was whole"
    CANCELLED = "the simulator was stopped"


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and what became of it.

    `call` is the kind of call (`endpoints.ROUTES`), times are trio's clock in seconds, `headers` have lower-case
    names and no secrets, `body` is the parsed JSON without secrets (the bytes when it is none). `refused` is the
    row of `refusals.REFUSALS` or the broken invariant with its evidence; `rule` the number of the script's rule.
    `sent` counts bytes of the answer's body. `ended` is set when `ending` is known, and `closed_at` when the
    client's close was noticed, which is at once even while the answer stalls.
    """

    call: str
    method: str
    target: str
    headers: dict[str, str]
    body: Any
    at: float
    connection: int = 0
    account: str | None = None
    rule: int | None = None
    refused: str | None = None
    status: int | None = None
    sent: int = 0
    first_byte_at: float | None = None
    ending: Ending = Ending.OPEN
    ended_at: float | None = None
    closed_at: float | None = None
    ended: trio.Event = field(default_factory=trio.Event, repr=False)


@dataclass(slots=True, eq=False)
class Figures:
    """Counts over the life of a simulator: of calls and statuses, connections, and exchanges at the same time."""

    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    connections: int = 0
    open_connections: int = 0
    peak_connections: int = 0
    active: int = 0
    peak_active: int = 0


class Ledger:
    """Keeps the last exchanges, and lets tests wait for what they want to see."""

    def __init__(self, limit: int, *, keep_bodies: bool) -> None:
        self.seen: deque[Exchange] = deque(maxlen=limit)
        self.figures = Figures()
        self._keep_bodies = keep_bodies
        self._changed = trio.Event()

    def connected(self) -> int:
        """A connection was opened; gives its number."""
        figures = self.figures
        figures.connections += 1
        figures.open_connections += 1
        figures.peak_connections = max(figures.peak_connections, figures.open_connections)
        self.progressed()
        return figures.connections

    def disconnected(self) -> None:
        """A connection was closed."""
        self.figures.open_connections -= 1
        self.progressed()

    def began(self, exchange: Exchange) -> None:
        """A request has come in whole."""
        figures = self.figures
        if not self._keep_bodies:
            exchange.body = None
        self.seen.append(exchange)
        figures.calls[exchange.call] += 1
        figures.active += 1
        figures.peak_active = max(figures.peak_active, figures.active)
        self.progressed()

    def ended(self, exchange: Exchange, ending: Ending, now: float, account: Account | None) -> None:
        """The exchange has ended, in one way or another."""
        exchange.ending = ending
        exchange.ended_at = now
        if exchange.status is not None:
            self.figures.statuses[exchange.call, exchange.status] += 1
        self.figures.active -= 1
        if account is not None:
            account.active -= 1
        exchange.ended.set()
        self.progressed()

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as `holds()`; it is asked again after everything that the simulator sees."""
        while not holds():
            await self._changed.wait()

    def progressed(self) -> None:
        """Something has changed: wake those who wait."""
        if self._changed.statistics().tasks_waiting:
            self._changed.set()
            self._changed = trio.Event()


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with the values of secret ones hidden; what kind of authorization came can still be seen."""
    return {name: _hidden(value) if name in SECRET_HEADERS else value for name, value in headers.items()}


def _hidden(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {HIDDEN}" if space else HIDDEN


def hide_fields(body: Any) -> Any:
    """A parsed body with the values of secret fields at its root hidden."""
    if not isinstance(body, dict) or not body.keys() & SECRET_FIELDS:
        return body
    return {name: HIDDEN if name in SECRET_FIELDS else value for name, value in body.items()}

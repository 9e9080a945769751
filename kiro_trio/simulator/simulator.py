"""The simulated service: its accounts, its options, and what it saw."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kiro_trio.simulator.accounts import Account, Accounts, ArnRule
from kiro_trio.simulator.models import MODELS, Model
from kiro_trio.simulator.script import Script
from kiro_trio.simulator.seen import Exchange, Figures, Ledger
from kiro_trio.simulator.signin import SignIn


def wall_clock() -> float:
    """The time of day in epoch seconds."""
    return datetime.now(UTC).timestamp()


@dataclass(slots=True, eq=False)
class Simulator:
    """A Kiro of our own. Every field may be changed while it runs.

    Without `accounts` everybody may come in. `script` rules what is answered; what it does not speak of is
    improvised, with `every` seconds between two events of text. `arn_rule` says what is wanted of profile ARNs.
    `also` and `without` are names of invariants (`rules.INVARIANTS`) that hold too, or do not; `validate` False
    lets any body pass. `window` (tokens) replaces the windows of all models. `rotate_refresh_tokens` kills a
    refresh token with its use; `token_lifetime` is in seconds. `keep_alive` closes connections that have been
    idle for so many seconds (None: never). `seen_limit` bounds what `seen` remembers.
    """

    accounts: list[Account] = field(default_factory=list)
    script: Script = field(default_factory=Script)
    models: Mapping[str, Model] = field(default_factory=lambda: MODELS)
    window: int | None = None
    arn_rule: ArnRule = ArnRule.ANY
    also: AbstractSet[str] = frozenset()
    without: AbstractSet[str] = frozenset()
    validate: bool = True
    every: float = 0.0
    rotate_refresh_tokens: bool = False
    token_lifetime: float = 3600.0
    mcp_as_events: bool = False
    keep_alive: float | None = None
    wall: Callable[[], float] = wall_clock
    seen_limit: int = 256
    keep_bodies: bool = True
    ledger: Ledger = field(init=False, repr=False)
    sign_in: SignIn = field(init=False, repr=False)
    fits: Counter[int] = field(default_factory=Counter, init=False, repr=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.seen_limit, keep_bodies=self.keep_bodies)
        self.sign_in = SignIn(Accounts(self.accounts))

    @property
    def seen(self) -> deque[Exchange]:
        """The last exchanges, oldest first."""
        return self.ledger.seen

    @property
    def figures(self) -> Figures:
        """Counts over everything, also what `seen` has forgotten."""
        return self.ledger.figures

    @property
    def guest(self) -> Account:
        """Whom everybody is when there are no accounts."""
        return self.sign_in.accounts.guest

    @property
    def renewals(self) -> dict[str, int]:
        """How often each account's tokens were renewed, by e-mail address."""
        return {account.email: account.renewals for account in (*self.accounts, self.guest)}

    async def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return as soon as `holds()`; it is asked again after everything that happens here."""
        await self.ledger.wait_until(holds)

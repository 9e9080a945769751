"""The roster: which accounts there are, how they stand, and who takes the next request.

Pure: no clock, no lock, no randomness. `now` is epoch seconds, `jitter` a number from 0 to 1. What an account suffers
for a failure is the table in `kiro_trio.credentials.consequences`; how it comes back is `standing.RECOVERIES`; by what order
accounts are taken is `ORDERS`, here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.affinity import Affinity
from kiro_trio.credentials.consequences import Blow, bear
from kiro_trio.credentials.credential import Credential
from kiro_trio.credentials.record import Record
from kiro_trio.credentials.standing import MODEL_PAUSE, Penalty, Standing

__all__ = ["DEFAULT_CONCURRENCY", "ORDERS", "Crowd", "Drought", "Penalty", "Roster", "Standing", "Wish"]

ORDERS: Mapping[str, Callable[[Account], tuple[int, ...]]] = {
    # The lowest number takes all it can hold; of equals the first.
    "priority": lambda account: (account.credential.priority, account.id),
    # The least busy, and of those the one that has rested longest: a new account gets its share and no more.
    "balanced": lambda account: (
        account.in_flight,
        account.last_pick,
        account.credential.priority,
        account.id,
    ),
}
"""The orders of `loadBalancingMode`: the account with the smallest key takes the request."""

DEFAULT_CONCURRENCY = 32
"""Requests at a time per account. Agents with helpers reach a dozen; beyond this an account looks like a service."""

_BUSY_MODELS = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants: a model, the account of its `session` if possible, and none of those in `avoid`."""

    model_id: str
    session: str = ""
    avoid: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Crowd:
    """Somebody could serve, but not at once: all are at their limit, or the model rests `until` then."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Drought:
    """Nobody can serve. `until`: when the first one is back; None: not by itself.

    `standing` is that of the account that is back first, or of the first one. `no_model`: accounts there are, but
    none of them has the model. `avoided`: those that have it are all to be avoided, so it is of no use to wait for them.
    """

    until: float | None
    detail: str
    standing: Standing | None = None
    no_model: bool = False
    avoided: bool = False


@dataclass(slots=True)
class _Pause:
    times: int = 0
    until: float = 0.0


class Roster:
    """All accounts, in the order of the store."""

    def __init__(self, order: str = "priority", *, concurrency: int = DEFAULT_CONCURRENCY) -> None:
        self._order = ORDERS[order]
        self._concurrency = concurrency
        self._affinity = Affinity()
        self._accounts: dict[int, Account] = {}
        self._pauses: dict[str, _Pause] = {}
        self._picks = 0

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def get(self, credential_id: int) -> Account | None:
        """The account of that id, if it is there (still)."""
        return self._accounts.get(credential_id)

    def set_order(self, order: str) -> None:
        """Choose another of `ORDERS`, from the next request on."""
        self._order = ORDERS[order]

    def muster(self, credentials: Iterable[Credential], records: Mapping[int, Record] | None = None) -> None:
        """Make these credentials the roster: new ones join (with their record), gone ones leave, the others stay.

        A request that is with an account which leaves may finish; its report is not missed.
        """
        present: dict[int, Account] = {}
        for credential in credentials:
            account = self._accounts.get(credential.id)
            if account is None:
                account = Account(credential, self._concurrency)
                account.recall((records or {}).get(credential.id, Record()))
            account.take(credential)
            account.limit = credential.concurrency or self._concurrency
            present[credential.id] = account
        self._accounts = present

    def pick(self, wish: Wish, now: float) -> int | Crowd | Drought:
        """Choose an account and take a slot of it; give it back with `release`."""
        willing = [
            account for account in self._candidates(wish, now) if account.stands(now)[0] is Standing.READY
        ]
        if not willing:
            return self._drought(wish, now)
        pause = self._pauses.get(wish.model_id)
        if pause is not None and now < pause.until:
            return Crowd(pause.until)
        free = [account for account in willing if account.in_flight < account.limit]
        if not free:
            return Crowd()
        bond = self._affinity.of(wish.session, now)
        chosen = next((account for account in free if account.id == bond), None) or min(free, key=self._order)
        self._picks += 1
        chosen.last_pick = self._picks
        chosen.in_flight += 1
        self._affinity.bind(wish.session, chosen.id, now)
        return chosen.id

    def release(self, credential_id: int) -> None:
        """Give a slot back."""
        account = self._accounts.get(credential_id)
        if account is not None:
            account.in_flight = max(0, account.in_flight - 1)

    def report(
        self,
        credential_id: int,
        failure: Failure | None,
        penalty: Penalty,
        *,
        model_id: str,
        now: float,
        jitter: float,
    ) -> None:
        """Say how a request with the account ended; `failure` None: a whole reply, whatever `penalty` says."""
        if failure is None:
            self._pauses.pop(model_id, None)
        elif penalty is Penalty.MODEL_BUSY:
            self._rest(model_id, now, jitter)
        account = self._accounts.get(credential_id)
        if account is None:
            return
        if failure is None:
            account.succeed(now, model_id)
        else:
            account.failures += 1
            account.last_used_at = now
            bear(account, penalty, Blow(failure, now, jitter, model_id))

    def outlook(self, model_id: str, now: float) -> float | None:
        """In how many seconds the first account can take a request for the model: 0.0 now, None if no time tells."""
        standings = [account.stands(now) for account in self if account.serves(model_id, now)]
        if any(standing is Standing.READY for standing, _ in standings):
            return 0.0
        return min((until - now for _, until in standings if until is not None), default=None)

    def available(self, now: float) -> int:
        """How many accounts take requests now."""
        return sum(account.stands(now)[0] is Standing.READY for account in self)

    def _candidates(self, wish: Wish, now: float) -> list[Account]:
        return [
            account for account in self if account.id not in wish.avoid and account.serves(wish.model_id, now)
        ]

    def _rest(self, model_id: str, now: float, jitter: float) -> None:
        """The model has no capacity, for anybody: all requests for it wait a little, and none burns an account."""
        if len(self._pauses) >= _BUSY_MODELS:
            self._pauses.clear()
        pause = self._pauses.setdefault(model_id, _Pause())
        if now >= pause.until:
            pause.times += 1
            pause.until = now + MODEL_PAUSE.pause(pause.times, jitter)

    def _drought(self, wish: Wish, now: float) -> Drought:
        """Say why nobody can serve, and until when."""
        if not self._accounts:
            return Drought(None, "there is no account")
        having = [account for account in self if account.serves(wish.model_id, now)]
        if not having and any(account.stands(now)[0] is Standing.READY for account in self):
            return Drought(None, f"no account has the model {wish.model_id}", no_model=True)
        asked = [account for account in having if account.id not in wish.avoid]
        avoided = bool(having) and not asked
        standings = [account.stands(now) for account in asked or having or self]
        returns = [(until, standing) for standing, until in standings if until is not None]
        until, standing = min(returns, key=lambda back: back[0], default=(None, standings[0][0]))
        count = Counter(standing for standing, _ in standings)
        detail = ", ".join(f"{number} {standing.value}" for standing, number in count.items())
        return Drought(until, f"of {len(self._accounts)} accounts: {detail}", standing, avoided=avoided)

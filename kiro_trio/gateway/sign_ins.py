"""Sign-ins that run in the gateway, whoever looks: a page that is closed loses none, and the gateway's stop ends all."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Any

import trio

from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.credentials.entry import InvalidEntry
from kiro_trio.credentials.file import NotWritten
from kiro_trio.credentials.login.browser import SOCIAL_PORTS
from kiro_trio.credentials.login.completion import Completed, complete
from kiro_trio.credentials.login.desk import Desk, SignInFailed
from kiro_trio.credentials.owner import Owner
from kiro_trio.credentials.store import FileStore
from kiro_trio.gateway.balances import Balances
from kiro_trio.gateway.sign_in import SignIn, State, Wish
from kiro_trio.gateway.signing import BEGIN_LIMIT, sign_in
from kiro_trio.telemetry import get_logger

MOST = 4
"""Sign-ins at once."""

KEPT = 600.0
"""Seconds for which one that has ended is still shown."""

_MOST_KEPT = 20

_LOG = get_logger("gateway")


class TooManySignIns(Exception):
    """`MOST` run already."""


class NoSignIns(Exception):
    """The gateway is being stopped."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where accounts go: the store, who cares for them, and what is known of what they have left."""

    store: FileStore
    owner: Owner
    balances: Balances


class SignIns:
    """All sign-ins. They need `run` to be running.

    Args:
        accounts: Where an account goes.
        new_desk: Makes a desk to sign in at, as a machine of its own, through the proxy that an entry's keys name.
    """

    def __init__(
        self,
        accounts: Accounts,
        new_desk: Callable[[Mapping[str, Any]], Desk],
        clock: Callable[[], float] = wall_clock,
    ) -> None:
        self.ports: Sequence[int] = SOCIAL_PORTS
        """Where browsers of this machine come back to, the first that is free."""
        self._accounts = accounts
        self._new_desk = new_desk
        self._clock = clock
        self._one_by_one = trio.Lock()
        self._nursery: trio.Nursery | None = None
        self._known: OrderedDict[str, SignIn] = OrderedDict()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Make sign-ins possible until cancelled, which ends those that run."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def __iter__(self) -> Iterator[SignIn]:
        """All that are known, the newest first."""
        self._tidy()
        return iter([*reversed(self._known.values())])

    def begin(self, wish: Wish) -> SignIn:
        """Begin a sign-in; its `shown` is set when there is something to open, or when there will be nothing.

        Raises:
            TooManySignIns: some must end first.
            NoSignIns: the gateway is being stopped.
        """
        if self._nursery is None:
            raise NoSignIns
        if sum(known.ended_at is None for known in self._known.values()) >= MOST:
            raise TooManySignIns
        desk = self._new_desk(wish.settings)
        now = self._clock()
        mine = SignIn(f"signin_{token_hex(8)}", wish, now, now + BEGIN_LIMIT)
        self._known[mine.id] = mine
        self._nursery.start_soon(self._conduct, mine, desk)
        return mine

    def get(self, sign_in_id: str) -> SignIn | None:
        """The sign-in of that id, if it is known (still)."""
        self._tidy()
        return self._known.get(sign_in_id)

    def forget(self, mine: SignIn) -> None:
        """Show one that has ended no longer."""
        self._known.pop(mine.id, None)

    async def _conduct(self, mine: SignIn, desk: Desk) -> None:
        provider = mine.wish.provider.value.name
        try:
            await mine.run(partial(self._work, mine, desk))
        except SignInFailed as failure:
            mine.end(State.FAILED, _sentence(failure), self._clock())
        except (InvalidEntry, InvalidFile, NotWritten, OSError) as problem:
            mine.end(State.FAILED, f"The account could not be stored: {problem}.", self._clock())
        except Exception:  # noqa: BLE001 - a bug here must not stop the gateway
            _LOG.exception("a sign-in failed", provider=provider)
            mine.end(State.FAILED, "The gateway has a bug; its log says more.", self._clock())
        finally:
            mine.end(State.CANCELLED, "The sign-in was cancelled; nothing was stored.", self._clock())
            mine.ended.set()
            _LOG.info("sign-in ended", provider=provider, state=mine.state.value)

    async def _work(self, mine: SignIn, desk: Desk) -> None:
        signed_in = await sign_in(mine, desk, self.ports)
        mine.finish()
        accounts = self._accounts
        async with self._one_by_one:  # two of one person must not both be new
            completed = await complete(
                desk, accounts.store, accounts.store.path, signed_in, mine.wish.settings
            )
        with trio.CancelScope(shield=True):
            await accounts.owner.reload()
        number, usage = completed.enrolled.credential_id, completed.verified.usage
        accounts.balances.forget(number)
        if usage is not None:
            accounts.balances.note(number, usage)
        mine.completed = completed
        mine.end(State.DONE, _told(completed), self._clock())

    def _tidy(self) -> None:
        """Forget what ended long ago, and the oldest ends if there are many."""
        ended = [known for known in self._known.values() if known.ended_at is not None]
        for known in ended[: max(0, len(ended) - _MOST_KEPT)]:
            self.forget(known)
        now = self._clock()
        for known in ended:
            if known.ended_at is not None and known.ended_at + KEPT <= now:
                self.forget(known)


def _told(completed: Completed) -> str:
    number = completed.enrolled.credential_id
    if completed.enrolled.replaced:
        stored = f"Account {number} was there already and has the new sign-in now."
    else:
        stored = f"Stored as account {number}."
    problem = completed.verified.problem
    return f"{stored} Warning: {problem}." if problem else stored


def _sentence(failure: SignInFailed) -> str:
    words = str(failure)
    return f"{words[:1].upper()}{words[1:]}."

"""The keeper of the accounts: lends them to requests, renews their tokens, and remembers how they fared.

A request leases an account, uses it as often as the plan allows, and settles it exactly once. Nothing that a request
does, leaving included, can lose a token: renewals belong to `Keeper.run`, not to those who wait for them.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.calls import SmallCalls, Wire, machine_of
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import (
    ArnMode,
    Defaults,
    Lease,
    api_region,
    auth_region,
    effective_endpoint,
    effective_proxy,
)
from kiro_trio.credentials.custody import Custody, environment_credential
from kiro_trio.credentials.discoveries import Discoveries, arn_of, arn_to_send
from kiro_trio.credentials.errands import survived
from kiro_trio.credentials.owner import Owner
from kiro_trio.credentials.renewals import Renewals
from kiro_trio.credentials.roster import DEFAULT_CONCURRENCY, Penalty, Roster, Wish
from kiro_trio.credentials.state import StateFile
from kiro_trio.credentials.status import AccountStatus, status_of
from kiro_trio.credentials.store import CredentialStore
from kiro_trio.credentials.waiting import WaitingRoom

# What a failed renewal costs was booked when it failed, once for all who waited for it.
_BOOKED = frozenset({Fault.RENEWAL_FAILED, Fault.RENEWAL_REFUSED})

# These say nothing of the account.
_NOT_THE_ACCOUNTS = frozenset(
    {Fault.CLIENT_GONE, Fault.SHUTTING_DOWN, Fault.CANCELLED_BY_OWNER, Fault.DEADLINE, Fault.INTERNAL}
)

_SAVE_AFTER = 2.0
_EXCHANGE_EVERY = 30.0
_CLOSING = 5.0


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """How the keeper works; times in seconds.

    `defaults`: what the configuration says for credentials that do not say it themselves. `wire`: how calls are made.
    `environment_key`: the value of `KIRO_API_KEY`, which is never written anywhere.
    `order` is one of `roster.ORDERS`, `concurrency` the requests per account at a time. `queue_limit` requests wait
    for an account, each for `queue_patience`, and of that for `drought_patience` for one that is out but comes back.
    Tokens are renewed `renew_ahead` of their end (0: only when a request needs them); the store is looked at every `watch_every`.
    """

    defaults: Defaults = field(default_factory=Defaults)
    wire: Wire = field(default_factory=Wire)
    environment_key: str = field(default="", repr=False)
    order: str = "priority"
    concurrency: int = DEFAULT_CONCURRENCY
    queue_limit: int = 256
    queue_patience: float = 60.0
    drought_patience: float = 8.0
    renew_ahead: float = 900.0
    watch_every: float = 2.0


@dataclass(slots=True)
class _Loan:
    """A lease that is out: whose it is, and which forms of profile ARN it has tried."""

    account_id: int
    tried: set[ArnMode] = field(default_factory=set)


class Keeper:
    """Lends credentials. Everything but `settle`, `rebind` and the looks needs `run` to be running.

    Args:
        store: The credentials; opened already.
        state: What is remembered over restarts.
        calls: Sends renewals and other small calls.
        options: How the keeper works.
        clock: Gives the time of day in epoch seconds.
    """

    def __init__(
        self,
        store: CredentialStore,
        state: StateFile,
        calls: SmallCalls,
        options: KeeperOptions | None = None,
        *,
        clock: Callable[[], float] = wall_clock,
    ) -> None:
        self.options = options = options or KeeperOptions()
        roster = Roster(options.order, concurrency=options.concurrency)
        environment = environment_credential(options.environment_key, options.defaults)
        self._custody = Custody(
            store, state, calls, roster, options.defaults, options.wire, environment, clock=clock
        )
        self._waiting = WaitingRoom(
            roster,
            clock,
            limit=options.queue_limit,
            patience=options.queue_patience,
            drought_patience=options.drought_patience,
        )
        self._custody.changed = self._waiting.serve
        self._renewals = Renewals(self._custody)
        self._discoveries = Discoveries(self._custody)
        self._loans: dict[int, _Loan] = {}
        self._tickets = 0
        self._custody.muster()
        self.owner = Owner(self._custody, self._renewals, self._discoveries)
        """What the owner of the accounts may do with them."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Care for the accounts until cancelled: renewals, ahead of time too, outside edits, and the memory of it all.

        When cancelled, renewals that are under way have some seconds to be finished and stored, and the state is saved.
        """
        await self._custody.load_state()
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._renewals.run)
                await nursery.start(self._discoveries.run_profiles)
                await nursery.start(self._discoveries.run_allowances)
                if self.options.renew_ahead > 0:
                    nursery.start_soon(self._renewals.ahead, self.options.renew_ahead)
                nursery.start_soon(self._watch_store)
                nursery.start_soon(self._keep_state)
                task_status.started()
        finally:
            with trio.move_on_after(_CLOSING, shield=True):
                await self._custody.sync()
                await self._custody.save_state()

    async def lease(
        self, *, model_id: str, session: str = "", avoid: AbstractSet[int] = frozenset()
    ) -> Lease | Failure:
        """Take a slot of the account that suits best, with a token that is good; wait for either if need be.

        Returns the `Failure` of the last account that could not be renewed, or why no account can be had, with
        `retry_after` where time helps. Cancelled, it takes no slot; a renewal that it waited for is finished.
        """
        avoided, last = frozenset(avoid), None
        while True:
            seat = await self._waiting.seat(Wish(model_id, session, avoided))
            if isinstance(seat, Failure):
                return seat if last is None else _with_hope(last, seat)
            lease = None
            try:
                lease = await self._prepared(seat, model_id, session)
            finally:
                if not isinstance(lease, Lease):
                    self._free(seat)
            if isinstance(lease, Lease):
                return lease
            avoided, last = avoided | {seat}, lease

    def settle(self, lease: Lease, failure: Failure | None, penalty: Penalty) -> None:
        """Give the slot back and say how it went: `failure` None for a whole reply, whatever `penalty` is then.

        A lease is settled once; a second time changes nothing.
        """
        loan = self._loans.pop(lease.ticket, None)
        if loan is None:
            return
        if failure is None or failure.fault not in _NOT_THE_ACCOUNTS:
            self._report(lease, loan, failure, penalty)
        self._free(loan.account_id)

    async def renew(self, lease: Lease) -> Lease | Failure:
        """Renew the token of a lease because Kiro refused it, unless that was done already; the slot is kept.

        Cancelling it leaves the renewal alone.
        """
        failure = await self._renewals.refused(lease.credential_id, lease.access_token)
        credential = self._custody.credential(lease.credential_id)
        if failure is not None or credential is None:
            return failure or Failure(Fault.NO_CREDENTIAL, f"credential {lease.credential_id} was removed")
        return replace(lease, access_token=credential.bearer)

    def rebind(self, lease: Lease) -> Lease | None:
        """The lease with the other form of profile ARN (with it, or without), None if there is no other or it was tried.

        The slot is kept. Which form worked in the end is remembered with the account.
        """
        loan, account = self._loans.get(lease.ticket), self._custody.account(lease.credential_id)
        if loan is None or account is None or account.credential.arn_mode is not None or lease.api_key:
            return None
        arn = arn_of(account, self._custody) or None if lease.profile_arn is None else None
        mode = ArnMode.WITH if arn else ArnMode.WITHOUT
        if mode in loan.tried:
            return None
        loan.tried.add(mode)
        return replace(lease, profile_arn=arn)

    def outlook(self, model_id: str) -> float | None:
        """In how many seconds the first account can take a request for the model: 0.0 now, None if no time tells."""
        return self._custody.roster.outlook(model_id, self._custody.clock())

    def standings(self) -> list[AccountStatus]:
        """All accounts as they are now, in the order of the store."""
        return [status_of(account, self._custody) for account in self._custody.roster]

    def available(self) -> int:
        """How many accounts take requests now."""
        return self._custody.roster.available(self._custody.clock())

    def waiting(self) -> int:
        """How many requests wait for an account."""
        return len(self._waiting)

    @property
    def problems(self) -> tuple[str, ...]:
        """What the owner should mend: files that cannot be read or written, entries that cannot be used."""
        state = self._custody.state.problem
        return (*self._custody.store.problems, *((state,) if state else ()))

    async def _prepared(self, credential_id: int, model_id: str, session: str) -> Lease | Failure:
        """A lease of the account whose slot has been taken, with all that must be known before a call."""
        account = self._custody.account(credential_id)
        failure = None
        if account is not None:
            failure = await self._renewals.fresh(account)
        if account is not None and failure is None:
            await self._discoveries.profile(account)
        account = self._custody.account(credential_id)
        if failure is not None or account is None:
            return failure or Failure(Fault.NO_CREDENTIAL, f"credential {credential_id} was removed")
        return self._lend(account, model_id, session)

    def _lend(self, account: Account, model_id: str, session: str) -> Lease:
        credential, defaults = account.credential, self._custody.defaults
        arn = arn_to_send(account, self._custody)
        self._tickets += 1
        self._loans[self._tickets] = _Loan(account.id, {ArnMode.WITH if arn else ArnMode.WITHOUT})
        return Lease(
            credential_id=account.id,
            access_token=credential.bearer,
            api_key=credential.api_key,
            api_region=api_region(credential, defaults),
            auth_region=auth_region(credential, defaults),
            endpoint=effective_endpoint(credential, defaults),
            profile_arn=arn,
            machine_id=machine_of(credential, defaults),
            proxy=effective_proxy(credential, defaults),
            model_id=model_id,
            session=session,
            ticket=self._tickets,
        )

    def _report(self, lease: Lease, loan: _Loan, failure: Failure | None, penalty: Penalty) -> None:
        custody = self._custody
        if failure is not None and failure.fault in _BOOKED:
            penalty = Penalty.NONE
        now, jitter = custody.clock(), custody.jitter()
        custody.roster.report(
            loan.account_id, failure, penalty, model_id=lease.model_id, now=now, jitter=jitter
        )
        account = custody.account(loan.account_id)
        if account is None:
            return
        if failure is None and len(loan.tried) > 1:
            account.arn_mode = ArnMode.WITHOUT if lease.profile_arn is None else ArnMode.WITH
        elif failure is not None and failure.fault is Fault.PROFILE_REFUSED:
            self._discoveries.doubt_profile(account)
        if failure is not None and penalty is Penalty.SPENT_THIS_MONTH:
            self._discoveries.learn_reset(account)

    def _free(self, credential_id: int) -> None:
        self._custody.roster.release(credential_id)
        self._custody.touch()

    async def _watch_store(self) -> None:
        while True:
            await trio.sleep(self.options.watch_every)
            with survived("looking for changes"):
                await self._custody.sync()

    async def _keep_state(self) -> None:
        """Write the state down soon after something has changed, and look now and then what others wrote."""
        while True:
            with trio.move_on_after(_EXCHANGE_EVERY):
                await self._custody.dirty.wait()
            await trio.sleep(_SAVE_AFTER)
            with survived("keeping the state"):
                await self._custody.save_state()


def _with_hope(last: Failure, drought: Failure) -> Failure:
    """What to say when the last account could not be renewed: why, and until when there is no other."""
    return last if last.retry_after is not None else replace(last, retry_after=drought.retry_after)

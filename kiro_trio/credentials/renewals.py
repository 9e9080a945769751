"""Renewals of all accounts: each at most once at a time, also across processes, and never lost."""

import functools

import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.account import LAST_USE, Account
from kiro_trio.credentials.atomic import Locked
from kiro_trio.credentials.consequences import Blow, bear, delay_renewal
from kiro_trio.credentials.credential import Credential
from kiro_trio.credentials.custody import Custody
from kiro_trio.credentials.errands import Errands
from kiro_trio.credentials.renewal import NotRenewed, Renewed, Verdict, renew
from kiro_trio.credentials.standing import Penalty, Standing
from kiro_trio.credentials.store import RENEWAL_LOCK_PATIENCE
from kiro_trio.telemetry import get_logger

# Two small calls of a minute each, and waiting for the other process.
_LIMIT = RENEWAL_LOCK_PATIENCE + 150.0

# What a small call takes at most: its answer may hold the only token that is good from now on.
_GRACE = 32.0

# So many accounts are renewed ahead of time at once: a gateway with a hundred must not begin with a burst.
_AT_ONCE = 4
_LOOK_EVERY = 30.0

_HOPELESS = frozenset({Standing.MISCONFIGURED, Standing.DISABLED, Standing.SUSPENDED, Standing.REVOKED})

_LOG = get_logger("credentials")


class Renewals:
    """Renews access tokens; results are None for success, or why there is no new token. `run` must be running."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._errands = Errands("renewal", Fault.RENEWAL_FAILED, limit=_LIMIT, grace=_GRACE)
        self.run = self._errands.run

    async def fresh(self, account: Account) -> Failure | None:
        """See to it that the account's token is good, and wait only if it must be renewed.

        A token that cannot be renewed serves as long as it lives, and nobody waits for another try before its time. With a
        good token nobody else gets a turn: whoever has waited for a slot has just let them.
        """
        now = self._custody.clock()
        if account.usable(now, LAST_USE if account.delayed(now) else account.margin):
            await trio.lowlevel.checkpoint_if_cancelled()
            return None
        failure = await self.forced(account.id, stale=account.credential.access_token)
        return None if account.usable(self._custody.clock(), LAST_USE) else failure

    async def refused(self, credential_id: int, token: str) -> Failure | None:
        """Renew because Kiro did not take `token`; it is not used again. Right after a failed try there is none."""
        account, now = self._custody.account(credential_id), self._custody.clock()
        if account is not None:
            account.refused_token = token
            if account.delayed(now) and account.credential.access_token == token:
                await trio.lowlevel.checkpoint()
                wait = account.renew_after - now
                return Failure(Fault.RENEWAL_FAILED, "a renewal failed just now", retry_after=wait)
        return await self.forced(credential_id, stale=token)

    async def forced(self, credential_id: int, stale: str) -> Failure | None:
        """Renew the token if it is still the `stale` one; however many ask, it is done once.

        Cancelling the wait does not stop the renewal.
        """
        return await self._errands.wait(credential_id, functools.partial(self._renew, credential_id, stale))

    async def ahead(self, seconds: float) -> None:
        """Renew every token that ends within `seconds`, for ever, so that no request has to wait for it."""
        while True:
            due = [account for account in self._custody.roster if self._due(account, seconds)]
            limiter = trio.CapacityLimiter(_AT_ONCE)
            async with trio.open_nursery() as nursery:
                for account in due:
                    nursery.start_soon(self._one_of, limiter, account)
            await trio.sleep(_LOOK_EVERY)

    async def _one_of(self, limiter: trio.CapacityLimiter, account: Account) -> None:
        async with limiter:
            await self.forced(account.id, stale=account.credential.access_token)

    def _due(self, account: Account, seconds: float) -> bool:
        now = self._custody.clock()
        early = min(seconds, account.lifetime / 4)  # of a life of minutes: not all the time
        return (
            not account.usable(now, max(early, account.margin))
            and not account.delayed(now)
            and account.stands(now)[0] not in _HOPELESS
        )

    async def _renew(self, credential_id: int, stale: str) -> Failure | None:
        try:
            async with self._custody.store.renewing(credential_id):
                return await self._renew_alone(credential_id, stale)
        except Locked as error:
            return Failure(Fault.RENEWAL_FAILED, str(error.strerror))

    async def _renew_alone(self, credential_id: int, stale: str) -> Failure | None:
        """Renew under the lock: first look whether somebody else has done it meanwhile."""
        await self._custody.sync()
        account = self._custody.account(credential_id)
        if account is None:
            return Failure(Fault.NO_CREDENTIAL, f"credential {credential_id} was removed")
        credential = account.credential
        if credential.api_key or credential.flaw:
            return Failure(
                Fault.TOKEN_REFUSED, "an API key is not renewed" if credential.api_key else credential.flaw
            )
        if credential.access_token != stale and account.usable(self._custody.clock(), account.margin):
            return None
        outcome = await self._exchange(credential)
        if isinstance(outcome, Renewed):
            await self._custody.save(
                credential_id, outcome.changes
            )  # before anything else: the old token is dead
            account.renewed(self._custody.clock(), outcome.lifetime)
            self._custody.touch()
            _LOG.info("token renewed", credential=credential_id, lifetime=round(outcome.lifetime))
            return None
        return self._book(account, outcome)

    async def _exchange(self, credential: Credential) -> Renewed | NotRenewed:
        """Exchange the refresh token; one that is refused may have been replaced in the store meanwhile."""
        custody = self._custody
        outcome = await renew(credential, custody.defaults, custody.wire, custody.calls, custody.clock)
        if isinstance(outcome, NotRenewed) and outcome.verdict is Verdict.REVOKED:
            await custody.sync()
            newer = custody.credential(credential.id)
            if newer is not None and newer.refresh_token != credential.refresh_token and not newer.flaw:
                return await renew(newer, custody.defaults, custody.wire, custody.calls, custody.clock)
        return outcome

    def _book(self, account: Account, outcome: NotRenewed) -> Failure:
        """Let the account bear what the failed renewal says of it."""
        blow = Blow(outcome.failure, self._custody.clock(), self._custody.jitter())
        if outcome.penalty is Penalty.NONE:
            delay_renewal(account, blow)
        else:
            bear(account, outcome.penalty, blow)
        self._custody.touch()
        log = _LOG.warning if outcome.verdict is Verdict.UNLUCKY else _LOG.error
        log(
            "token not renewed",
            credential=account.id,
            verdict=outcome.verdict.value,
            why=outcome.failure.detail,
        )
        return outcome.failure

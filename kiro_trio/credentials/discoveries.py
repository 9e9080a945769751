"""What the gateway finds out about its accounts by itself: their profile ARN, and when a spent month ends."""

import functools

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.allowance import ask_usage
from kiro_trio.credentials.credential import AccountKind, ArnMode, Credential, effective_arn
from kiro_trio.credentials.custody import Custody
from kiro_trio.credentials.errands import Errands
from kiro_trio.credentials.profiles import Profile, find_profile
from kiro_trio.kiro.usage import UsageLimits
from kiro_trio.telemetry import get_logger

# A request may wait for the answer: three regions of some seconds each, and then it goes without.
_PROFILE_LIMIT = 20.0
_USAGE_LIMIT = 60.0

# So soon an account is not asked again for a profile that it did not have.
_ASK_AGAIN_AFTER = 600.0

_LOG = get_logger("credentials")


def kind_of(account: Account) -> AccountKind:
    """What the account is, as far as its entry tells it or it was found out."""
    kind = account.credential.kind
    return account.kind or kind if kind is AccountKind.UNKNOWN else kind


def arn_of(account: Account, custody: Custody) -> str:
    """The profile ARN of the account, "" if it has none or none is known."""
    return effective_arn(account.credential, kind_of(account), custody.defaults)


def arn_to_send(account: Account, custody: Custody) -> str | None:
    """The profile ARN to begin with, None for none: as the entry demands, as it worked last, else if there is one."""
    mode = account.credential.arn_mode or account.arn_mode or ArnMode.WITH
    return (arn_of(account, custody) or None) if mode is ArnMode.WITH else None


class Discoveries:
    """Asks Kiro about accounts, once however many want to know. Both runs must be running."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._profiles = Errands("profile search", Fault.RENEWAL_FAILED, limit=_PROFILE_LIMIT, grace=0.0)
        self._allowances = Errands("usage query", Fault.RENEWAL_FAILED, limit=_USAGE_LIMIT, grace=0.0)
        self._asked: dict[int, float] = {}
        self._usage: dict[int, UsageLimits] = {}
        self.run_profiles = self._profiles.run
        self.run_allowances = self._allowances.run

    async def profile(self, account: Account) -> None:
        """Find the profile ARN of an organisation's account that has none yet; the token must be good.

        Without an answer the request goes on without an ARN, and the next one after a while asks again.
        """
        if self._wants_profile(account):
            await self._profiles.wait(account.id, functools.partial(self._find, account.id))

    def doubt_profile(self, account: Account) -> None:
        """Kiro refused the account with and without its ARN: perhaps it has another one by now."""
        now = self._custody.clock()
        organisation = kind_of(account) in {AccountKind.ORGANISATION, AccountKind.UNKNOWN}
        if organisation and now >= self._asked.get(account.id, 0.0) + _ASK_AGAIN_AFTER:
            self._profiles.start(account.id, functools.partial(self._find, account.id))

    async def usage(self, account: Account) -> UsageLimits | Failure:
        """Ask what the account has left, and remember its plan and when its credits come back."""
        failure = await self._allowances.wait(account.id, functools.partial(self._ask_usage, account.id))
        return self._usage[account.id] if failure is None else failure

    def learn_reset(self, account: Account) -> None:
        """The month is spent: ask when it ends."""
        self._allowances.start(account.id, functools.partial(self._ask_usage, account.id))

    def _wants_profile(self, account: Account) -> bool:
        return (
            kind_of(account) in {AccountKind.ORGANISATION, AccountKind.UNKNOWN}
            and not account.credential.profile_arn
            and account.credential.arn_mode is not ArnMode.WITHOUT
            and self._custody.clock() >= self._asked.get(account.id, 0.0) + _ASK_AGAIN_AFTER
        )

    async def _find(self, credential_id: int) -> Failure | None:
        credential = self._custody.credential(credential_id)
        if credential is None:
            return None
        self._asked[credential_id] = self._custody.clock()
        custody = self._custody
        found = await find_profile(credential, custody.defaults, custody.wire, custody.calls)
        if isinstance(found, Failure):
            _LOG.warning("profile not found", credential=credential_id, why=found.detail or found.fault.value)
            return found
        await self._keep_profile(credential, found)
        return None

    async def _keep_profile(self, credential: Credential, found: Profile) -> None:
        account = self._custody.account(credential.id)
        if account is not None:
            account.kind = found.kind
        if found.arn and found.arn != credential.profile_arn:
            await self._custody.save(credential.id, {"profileArn": found.arn})
        self._custody.touch()
        _LOG.info("profile", credential=credential.id, kind=found.kind.value, has_arn=bool(found.arn))

    async def _ask_usage(self, credential_id: int) -> Failure | None:
        account = self._custody.account(credential_id)
        if account is None:
            return Failure(Fault.NO_CREDENTIAL, f"credential {credential_id} was removed")
        custody = self._custody
        arn = arn_to_send(account, custody)
        usage = await ask_usage(account.credential, arn, custody.defaults, custody.wire, custody.calls)
        if isinstance(usage, Failure):
            return usage
        self._usage[credential_id] = usage
        if usage.next_reset is not None:
            account.learn_reset(usage.next_reset, custody.clock())
        await self._keep_plan(account.credential, usage)
        custody.touch()
        return None

    async def _keep_plan(self, credential: Credential, usage: UsageLimits) -> None:
        known = {"subscriptionTitle": credential.subscription_title, "email": credential.email}
        told = {"subscriptionTitle": usage.title, "email": usage.email}
        changes = {key: value for key, value in told.items() if value and value != known[key]}
        if changes:
            await self._custody.save(credential.id, changes)

"""How an account looks from outside: for the owner's page, the health page and the log. No secrets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kiro_trio.credentials.account import Account
from kiro_trio.credentials.credential import api_region, auth_region, effective_endpoint, effective_proxy
from kiro_trio.credentials.custody import ENVIRONMENT_ID, Custody
from kiro_trio.credentials.discoveries import arn_to_send, kind_of
from kiro_trio.credentials.standing import RECOVERIES, Standing
from kiro_trio.telemetry import get_logger

_LOG = get_logger("credentials")


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """One account at one moment. Times are epoch seconds.

    `standing` with its `sentence` and `reason` says why it is out (or `READY`), `until` when it is back by itself.
    `from_environment`: it is the key of `KIRO_API_KEY` and cannot be edited. `proxy` is without user and password.
    """

    id: int
    email: str = field(repr=False)
    auth_method: str
    kind: str
    priority: int
    disabled: bool
    standing: Standing
    sentence: str
    reason: str
    until: float | None
    heals_by_itself: bool
    in_flight: int
    limit: int
    successes: int
    failures: int
    strikes: int
    renewal_strikes: int
    last_used_at: float | None
    expires_at: float | None
    resets_at: float | None
    subscription_title: str
    endpoint: str
    api_region: str
    auth_region: str
    proxy: str
    sends_arn: bool
    from_environment: bool


def status_of(account: Account, custody: Custody) -> AccountStatus:
    """Describe an account as it is now."""
    credential, defaults = account.credential, custody.defaults
    standing, until = account.stands(custody.clock())
    proxy = effective_proxy(credential, defaults)
    return AccountStatus(
        id=account.id,
        email=credential.email,
        auth_method=credential.auth_method.value,
        kind=kind_of(account).value,
        priority=credential.priority,
        disabled=credential.disabled,
        standing=standing,
        sentence=credential.flaw if standing is Standing.MISCONFIGURED else standing.value,
        reason=account.reason(standing),
        until=until,
        heals_by_itself=RECOVERIES[standing].by_time and until is not None,
        in_flight=account.in_flight,
        limit=account.limit,
        successes=account.successes,
        failures=account.failures,
        strikes=account.strikes,
        renewal_strikes=account.renewal_strikes,
        last_used_at=account.last_used_at,
        expires_at=credential.expires_at,
        resets_at=account.resets_at,
        subscription_title=credential.subscription_title,
        endpoint=effective_endpoint(credential, defaults),
        api_region=api_region(credential, defaults),
        auth_region=auth_region(credential, defaults),
        proxy="" if proxy is None else proxy.display,
        sends_arn=arn_to_send(account, custody) is not None,
        from_environment=account.id == ENVIRONMENT_ID,
    )


def introduce(accounts: Sequence[AccountStatus], file: Path) -> None:
    """Say with which accounts the gateway begins; what is wrong with single entries has been said."""
    ready = sum(account.standing is Standing.READY for account in accounts)
    if not accounts:
        _LOG.warning("there is no account yet: `kiro-trio login` makes one", file=str(file))
    elif not ready:
        _LOG.warning("no account can take requests now: `kiro-trio doctor` tells why", accounts=len(accounts))
    else:
        _LOG.info("accounts", known=len(accounts), ready=ready)

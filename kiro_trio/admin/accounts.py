"""The accounts as their owner sees them."""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from kiro_trio.admin.masks import hashed, masked, moment
from kiro_trio.admin.problems import failed, no_account
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Balance, Credentials, CredentialStatus
from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.credential import Credential
from kiro_trio.credentials.standing import Standing
from kiro_trio.credentials.status import AccountStatus
from kiro_trio.gateway.balances import Balance as Told
from kiro_trio.gateway.current import current_id
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.kiro.usage import Allowance

REASONS: Mapping[Standing, str] = {
    Standing.DISABLED: "Manual",
    Standing.STRUCK_OUT: "TooManyFailures",
    Standing.RENEWAL_STRUCK_OUT: "TooManyRefreshFailures",
    Standing.SPENT_TODAY: "QuotaExceeded",
    Standing.SPENT_THIS_MONTH: "QuotaExceeded",
    Standing.REVOKED: "InvalidRefreshToken",
    Standing.MISCONFIGURED: "InvalidConfig",
    Standing.SUSPENDED: "Suspended",
}
"""Standings that count as disabled, by kiro.rs's word for why (the last one is ours). A mere pause does not count."""


_NO_LIMIT = 2**31  # who has none has a number that a page cannot read


class HowFresh(msgspec.Struct):
    """Whether to ask Kiro although the last answer is only minutes old."""

    fresh: bool = False


async def list_credentials(asked: Asked) -> Credentials:
    """All accounts, by priority."""
    gateway = asked.place.gateway
    statuses = sorted(gateway.keeper.standings(), key=lambda status: (status.priority, status.id))
    current = current_id(gateway, statuses)
    told = dict(gateway.books.balances.known())
    return Credentials(
        total=len(statuses),
        available=sum(status.standing is Standing.READY for status in statuses),
        current_id=current,
        credentials=[
            _shown(status, _credential(gateway, status.id), current, told.get(status.id))
            for status in statuses
        ],
    )


async def show_credential(asked: Asked) -> CredentialStatus:
    """One account."""
    gateway = asked.place.gateway
    statuses = gateway.keeper.standings()
    status = next((status for status in statuses if status.id == asked.credential_id), None)
    if status is None:
        raise no_account(asked.credential_id)
    told = dict(gateway.books.balances.known()).get(status.id)
    current = current_id(gateway, statuses)
    return _shown(status, _credential(gateway, status.id), current, told)


async def show_balance(asked: Asked) -> Balance:
    """What an account has left; Kiro is asked if the last answer is older than five minutes."""
    balances = asked.place.gateway.books.balances
    try:
        told = await balances.get(asked.credential_id, fresh=asked.query.fresh)
    except KeyError:
        raise no_account(asked.credential_id) from None
    if isinstance(told, Failure):
        raise failed(told)
    return balance_of(asked.credential_id, told)


def balance_of(credential_id: int, told: Told) -> Balance:
    """What Kiro said an account has left."""
    limits = told.limits
    overage = limits.overage
    return Balance(
        id=credential_id,
        subscription_title=limits.title,
        current_usage=limits.used,
        usage_limit=limits.limit,
        remaining=limits.remaining,
        usage_percentage=limits.percent,
        next_reset_at=limits.next_reset,
        trial=None if limits.trial is None else _allowance(limits.trial),
        bonuses=[_allowance(bonus) for bonus in limits.bonuses],
        overage={
            "enabled": overage.enabled,
            "used": overage.used,
            "cap": overage.cap,
            "charges": overage.charges,
            "currency": overage.currency,
        },
        cached_at=moment(told.at),
    )


def _allowance(part: Allowance) -> dict[str, float | str | None]:
    return {"name": part.name, "used": part.used, "limit": part.limit, "endsAt": moment(part.ends_at)}


def _credential(gateway: Gateway, credential_id: int) -> Credential:
    """The credential behind a status; that of the environment is in no store."""
    known = gateway.store.credentials.get(credential_id)
    return known or Credential(credential_id, kiro_api_key=gateway.settings.kiro_api_key)


def _shown(
    status: AccountStatus, credential: Credential, current: int, told: Told | None
) -> CredentialStatus:
    reason = REASONS.get(status.standing)
    own_proxy = "direct" if credential.direct else credential.proxy.display if credential.proxy else ""
    return CredentialStatus(
        id=status.id,
        priority=status.priority,
        disabled=reason is not None,
        failure_count=status.strikes,
        is_current=status.id == current,
        expires_at=moment(status.expires_at),
        auth_method=status.auth_method,
        has_profile_arn=bool(credential.profile_arn),
        refresh_token_hash=hashed(credential.refresh_token),
        api_key_hash=hashed(credential.kiro_api_key),
        masked_api_key=masked(credential.kiro_api_key),
        email=status.email or None,
        success_count=status.successes,
        last_used_at=moment(status.last_used_at),
        has_proxy=bool(own_proxy),
        refresh_failure_count=status.renewal_strikes,
        endpoint=status.endpoint,
        proxy_url=own_proxy or UNSET,
        disabled_reason=reason or UNSET,
        standing=status.standing.name.lower(),
        sentence=status.sentence,
        reason=status.reason,
        recovers_at=moment(status.until),
        heals_by_itself=status.heals_by_itself,
        switched_off=status.disabled,
        in_flight=status.in_flight,
        concurrency=0 if status.limit >= _NO_LIMIT else status.limit,
        failed_requests=status.failures,
        kind=status.kind,
        subscription_title=status.subscription_title,
        api_region=status.api_region,
        auth_region=status.auth_region,
        effective_proxy=status.proxy,
        sends_profile_arn=status.sends_arn,
        from_environment=status.from_environment,
        resets_at=moment(status.resets_at),
        balance=None if told is None else balance_of(status.id, told),
    )

"""The shapes that several routes of the owner's API share."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Priority = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Moment = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Epoch seconds, up to the last year that a calendar has."""


class Shape(msgspec.Struct, rename="camel", kw_only=True):
    """A JSON object with camelCase keys; unknown keys are ignored, as kiro.rs does."""


class Strict(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """A JSON object in which an unknown key is a mistake."""


class Success(Shape):
    """It is done."""

    message: str
    success: bool = True


class Added(Shape):
    """An account was added."""

    message: str
    credential_id: int
    email: str | UnsetType = UNSET
    success: bool = True


class Balance(Shape):
    """What an account has left; the first seven are kiro.rs's. `cached_at` is RFC 3339."""

    id: int
    subscription_title: str
    current_usage: float
    usage_limit: float
    remaining: float
    usage_percentage: float
    next_reset_at: float | None
    trial: dict[str, float | str | None] | None = None
    bonuses: list[dict[str, float | str | None]] = []
    overage: dict[str, float | str | bool | None] = {}
    cached_at: str | None = None


class CredentialStatus(Shape):
    """An account as it is now, up to `endpoint` as kiro.rs shows it; times are RFC 3339.

    `disabled` is true for whatever puts an account out, with `disabled_reason`. `standing` is more exact, with a
    sentence, Kiro's own word for it (`reason`) and when it is over by itself (`recovers_at`). `concurrency` is how many
    requests it may serve at once, 0 for any number.
    """

    id: int
    priority: int
    disabled: bool
    failure_count: int
    is_current: bool
    expires_at: str | None
    auth_method: str
    has_profile_arn: bool
    refresh_token_hash: str | None
    api_key_hash: str | None
    masked_api_key: str | None
    email: str | None
    success_count: int
    last_used_at: str | None
    has_proxy: bool
    refresh_failure_count: int
    endpoint: str
    proxy_url: str | UnsetType = UNSET
    disabled_reason: str | UnsetType = UNSET
    standing: str = ""
    sentence: str = ""
    reason: str = ""
    recovers_at: str | None = None
    heals_by_itself: bool = False
    switched_off: bool = False
    in_flight: int = 0
    concurrency: int = 0
    failed_requests: int = 0
    kind: str = ""
    subscription_title: str = ""
    api_region: str = ""
    auth_region: str = ""
    effective_proxy: str = ""
    sends_profile_arn: bool = False
    from_environment: bool = False
    resets_at: str | None = None
    balance: Balance | None = None


class Credentials(Shape):
    """All accounts, by priority."""

    total: int
    available: int
    current_id: int
    credentials: list[CredentialStatus]

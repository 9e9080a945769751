"""Usage limits: what an account may use, what it has used, and when that begins anew.

Source: docs/wire.md, "Usage limits".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from kiro_trio.kiro.endings import number

# Epoch seconds have 10 digits for the next 250 years; more are milliseconds.
_MILLISECONDS_FROM = 1e11


class UsageUnreadable(ValueError):
    """What was to be usage limits is none. Its text has no byte of it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Something to be used up, in the account's unit (credits). `ends_at` is in seconds since 1970."""

    used: float
    limit: float
    name: str = ""
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class Overage:
    """What goes beyond the plan, and costs money: `rate` each, `charges` so far, in `currency`."""

    enabled: bool = False
    used: float = 0.0
    cap: float | None = None
    rate: float | None = None
    charges: float = 0.0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """How much of its credits an account has used.

    `plan` is the plan's own part; the trial and the bonuses count on top of it while they are active, and only active
    ones are here. Overage is apart: it is never part of what is left. `next_reset` is in seconds since 1970.
    """

    title: str
    kind: str
    resource: str
    plan: Allowance
    trial: Allowance | None
    bonuses: tuple[Allowance, ...]
    overage: Overage
    next_reset: float | None
    email: str = field(default="", repr=False)

    @property
    def used(self) -> float:
        """Of plan, trial and bonuses together."""
        return sum(part.used for part in self._parts)

    @property
    def limit(self) -> float:
        """Of plan, trial and bonuses together."""
        return sum(part.limit for part in self._parts)

    @property
    def remaining(self) -> float:
        """What is left, never below 0."""
        return max(0.0, self.limit - self.used)

    @property
    def percent(self) -> float:
        """How much is used, from 0 to 100; 0 if there is no limit."""
        return min(100.0, self.used / self.limit * 100) if self.limit > 0 else 0.0

    @property
    def _parts(self) -> tuple[Allowance, ...]:
        return (self.plan, *((self.trial,) if self.trial else ()), *self.bonuses)


def parse_usage_limits(body: bytes) -> UsageLimits:
    """Read the answer of getUsageLimits; tolerant of missing fields and of numbers of any kind.

    Raises:
        UsageUnreadable: The body is not a JSON object.
    """
    try:
        data = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageUnreadable("the usage limits are not a JSON object") from error
    subscription = _object(data, "subscriptionInfo")
    breakdown = _breakdown(data)
    return UsageLimits(
        title=_text(subscription, "subscriptionTitle"),
        kind=_text(subscription, "type"),
        resource=_text(breakdown, "resourceType"),
        plan=_allowance(breakdown),
        trial=_trial(breakdown),
        bonuses=_bonuses(breakdown),
        overage=_overage(breakdown, _object(data, "overageConfiguration")),
        next_reset=_moment(data.get("nextDateReset")) or _moment(breakdown.get("nextDateReset")),
        email=_text(_object(data, "userInfo"), "email"),
    )


def _breakdown(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the credits, else the first."""
    rows = [row for row in _list(data, "usageBreakdownList") if isinstance(row, dict)]
    if not rows:
        return _object(data, "usageBreakdown")
    return next((row for row in rows if row.get("resourceType") == "CREDIT"), rows[0])


def _trial(breakdown: Mapping[str, Any]) -> Allowance | None:
    trial = _object(breakdown, "freeTrialInfo")
    if _text(trial, "freeTrialStatus") != "ACTIVE":
        return None
    return _allowance(trial, name="trial", ends_at=_moment(trial.get("freeTrialExpiry")))


def _bonuses(breakdown: Mapping[str, Any]) -> tuple[Allowance, ...]:
    return tuple(
        _allowance(
            bonus,
            name=_text(bonus, "displayName") or _text(bonus, "bonusCode"),
            ends_at=_moment(bonus.get("expiresAt")),
        )
        for bonus in _list(breakdown, "bonuses")
        if isinstance(bonus, dict) and _text(bonus, "status") == "ACTIVE"
    )


def _overage(breakdown: Mapping[str, Any], configuration: Mapping[str, Any]) -> Overage:
    return Overage(
        enabled=_text(configuration, "overageStatus") == "ENABLED",
        used=_precise(breakdown, "currentOverages") or 0.0,
        cap=_precise(breakdown, "overageCap"),
        rate=number(breakdown.get("overageRate")),
        charges=number(breakdown.get("overageCharges")) or 0.0,
        currency=_text(breakdown, "currency"),
    )


def _allowance(row: Mapping[str, Any], name: str = "", ends_at: float | None = None) -> Allowance:
    return Allowance(_precise(row, "currentUsage") or 0.0, _precise(row, "usageLimit") or 0.0, name, ends_at)


def _precise(row: Mapping[str, Any], name: str) -> float | None:
    """The field with precision, else the rounded one; what is below 0 is 0."""
    precise = number(row.get(f"{name}WithPrecision"))
    value = number(row.get(name)) if precise is None else precise
    return None if value is None else max(0.0, value)


def _moment(value: object) -> float | None:
    """Seconds since 1970 from seconds, milliseconds or an ISO date."""
    moment = number(value)
    if moment is None and isinstance(value, str):
        try:
            date = datetime.fromisoformat(value)
        except ValueError:
            return None
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    if moment is None or moment <= 0:
        return None
    return moment / 1000 if moment >= _MILLISECONDS_FROM else moment


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""

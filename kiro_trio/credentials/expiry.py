"""When a token expires: reading, writing and judging `expiresAt`. Pure; all times are epoch seconds."""

import re
from datetime import UTC, datetime
from typing import Any

EXPIRED_MARGIN = 300.0
"""A token that lives no longer than this counts as expired. Source: docs/wire.md, "Tokens and renewal"."""

DEFAULT_LIFETIME = 3600.0
"""The life of a token whose renewal does not say it: what the service gives when it does say it."""

# Below: seconds; above: milliseconds. 10^10 s is the year 2286, 10^10 ms was in April 1970.
_SECONDS_BELOW = 1e10
_LATEST = 253_402_300_799.0  # the last second that RFC 3339 can write
_FRACTION = re.compile(r"(\.\d{6})\d+")


def parse_expiry(value: Any) -> float | None:
    """Read an expiry: RFC 3339 with any number of digits, or an epoch number in seconds or milliseconds.

    Returns None for whatever is neither, which counts as expired: a needless renewal does no harm.
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _epoch(value)
        case str():
            return _rfc3339(value.strip())
        case _:
            return None


def format_expiry(moment: float) -> str:
    """Write an expiry as RFC 3339 in UTC with milliseconds, as the official clients do."""
    instant = datetime.fromtimestamp(min(moment, _LATEST), UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch(number: float) -> float | None:
    if not 0.0 <= number <= _LATEST * 1000.0:  # also false for NaN
        return None
    return float(number) if number < _SECONDS_BELOW else number / 1000.0


def _rfc3339(text: str) -> float | None:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _epoch(float(text))
    try:
        # Nanoseconds, as kiro-cli writes them, are more digits than datetime takes.
        instant = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()

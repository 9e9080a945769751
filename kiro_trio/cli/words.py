"""Moments and amounts in words, for tables and reports. Pure."""

from datetime import UTC, datetime

from kiro_trio.cli.figures import amount
from kiro_trio.kiro.usage import UsageLimits

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


def credits_left(usage: UsageLimits) -> str:
    """What is left, of how much, and until when."""
    until = "" if usage.next_reset is None else f" until {day(usage.next_reset)}"
    return f"{amount(usage.remaining)} of {amount(usage.limit)} credits left{until}"


def day(moment: float) -> str:
    """The day of a moment (epoch seconds), in UTC."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "?"


def until(moment: float, now: float) -> str:
    """How far a moment (epoch seconds) lies ahead: `12 min`, `3 h`, `5 d`; `over` if it is past."""
    left = moment - now
    if left <= 0:
        return "over"
    for length, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if left >= length:
            return f"{int(left / length)} {unit}"
    return f"{int(left)} s"

"""How an account stands with Kiro, as tables: what puts it out, for how long, and what brings it back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import MappingProxyType

STRIKES = 3
"""So many refusals in a row, without a success between them, put an account out."""


class Standing(Enum):
    """How an account stands, a sentence each."""

    READY = "takes requests"
    COOLING = "was asked to slow down"
    RENEWAL_DELAYED = "its token could not be renewed just now"
    SPENT_TODAY = "has spent its requests of the day"
    SPENT_THIS_MONTH = "has spent its credits of the month"
    STRUCK_OUT = "was refused three times in a row"
    RENEWAL_STRUCK_OUT = "its token could not be renewed three times in a row"
    SUSPENDED = "is suspended"
    REVOKED = "needs a new sign-in"
    DISABLED = "was switched off by its owner"
    MISCONFIGURED = "cannot be used as it is written"


class Penalty(Enum):
    """What an account suffers for a failure."""

    NONE = "nothing"
    STRIKE = "one of three refusals in a row"
    COOL_DOWN = "a pause, as long as Kiro says or growing"
    MODEL_BUSY = "nothing, but the model gets a pause, for all accounts"
    MODEL_REFUSED = "it is not asked for this model for a while"
    SPENT_TODAY = "out until midnight"
    SPENT_THIS_MONTH = "out until the month's credits come back"
    SUSPENDED = "out until its owner brings it back"
    RENEWAL_STRIKE = "one of three refused renewals in a row"
    REVOKED = "out until somebody signs in again"


@dataclass(frozen=True, slots=True)
class Recovery:
    """How an account comes back from a standing.

    `severity`: which of several standings to speak of. `by_time`: it is given with an end, and over at that moment.
    `rounds`: how long it lasts, in seconds, the first, second ... time without a success between; after the last one
    only the owner helps, so that a dead account is not hammered for ever. `by_success`: a reply proves it wrong.
    """

    severity: int
    by_time: bool = False
    rounds: tuple[float, ...] = ()
    by_success: bool = False


RECOVERIES: Mapping[Standing, Recovery] = MappingProxyType(
    {
        Standing.READY: Recovery(0),
        Standing.COOLING: Recovery(1, by_time=True),
        Standing.RENEWAL_DELAYED: Recovery(2, by_time=True),
        Standing.STRUCK_OUT: Recovery(3, by_time=True, rounds=(60.0, 600.0, 3600.0), by_success=True),
        Standing.RENEWAL_STRUCK_OUT: Recovery(4, by_time=True, rounds=(600.0, 3600.0), by_success=True),
        Standing.SPENT_TODAY: Recovery(5, by_time=True),
        Standing.SPENT_THIS_MONTH: Recovery(6, by_time=True),
        Standing.REVOKED: Recovery(7),
        Standing.SUSPENDED: Recovery(8),
        # These two are no standings that a report brings: they are read from the credential.
        Standing.DISABLED: Recovery(9),
        Standing.MISCONFIGURED: Recovery(10),
    }
)


@dataclass(frozen=True, slots=True)
class Growth:
    """A pause that doubles each time: `first`, twice that ... up to `cap` seconds, plus up to a quarter of jitter."""

    first: float
    cap: float

    def pause(self, times: int, jitter: float) -> float:
        """The pause of the nth time (from 1); `jitter` is a random number from 0 to 1."""
        base = min(self.first * 2.0 ** min(max(times - 1, 0), 30), self.cap)
        return base + base * 0.25 * jitter


COOL_DOWN = Growth(2.0, 300.0)
RENEWAL_DELAY = Growth(2.0, 300.0)
MODEL_PAUSE = Growth(0.5, 8.0)

FORGIVEN_AFTER = 600.0
"""So many seconds after its last pause an account's pauses begin small again."""

LONGEST_RETRY_AFTER = 86_400.0
"""A longer `retry-after` than a day is believed for a day: nobody should lose an account to a broken header."""

MODEL_REFUSED_FOR = 3600.0
"""An account is asked again for a model that it did not have: plans change, and so do the lists of models."""

PLAN_LACKS: tuple[tuple[str, str], ...] = (("FREE", "opus"),)
"""(part of a plan's title in capitals, part of a model's id): models that a plan is known not to include."""


def next_midnight(now: float) -> float:
    """The next 00:00 UTC after `now`."""
    return _midnight(datetime.fromtimestamp(now, UTC) + timedelta(days=1))


def next_month(now: float) -> float:
    """The next 1st of a month, 00:00 UTC, after `now`: when plans are filled again unless Kiro names another day."""
    return _midnight(datetime.fromtimestamp(now, UTC).replace(day=1) + timedelta(days=31), day=1)


def month_began(now: float) -> float:
    """The 1st of the month of `now`, 00:00 UTC."""
    return _midnight(datetime.fromtimestamp(now, UTC), day=1)


def _midnight(instant: datetime, day: int | None = None) -> float:
    day = instant.day if day is None else day
    return instant.replace(day=day, hour=0, minute=0, second=0, microsecond=0).timestamp()

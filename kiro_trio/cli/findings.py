"""What an examination finds: a line each, with what to do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from kiro_trio.conversation.faults import Failure, Fault


class Verdict(Enum):
    """How a check ended. Only `BAD` makes the examination fail."""

    GOOD = "ok"
    NOTE = "note"
    SKIPPED = "skipped"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `account` is the account that it is about, if it is about one; `advice` is "" if there is none."""

    check: str
    verdict: Verdict
    said: str
    advice: str = ""
    account: int | None = None


Report = Callable[[Finding], None]
"""Takes findings as they come."""


def of_failure(
    check: str, failure: Failure, account: int | None = None, verdict: Verdict = Verdict.BAD
) -> Finding:
    """What a failure of a call means to the person at the terminal."""
    said = failure.fault.value + (f" ({failure.detail})" if failure.detail else "")
    return Finding(check, verdict, said, ADVICE.get(failure.fault, ""), account)


_SIGN_IN = "sign in again: `kiro-trio login` puts the new sign-in in the place of the old one"
_LATER = "nothing is wrong here: try again in some minutes"

ADVICE: Mapping[Fault, str] = {
    Fault.CONNECT_FAILED: "see whether a firewall is in the way; if this machine needs a proxy, set proxyUrl",
    Fault.PROXY_FAILED: "see whether proxyUrl, proxyUsername and proxyPassword are right, and the proxy runs",
    Fault.TLS_FAILED: "if something here looks into TLS (a company, an antivirus), name its CA file in caFile",
    Fault.CONNECTION_LOST: "something on the way cuts connections: try without a VPN, or with another proxy",
    Fault.FIRST_BYTE_TIMEOUT: _LATER,
    Fault.IDLE_TIMEOUT: _LATER,
    Fault.NOT_AN_EVENT_STREAM: "somebody else answers in Kiro's place: a login page of the network, or a wrong --upstream",
    Fault.CORRUPT_STREAM: "something on the way changes the bytes: try without the proxy",
    Fault.TRUNCATED_STREAM: "something on the way cuts answers short: try without the proxy",
    Fault.MODEL_UNKNOWN: "ask for another --model; if all are refused, Kiro may not serve this country: try a proxy",
    Fault.THROTTLED: "the account is asked too often: wait some minutes, or add another one",
    Fault.MODEL_CAPACITY: _LATER,
    Fault.DAILY_QUOTA: "wait for tomorrow, or add another account",
    Fault.MONTHLY_QUOTA: "wait for the day on which the credits come back, or add another account",
    Fault.TOKEN_REFUSED: _SIGN_IN + "; an API key must be made anew in Kiro",
    Fault.PROFILE_REFUSED: "see `profileArn` and `apiRegion` of the account: the profile must be its own, in its region",
    Fault.ACCESS_DENIED: "see whether the account has a Kiro subscription; an organisation's administrator assigns it",
    Fault.SUSPENDED: "Kiro has locked the account: write to its support, and do not try on",
    Fault.RENEWAL_FAILED: _LATER + "; if it stays so, " + _SIGN_IN,
    Fault.RENEWAL_REFUSED: _SIGN_IN,
    Fault.SERVER_ERROR: _LATER,
    Fault.UNAVAILABLE: _LATER,
    Fault.BAD_REQUEST: "the endpoint or the versions in the config may be too old: take `endpoints` and `kiroVersion` out",
    Fault.EMPTY_REPLY: "the answer had no word in it: try another --model",
}
"""What helps, for the faults that somebody can do something about."""

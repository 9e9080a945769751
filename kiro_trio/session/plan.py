"""The whole failure story in one table: what follows from a fault.

`POLICIES` has a row for every `Fault`: who tries again and how often, what the credential suffers when we leave it,
and what the client is told when we give up. To change a failure policy, edit its row. `judge` applies a row to what
has happened so far; nothing else in the program decides about retries. Pure.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from types import MappingProxyType

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.standing import Penalty

MAX_TRIES_PER_CREDENTIAL = 3
MAX_TRIES_PER_REQUEST = 9

BACK_OFF_BASE = 0.2
BACK_OFF_CAP = 2.0
_LONGEST_WAIT_WORTH_TELLING = 24 * 3600.0

_AT_ONCE = 1.0

LONGEST_WAIT_OBEYED = 60.0
"""Seconds of `retry-after` that clients are ready to wait; on more, Claude Code gives up a 429 at once."""

# What nothing but the owner of the gateway can mend, or wants otherwise.
_LASTING = frozenset({
    Fault.TLS_FAILED,
    Fault.TOKEN_REFUSED,
    Fault.PROFILE_REFUSED,
    Fault.ACCESS_DENIED,
    Fault.SEARCH_REFUSED,
    Fault.SUSPENDED,
    Fault.RENEWAL_REFUSED,
    Fault.NO_CREDENTIAL,
    Fault.DAILY_QUOTA,
    Fault.MONTHLY_QUOTA,
    Fault.CANCELLED_BY_OWNER,
})  # fmt: skip


# By these words Claude Code (2.1.330) knows that an image or a PDF must go: it takes it out and asks again. Otherwise the
# conversation would be stuck, for what was refused once would be sent in every turn.
_MEDIA = (
    ("IMAGE_", "Could not process image: the upstream does not take it"),
    ("DOCUMENT_", "Could not process PDF: the upstream does not take it"),
)


class Progress(IntEnum):
    """How far an answer has got towards the client. It only ever grows."""

    SILENT = 0
    """Nothing has been sent: a failure can still be a real HTTP status."""
    OPENED = 1
    """The 200 went out with a ping: no status any more, but failover is still free."""
    SPOKEN = 2
    """Content has been sent: only an error event is honest now."""
    ACTED = 3
    """A tool call has been closed: the client already runs it."""


class Next(Enum):
    """What to do after a failed attempt."""

    RETRY = "the same credential again, after a pause"
    RENEW = "the same credential with a renewed token"
    REBIND = "the same credential with the other form of profile ARN"
    SIMPLIFY = "the same credential with a simpler request"
    FAIL_OVER = "another credential"
    GIVE_UP = "tell the client"


SAME_CREDENTIAL = frozenset({Next.RETRY, Next.RENEW, Next.REBIND, Next.SIMPLIFY})


@dataclass(frozen=True, slots=True)
class Policy:
    """One row: do `next` up to `times` per credential, afterwards `then`.

    `penalty` is what the credential suffers when it is left. `status`, `error_type` and `message` are what the client
    is told in the end; `retry_after` (seconds) goes with them unless the failure itself knows better.
    """

    next: Next
    times: int
    then: Next
    penalty: Penalty
    status: int
    error_type: str
    message: str
    retry_after: float | None = None


def _policies() -> dict[Fault, Policy]:
    retry, renew, rebind, simplify = Next.RETRY, Next.RENEW, Next.REBIND, Next.SIMPLIFY
    over, give_up = Next.FAIL_OVER, Next.GIVE_UP
    none, strike = Penalty.NONE, Penalty.STRIKE
    bad, api, busy = "invalid_request_error", "api_error", "overloaded_error"
    broken = "The reply of the upstream broke off and was not passed on as whole. Please try again."
    no_account = "No upstream account can serve this request now; the gateway's owner can see why."
    return {
        # The way to Kiro. A second failure is more likely to be the network's than the account's.
        Fault.CONNECT_FAILED: Policy(retry, 2, over, none, 502, api, "The upstream cannot be reached."),
        Fault.PROXY_FAILED: Policy(retry, 1, over, none, 502, api, "The gateway's own proxy refused or failed."),
        Fault.TLS_FAILED: Policy(over, 9, give_up, none, 502, api, "The upstream's certificate was not accepted."),
        Fault.CONNECTION_LOST: Policy(retry, 2, over, none, 502, api, broken),
        Fault.FIRST_BYTE_TIMEOUT: Policy(over, 1, give_up, none, 504, "timeout_error", "The upstream did not answer in time."),
        Fault.IDLE_TIMEOUT: Policy(over, 1, give_up, none, 504, "timeout_error", "The upstream fell silent."),
        # A reply that is not whole. Once more is cheap; after that it may be the account's way.
        Fault.NOT_AN_EVENT_STREAM: Policy(retry, 1, over, none, 502, api, "The upstream answered nonsense."),
        Fault.CORRUPT_STREAM: Policy(retry, 2, over, none, 502, api, broken),
        Fault.TRUNCATED_STREAM: Policy(retry, 2, over, none, 502, api, broken),
        Fault.EMPTY_REPLY: Policy(retry, 1, over, none, 502, api, "The model answered nothing."),
        Fault.TOOL_CALL_INCOMPLETE: Policy(retry, 1, over, none, 502, api, "The upstream cut a tool call short."),
        Fault.MALFORMED_OUTPUT: Policy(retry, 1, over, none, 502, api, "The model's output was malformed."),
        # What we asked is wrong: nobody else will like it better.
        Fault.CONTEXT_OVERFLOW: Policy(give_up, 0, give_up, none, 400, bad, "prompt is too long"),
        Fault.BAD_REQUEST: Policy(give_up, 0, give_up, none, 400, bad, "The upstream calls the request malformed."),
        Fault.TOOLS_REFUSED: Policy(simplify, 1, give_up, none, 400, bad, "The upstream does not accept a tool definition."),
        Fault.EFFORT_REFUSED: Policy(simplify, 1, give_up, none, 400, bad, "The model does not take this thinking effort."),
        Fault.MODEL_UNKNOWN: Policy(over, 9, give_up, Penalty.MODEL_REFUSED, 404, "not_found_error", "The upstream has no such model."),
        # Too much, too fast. Claude Code obeys a retry-after of up to a minute, and gives up at once on more than that.
        Fault.THROTTLED: Policy(over, 9, give_up, Penalty.COOL_DOWN, 429, "rate_limit_error", "The upstream asks to slow down.", 10),
        Fault.MODEL_CAPACITY: Policy(retry, 2, give_up, Penalty.MODEL_BUSY, 503, busy, "The model has no free capacity now.", 15),
        Fault.DAILY_QUOTA: Policy(over, 9, give_up, Penalty.SPENT_TODAY, 429, "rate_limit_error", "All accounts have spent their requests of the day."),
        Fault.MONTHLY_QUOTA: Policy(over, 9, give_up, Penalty.SPENT_THIS_MONTH, 429, "rate_limit_error", "All accounts have spent their credits of the month."),
        # Who we are. The client's key is fine, so never 401 or 403.
        Fault.TOKEN_REFUSED: Policy(renew, 1, over, strike, 503, api, no_account),
        Fault.PROFILE_REFUSED: Policy(rebind, 1, over, strike, 503, api, no_account),
        Fault.ACCESS_DENIED: Policy(over, 9, give_up, strike, 503, api, no_account),
        Fault.SEARCH_REFUSED: Policy(over, 9, give_up, none, 503, api, "No upstream account may search the web."),
        Fault.SUSPENDED: Policy(over, 9, give_up, Penalty.SUSPENDED, 503, api, no_account),
        Fault.RENEWAL_FAILED: Policy(over, 9, give_up, Penalty.RENEWAL_STRIKE, 503, api, no_account, 10),
        Fault.RENEWAL_REFUSED: Policy(over, 9, give_up, Penalty.REVOKED, 503, api, no_account),
        # Kiro is unwell.
        Fault.SERVER_ERROR: Policy(retry, 2, over, none, 502, api, "The upstream had an internal error."),
        Fault.UNAVAILABLE: Policy(retry, 2, over, none, 503, busy, "The upstream is overloaded or down.", 5),
        Fault.UNEXPECTED_STATUS: Policy(give_up, 0, give_up, none, 502, api, "The upstream refused the request."),
        # On our side.
        Fault.NO_CREDENTIAL: Policy(give_up, 0, give_up, none, 503, api, no_account),
        Fault.QUEUE_FULL: Policy(give_up, 0, give_up, none, 503, busy, "Too many requests are waiting for an account.", 5),
        Fault.DEADLINE: Policy(give_up, 0, give_up, none, 504, "timeout_error", "All tries together took too long."),
        Fault.SHUTTING_DOWN: Policy(give_up, 0, give_up, none, 503, busy, "The gateway is being stopped.", 5),
        Fault.CLIENT_GONE: Policy(give_up, 0, give_up, none, 499, api, "The client left."),
        Fault.CANCELLED_BY_OWNER: Policy(give_up, 0, give_up, none, 503, api, "The gateway's owner cancelled the request."),
        Fault.INTERNAL: Policy(give_up, 0, give_up, none, 500, api, "The gateway has a bug; its log says more."),
    }  # fmt: skip


POLICIES: Mapping[Fault, Policy] = MappingProxyType(_policies())


@dataclass(slots=True)
class Tries:
    """The failed attempts of one request so far."""

    total: int = 0
    by_credential: Counter[int] = field(default_factory=Counter)
    by_fault: Counter[tuple[int, Fault]] = field(default_factory=Counter)

    def note(self, credential_id: int, fault: Fault) -> None:
        """Count one failed attempt."""
        self.total += 1
        self.by_credential[credential_id] += 1
        self.by_fault[credential_id, fault] += 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do now, and how long to wait first (seconds).

    `penalty` is what the credential suffers if we leave it. `otherwise` is what to do if `next` turns out impossible.
    """

    next: Next
    penalty: Penalty
    pause: float = 0.0
    otherwise: Next = Next.GIVE_UP


def judge(fault: Fault, progress: Progress, tries: Tries, credential_id: int, *, jitter: float) -> Verdict:
    """Say what follows from `fault`, the last of `tries`; `jitter` is a random number from 0 to 1."""
    policy = POLICIES[fault]
    if progress >= Progress.SPOKEN or tries.total >= MAX_TRIES_PER_REQUEST:
        return Verdict(Next.GIVE_UP, policy.penalty)
    decision = policy.next if tries.by_fault[credential_id, fault] <= policy.times else policy.then
    if decision in SAME_CREDENTIAL and tries.by_credential[credential_id] >= MAX_TRIES_PER_CREDENTIAL:
        decision = Next.FAIL_OVER
    if decision in SAME_CREDENTIAL:
        return Verdict(
            decision, policy.penalty, back_off(tries.total, jitter) if decision is Next.RETRY else 0.0
        )
    return Verdict(decision, policy.penalty)


# What puts an account out at once, so that whoever is ready afterwards is another one.
_PUTS_OUT = frozenset({
    Penalty.COOL_DOWN,
    Penalty.SPENT_TODAY,
    Penalty.SPENT_THIS_MONTH,
    Penalty.SUSPENDED,
    Penalty.RENEWAL_STRIKE,
    Penalty.REVOKED,
})  # fmt: skip


def promised(failure: Failure, outlook: float | None) -> Failure:
    """The failure with the `retry_after` that holds for all accounts, not for the one that happened to be last.

    `outlook` is when the first of them can take such a request: in so many seconds, 0 for now, None for nobody knows.
    """
    penalty = POLICIES[failure.fault].penalty
    if penalty in _PUTS_OUT and outlook is not None:
        return replace(failure, retry_after=max(outlook, _AT_ONCE))
    if penalty is Penalty.STRIKE:
        return replace(failure, retry_after=outlook or None)
    return failure


def back_off(failures: int, jitter: float) -> float:
    """Return the pause in seconds after the nth failure (from 1): doubling from 0.2 to 2, plus up to a quarter."""
    base = min(BACK_OFF_BASE * 2.0 ** min(failures - 1, 6), BACK_OFF_CAP)
    return base + base * 0.25 * jitter


@dataclass(frozen=True, slots=True)
class ClientError:
    """What a client is told: an HTTP status and Anthropic's error type and message; `retry_after` in seconds.

    `hopeless`: asking again soon is in vain, and the client should not. Claude Code would ask ten times, for three minutes,
    before it shows its user the message.
    """

    status: int
    error_type: str
    message: str
    retry_after: float | None = None
    hopeless: bool = False


def client_error(failure: Failure) -> ClientError:
    """Translate a failure for the client; nothing of Kiro's own body is in it."""
    policy = POLICIES[failure.fault]
    message = policy.message
    if failure.fault is Fault.CONTEXT_OVERFLOW and failure.tokens is not None and failure.limit is not None:
        # Claude Code compacts a conversation when it reads exactly this.
        message = f"prompt is too long: {failure.tokens} tokens > {failure.limit} maximum"
    elif failure.fault is Fault.BAD_REQUEST and failure.reason:
        words = next((words for start, words in _MEDIA if failure.reason.startswith(start)), message)
        message = f"{words.rstrip('.')} ({failure.reason})."
    retry_after = policy.retry_after if failure.retry_after is None else failure.retry_after
    if policy.status < 429:  # noqa: PLR2004 - waiting does not mend what the client asked
        retry_after = None
    elif retry_after is not None:
        message = f"{message} {_when(retry_after)}"
    hopeless = failure.fault in _LASTING if retry_after is None else retry_after > LONGEST_WAIT_OBEYED
    return ClientError(policy.status, policy.error_type, message, retry_after, hopeless)


def whole_seconds(wait: float) -> int:
    """A wait as it is told: never shorter than it is, and never none."""
    return max(1, math.ceil(wait))


def _when(seconds: float) -> str:
    if seconds > _LONGEST_WAIT_WORTH_TELLING:
        return f"It comes back in {round(seconds / 86400)} days."
    if seconds > 5400:  # noqa: PLR2004 - an hour and a half reads better as hours
        return f"It comes back in {round(seconds / 3600)} hours."
    return f"Try again in {whole_seconds(seconds)} seconds."

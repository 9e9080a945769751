"""Every way in which getting a reply can fail, a sentence each.

What follows from a fault (who tries again, what the credential suffers, what the client sees) stands in one table:
`kiro_trio.session.plan.POLICIES`. How Kiro's words become a fault stands in `kiro_trio.kiro.faults`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kiro_trio.conversation.reply import ReplyEvent


class Fault(Enum):
    """Why an attempt, or the whole request, did not bring a whole reply."""

    # The way to Kiro
    CONNECT_FAILED = "no connection to Kiro could be opened"
    PROXY_FAILED = "the proxy on the way to Kiro refused or failed"
    TLS_FAILED = "the TLS handshake with Kiro failed"
    CONNECTION_LOST = "the connection to Kiro broke before the reply was whole"
    FIRST_BYTE_TIMEOUT = "Kiro did not begin to answer in time"
    IDLE_TIMEOUT = "Kiro fell silent in the middle of its reply"

    # A reply that is not whole, or not a reply
    NOT_AN_EVENT_STREAM = "Kiro answered 200 with something else than an event stream"
    CORRUPT_STREAM = "a frame of Kiro's event stream is damaged"
    TRUNCATED_STREAM = "Kiro's event stream ended inside a frame or without its closing events"
    EMPTY_REPLY = "Kiro's reply has not a word and not a tool call"
    TOOL_CALL_INCOMPLETE = "Kiro's reply ended inside the input of a tool call"
    MALFORMED_OUTPUT = "Kiro says that the model's output was malformed"

    # What we asked is wrong
    CONTEXT_OVERFLOW = "the prompt is longer than the model's context window"
    BAD_REQUEST = "Kiro calls the request malformed"
    TOOLS_REFUSED = "Kiro does not accept the definition of a tool"
    EFFORT_REFUSED = "the model does not take native thinking effort"
    MODEL_UNKNOWN = "Kiro does not have this model, or not for this account"

    # Too much, too fast
    THROTTLED = "Kiro asks this account to slow down"
    MODEL_CAPACITY = "the model has no free capacity now"
    DAILY_QUOTA = "the account's requests of the day are spent"
    MONTHLY_QUOTA = "the account's credits of the month are spent"

    # Who we are
    TOKEN_REFUSED = "Kiro does not accept the access token"  # noqa: S105
    PROFILE_REFUSED = "Kiro wants another profile ARN, or none"
    ACCESS_DENIED = "the account may not make this call"
    SEARCH_REFUSED = "the account may not search the web"
    SUSPENDED = "the account is suspended"
    RENEWAL_FAILED = "the access token could not be renewed this time"
    RENEWAL_REFUSED = "the refresh token is no longer valid"

    # Kiro is unwell
    SERVER_ERROR = "Kiro had an internal error"
    UNAVAILABLE = "Kiro is overloaded or down"
    UNEXPECTED_STATUS = "Kiro answered with a status that we do not know"

    # On our side
    NO_CREDENTIAL = "no account can take the request now"
    QUEUE_FULL = "too many requests are waiting for an account"
    DEADLINE = "all tries together took too long"
    SHUTTING_DOWN = "the gateway is being stopped"
    CLIENT_GONE = "the client left before the reply was whole"
    CANCELLED_BY_OWNER = "the owner of the gateway cancelled the request"
    INTERNAL = "a bug of the gateway"


@dataclass(frozen=True, slots=True)
class Failure:
    """One fault as it happened.

    `detail` is for the log and the owner: it never holds a secret nor a body of Kiro's. `retry_after` is in
    seconds, as Kiro said it or as we know it. `status` is Kiro's HTTP status, `reason` its own word for the cause
    (such as `MONTHLY_REQUEST_COUNT`). `tokens` and `limit` are set for `CONTEXT_OVERFLOW` as far as they are known.
    """

    fault: Fault
    detail: str = ""
    retry_after: float | None = None
    status: int | None = None
    reason: str | None = None
    tokens: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended: `failure` is None when the reply is whole.

    `unsaid` is what came in one read with the failure, before it. It is worth saying only to a client that has heard
    the beginning; for any other the reply can still be had whole from somewhere else.
    """

    failure: Failure | None = None
    unsaid: Sequence[ReplyEvent] = ()

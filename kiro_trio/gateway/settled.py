"""What is kept of a request when it is over: for the log, the metrics and the owner. Never a word of it."""

import hashlib
from typing import Any

import msgspec
import trio

from kiro_trio.conversation.faults import Fault
from kiro_trio.conversation.reply import Usage
from kiro_trio.gateway.live import LiveRequest
from kiro_trio.session.run import AttemptRecord, Outcome
from kiro_trio.telemetry import redact

CLIENT_CLOSED_REQUEST = 499
"""nginx's number for a client that left before it had its answer; it is never sent."""

WHOLE = "whole"
"""The outcome of a request whose client has the whole reply; others are named after their fault."""


class SettledAttempt(msgspec.Struct, frozen=True, rename="camel"):
    """One try. `outcome` is `whole` or a fault's name; `status` and `reason` are Kiro's, `seconds` how long it took."""

    credential: int
    seconds: float
    outcome: str
    status: int | None = None
    reason: str | None = None
    detail: str = ""


class SettledRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A request that is over. `at` is epoch seconds of its beginning, durations are in seconds.

    `status` is what the client saw, or 499 when it left. `outcome` is `whole` or a fault's name. Tokens and credits
    are None where Kiro did not say; `measured` tells whether `output_tokens` is Kiro's number or our estimate.
    `session` is the digest of the client's session, "" if the client did not name one.
    """

    id: str
    at: float
    client: str
    model: str
    stream: bool
    status: int
    outcome: str
    seconds: float
    first_content: float | None
    bytes: int
    pings: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    credits: float | None
    measured: bool
    estimate: int
    prefix_hash: str
    attempts: tuple[SettledAttempt, ...]
    session: str = ""

    @property
    def credential(self) -> int | None:
        """The account of the last try."""
        return self.attempts[-1].credential if self.attempts else None

    def line(self) -> dict[str, Any]:
        """The request as its line in the log shows it, without what the line's context has already."""
        line: dict[str, Any] = msgspec.structs.asdict(self)
        for name in ("id", "at", "client", "model", "stream", "measured", "session"):
            del line[name]
        line["attempts"] = [_brief(attempt) for attempt in self.attempts]
        return line


def settle(request: LiveRequest, outcome: Outcome) -> SettledRequest:
    """Write down how a request went; called once, when nothing of it runs any more."""
    outbox, usage = request.outbox, outcome.usage or Usage()
    gone = outcome.failure is not None and outcome.failure.fault is Fault.CLIENT_GONE
    status = None if gone or outbox is None else outbox.status
    return SettledRequest(
        id=request.id,
        at=request.at,
        client=request.client,
        model=request.model,
        stream=request.stream,
        status=CLIENT_CLOSED_REQUEST if status is None else status,
        outcome=WHOLE if outcome.failure is None else name_of(outcome.failure.fault),
        seconds=round(trio.current_time() - request.started, 3),
        first_content=None if outcome.first_content is None else round(outcome.first_content, 3),
        bytes=outbox.bytes_sent if outbox else 0,
        pings=outbox.pings if outbox else 0,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens if outcome.usage else None,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        credits=usage.credits,
        measured=usage.measured,
        estimate=request.estimate,
        prefix_hash=request.prefix_hash,
        attempts=tuple(_settled(attempt) for attempt in outcome.attempts),
        session=session_digest(request.conversation),
    )


def session_digest(conversation: str) -> str:
    """What is kept of a conversation's name: enough to find it again for whoever knows the name; "" for none."""
    return hashlib.sha256(conversation.encode()).hexdigest()[:32] if conversation else ""


def name_of(fault: Fault | None) -> str:
    """A fault as metrics, logs and the owner's page call it."""
    return WHOLE if fault is None else fault.name.lower()


def _settled(attempt: AttemptRecord) -> SettledAttempt:
    seconds, failure = round(attempt.seconds, 3), attempt.failure
    if failure is None:
        return SettledAttempt(attempt.credential_id, seconds, WHOLE)
    return SettledAttempt(
        credential=attempt.credential_id,
        seconds=seconds,
        outcome=name_of(failure.fault),
        status=failure.status,
        reason=None if failure.reason is None else redact(failure.reason)[:100],
        detail=redact(failure.detail)[:500],
    )


def _brief(attempt: SettledAttempt) -> dict[str, Any]:
    told = msgspec.structs.asdict(attempt)
    return {name: value for name, value in told.items() if value not in (None, "")}

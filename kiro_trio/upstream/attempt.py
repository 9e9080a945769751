"""Attempt: one try to get a reply from Kiro, in a nursery of its own.

```
attempt nursery
├── decode     socket → frames → reply events → the session, everything that one read brought in one go
└── watchdog   first-byte and idle limits; its clock runs only while we wait for Kiro
```

Whatever goes wrong, an attempt ends in a value, `Ended(failure)`. Cancelling it closes the socket at once.
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import uuid4

import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.reply import ReplyEvent
from kiro_trio.credentials.calls import Wire
from kiro_trio.credentials.credential import Lease
from kiro_trio.kiro.endpoint import Caller, Versions, chat_call
from kiro_trio.kiro.faults import classify
from kiro_trio.kiro.request import KiroRequest
from kiro_trio.kiro.response import ReplyReader
from kiro_trio.upstream.errors import UpstreamError
from kiro_trio.upstream.http1 import Http1Client, Response
from kiro_trio.upstream.small_calls import as_failure
from kiro_trio.wire import EventStreamDecoder, WireError

EVENT_STREAM = "application/vnd.amazon.eventstream"

# What Kiro says of an error is a few hundred bytes; a proxy's error page is not worth more than this.
ERROR_BODY_LIMIT = 64 * 1024

# When the client's limits have ended a reply, Kiro goes on talking, and counts only at the end. For so many seconds its
# counts are worth waiting for; then we hang up and say what we know: our own estimates, and nothing of credits.
_AFTERMATH = 1.5

Deliver = Callable[[Sequence[ReplyEvent]], Awaitable[None]]


class Witness(Protocol):
    """Somebody who is told what goes over the wire, as it does; whatever it does, it does at once."""

    def said(self, endpoint: str, body: bytes) -> None:
        """Kiro is asked."""

    def answered(self, status: int, headers: Mapping[str, str], *, framed: bool) -> None:
        """The head of the answer is there."""

    def heard(self, data: bytes) -> None:
        """Some of the answer's body has come."""

    def ended(self, ending: Literal["whole", "broken"]) -> None:
        """The answer's body, or the connection, has ended; not said when it is we who leave."""


def caller_of(lease: Lease, versions: Versions) -> Caller:
    """Return who calls when this lease is used."""
    return Caller(
        region=lease.api_region,
        auth_region=lease.auth_region,
        token=lease.access_token,
        api_key=lease.api_key,
        profile_arn=lease.profile_arn,
        machine_id=lease.machine_id,
        versions=versions,
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an attempt waits for Kiro, in seconds. There is no limit on a whole stream."""

    first_byte: float = 300.0
    idle: float = 300.0


def _forget(_what: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes attempts: the callable that `kiro_trio.session.run.Session` is given.

    `wall` tells the time of day in epoch seconds.
    """

    client: Http1Client
    wire: Wire
    limits: Limits
    max_message_size: int
    wall: Callable[[], float]
    closers: set[tuple[str, str]] = field(default_factory=set)
    """(endpoint, model) whose replies have been seen to end with Kiro's closing events: one that does not was cut.

    Whether they all do is not known, so none is blamed before it has shown that it does.
    Source: docs/wire.md, "Open questions".
    """
    note_unknown: Callable[[Counter[str]], None] = _forget
    """Told the names of what a reply held that we do not know, and how often it came; never a value."""
    note_origin: Callable[[str], None] = _forget
    """Told the origin of every body that is sent: the next request is made ready for it."""
    witness: Witness | None = None

    async def __call__(self, request: KiroRequest, lease: Lease, deliver: Deliver, patience: float) -> Ended:
        """Make one try; see `kiro_trio.session.run.Attempt`. Never raises for what Kiro or the network do."""
        return await _Attempt(self, request, lease, deliver, patience).run()


class _Attempt:
    def __init__(
        self, house: Attempts, request: KiroRequest, lease: Lease, deliver: Deliver, patience: float
    ) -> None:
        self._house = house
        self._request = request
        self._lease = lease
        self._deliver = deliver
        self._witness = house.witness
        self._limit = min(house.limits.first_byte, patience)
        self._overdue = Fault.FIRST_BYTE_TIMEOUT
        self._leave_at = math.inf
        # Since when we have been waiting for Kiro; infinity while it is the client that we wait for.
        self._waiting_since = trio.current_time()

    async def run(self) -> Ended:
        ended: list[Ended] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watchdog, nursery.cancel_scope)
            ended.append(await self._decode())
            nursery.cancel_scope.cancel(reason="the attempt is over")
        return ended[0] if ended else Ended(Failure(self._overdue, f"nothing for {self._limit:g} s"))

    async def _watchdog(self, scope: trio.CancelScope) -> None:
        while True:
            now = trio.current_time()
            due = self._waiting_since + self._limit
            if due <= now:
                scope.cancel(reason=self._overdue.value)
                return
            # While the client keeps us waiting there is nothing due. And whatever becomes due from now on, by the limit that
            # holds after the first byte, which may be shorter, is not due before another look.
            await trio.sleep_until(min(due, now + min(self._limit, self._house.limits.idle)))

    async def _decode(self) -> Ended:
        try:
            async with await self._open() as response:
                if self._witness is not None:
                    self._witness.answered(response.status, response.headers, framed=response.framed)
                if response.status != 200:  # noqa: PLR2004
                    body = await response.read_limited(ERROR_BODY_LIMIT)
                    self._note_all(body)
                    return Ended(classify(response.status, response.headers, body, now=self._house.wall()))
                content_type = (
                    response.headers.get("content-type", EVENT_STREAM).partition(";")[0].strip().lower()
                )
                if content_type != EVENT_STREAM:
                    return Ended(
                        Failure(Fault.NOT_AN_EVENT_STREAM, f"content-type {content_type[:80]}", status=200)
                    )
                return await self._read(response)
        except UpstreamError as error:
            if self._witness is not None:
                self._witness.ended("broken")
            return Ended(as_failure(error))

    def _note_all(self, body: bytes) -> None:
        if self._witness is not None:
            self._witness.heard(body)
            self._witness.ended("whole")

    async def _open(self) -> Response:
        lease, wire = self._lease, self._house.wire
        caller = caller_of(lease, wire.versions)
        call = chat_call(wire.presets[lease.endpoint], caller, str(uuid4()), wire.base)
        self._house.note_origin(call.origin)
        body = self._request.body(
            origin=call.origin,
            agent_fields=call.agent_fields,
            profile_arn=lease.profile_arn if call.arn_in_body else None,
        )
        if self._witness is not None:
            self._witness.said(lease.endpoint, body)
        return await self._house.client.request(call.method, call.url, call.headers, body, proxy=lease.proxy)

    async def _read(self, response: Response) -> Ended:
        """Read the reply to its end, and deliver it as it comes."""
        request = self._request
        decoder = EventStreamDecoder(max_message_size=self._house.max_message_size)
        reader = ReplyReader(
            model_id=request.model_id,
            window=request.window,
            tool_names=request.tool_names,
            thinking_tags=request.thinking_tags,
            max_tokens=request.max_tokens,
            stop_sequences=request.stop_sequences,
            bare_json=request.bare_json,
        )
        try:
            return await self._read_all(response, decoder, reader)
        finally:
            if reader.unknown:
                self._house.note_unknown(reader.unknown)

    async def _read_all(self, response: Response, decoder: EventStreamDecoder, reader: ReplyReader) -> Ended:
        now, limits = trio.lowlevel.current_clock().current_time, self._house.limits
        while data := await (
            response.receive_some() if self._leave_at == math.inf else self._aftermath(response)
        ):
            self._waiting_since = math.inf
            if self._witness is not None:
                self._witness.heard(data)
            decoder.receive_data(data)
            events = reader.read(
                decoder.messages()
            )  # good messages first; damage becomes the reader's failure
            if reader.failure is not None and not reader.cut:
                return Ended(reader.failure, events)
            if events:
                await self._deliver(events)
            if reader.cut:
                if reader.failure is not None:
                    break
                self._leave_at = min(self._leave_at, now() + _AFTERMATH)
            self._limit, self._overdue = limits.idle, Fault.IDLE_TIMEOUT
            self._waiting_since = now()
        return await self._close(response, decoder, reader)

    async def _aftermath(self, response: Response) -> bytes:
        """What one read brings; b"" at the end, or when it is time to leave."""
        with trio.move_on_at(self._leave_at), suppress(UpstreamError):  # a break now costs nobody anything
            return await response.receive_some()
        return b""

    async def _close(self, response: Response, decoder: EventStreamDecoder, reader: ReplyReader) -> Ended:
        self._waiting_since = math.inf
        if reader.cut:
            await self._deliver(reader.close())
            return Ended()
        if self._witness is not None:
            self._witness.ended("whole")
        try:
            decoder.close()
        except WireError as error:
            return Ended(Failure(Fault.TRUNCATED_STREAM, str(error)))
        kind = (self._lease.endpoint, self._request.model_id)
        if reader.saw_ending:
            self._house.closers.add(kind)
        elif not response.framed or (kind in self._house.closers and not reader.within_long_call):
            # A body that only the connection's end ends looks the same when it is cut at a frame's edge, and so does
            # one whose sender was cut off himself. But a long tool call is cut off by Kiro, and has no closing events.
            return Ended(Failure(Fault.TRUNCATED_STREAM, "ended without Kiro's closing events"))
        events = reader.close()
        if reader.failure is not None:
            return Ended(reader.failure, events)
        await self._deliver(events)
        return Ended()

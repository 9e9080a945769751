"""hypercorn's HTTP/1.1 towards clients, without HTTP/2, with error answers that say something, and with fewer writes."""

from dataclasses import dataclass
from secrets import token_hex

import h11
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import MAX_RECV
from hypercorn.typing import H11SendableEvent

from kiro_trio.dialects.anthropic.errors import error_body
from kiro_trio.web.config import GatewayConfig

_CHUNKED = b"\r\nTransfer-Encoding: chunked\r\n"  # as h11 writes it


@dataclass(frozen=True)
class Awaiting(Updated):
    """A request has begun, and the rest of it has to come within `limit` seconds."""

    limit: float


class Http1Protocol(H11Protocol):
    """HTTP/1 only, with error answers that have a body.

    With `fast_path` the head of a response waits for the first of its body, so that both are one write, and chunks are
    framed here: h11 takes 4 us for each to join three strings, and keeps no account of chunks.
    """

    config: GatewayConfig  # type: ignore[mutable-override]  # we are given ours
    _head = b""  # of a response whose body has not begun
    _chunked = False

    async def stream_send(self, event: StreamEvent) -> None:
        """Send a part of a response."""
        if not self.config.fast_path:
            await super().stream_send(event)
        elif type(event) is Body and self._chunked and event.data:  # an empty chunk would be the end
            data = b"%b%x\r\n%b\r\n" % (self._head, len(event.data), event.data)
            self._head = b""
            await self.send(RawData(data))
        else:
            await super().stream_send(event)

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        if self.config.fast_path and type(event) is h11.Response:
            self._head, self._chunked = data, _CHUNKED in data
        elif data := self._head + data:
            self._head = b""
            await self.send(RawData(data))

    async def handle(self, event: Event) -> None:
        """Handle bytes or the close of the connection."""
        try:
            await super().handle(event)
        except _Http2Refused:
            await self._send_error_response(505)
            await self.send(Closed())

    @property
    def appetite(self) -> int:
        """The most bytes to be read at once."""
        return MAX_RECV

    async def expire(self) -> None:
        """The client was silent for too long."""
        await self.handle(Closed())

    async def _check_protocol(self, event: h11.Request) -> None:
        # An `upgrade: h2c` is simply not taken; the preface of HTTP/2 with prior knowledge cannot be served.
        if event.method == b"PRI":
            raise _Http2Refused

    async def _send_error_response(self, status_code: int) -> None:
        request_id = f"req_{token_hex(12)}"
        body = error_body(
            "invalid_request_error", f"not a request that this server understands ({status_code})", request_id
        )
        headers = [
            (b"request-id", request_id.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self._send_h11_event(
            h11.Response(status_code=status_code, headers=[*headers, *self.config.response_headers("h11")])
        )
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())


class _Http2Refused(Exception):
    """A client speaks HTTP/2 to a server that does not."""

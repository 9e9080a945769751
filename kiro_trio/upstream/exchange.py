"""One request and the head of its response, on one connection.

Plain heads are written and read by hand (`kiro_trio.wire.http_heads`); h11 is asked for all others, and for every body but
a chunked one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import h11
import trio

from kiro_trio.upstream.body import Body, body_of, is_framed
from kiro_trio.upstream.chunked import ChunkedDecoder
from kiro_trio.upstream.errors import ConnectionLost, MalformedRequest, MalformedResponse, explain
from kiro_trio.upstream.origin import Origin
from kiro_trio.upstream.sockets import Reader, write_at_once
from kiro_trio.wire.http_heads import read_response_head, write_request_head

MAX_HEAD = 65536
"""Bytes of a response's head; node allows 80 KiB, Apache 8 per line."""

_MAX_INTERIM = 16  # 1xx responses before the real one: there are servers that send 102 every few seconds
_UNWATCHED = 16384  # fits into the buffers of the two kernels: sending it never waits for the server to read
_FIRST_REFUSAL = 300  # statuses from here on say that the rest of the body is not wanted
_WITH_BODY = ("POST", "PUT", "PATCH")
_PLAIN = ("GET", "POST")
_OURS = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as we were asked to send it; neither headers nor body show in its repr."""

    origin: Origin
    method: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def build(
        cls, origin: Origin, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> "Request":
        """Complete the headers with `Host` (unless given) and the length of the body."""
        ours = [(name, value) for name, value in headers if name.lower() not in _OURS]
        if not any(name.lower() == "host" for name, _ in ours):
            ours.insert(0, ("Host", origin.host_header))
        if body or method in _WITH_BODY:
            ours.append(("Content-Length", str(len(body))))
        return cls(origin, method, target, tuple(ours), body)

    @property
    def is_plain(self) -> bool:
        """Whether its head may be written by hand: a GET or a POST that says nothing of the connection."""
        return self.method in _PLAIN and not any(name.lower() == "connection" for name, _ in self.headers)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a final response, and what reads its body.

    `headers` have names in lower case; fields that came several times are joined by `, `. `framed` tells whether the
    body says itself where it ends; else it lasts until the connection is closed. `http` is None where h11 was not needed.
    """

    status: int
    headers: dict[str, str] = field(repr=False)
    framed: bool
    body: Body
    http: h11.Connection | None

    def may_keep_alive(self) -> bool:
        """Whether the connection may be used again, once request and body are whole."""
        # h11 leaves DONE when either side said `Connection: close`, or the server speaks HTTP/1.0. Who sends both a
        # length and chunks may be smuggling: such a body is read by its chunks, and its connection not used again.
        if self.http is None:
            return True
        both = "transfer-encoding" in self.headers and "content-length" in self.headers
        return self.http.our_state is h11.DONE and not both


class Exchange:
    """Sends one request on one connection and reads up to the end of the response's head.

    It is made before there is a connection, so that a request that cannot be sent opens none. `by_hand` False leaves
    every head and every body to h11.

    Raises:
        MalformedRequest: On construction.
    """

    def __init__(self, request: Request, *, by_hand: bool) -> None:
        self.request = request
        self.heard = False
        """Whether a byte of a response has arrived: from then on the server may have acted on the request."""
        self.sent = False
        """Whether the whole request has been written."""
        self._http: h11.Connection | None = None
        self._by_hand = by_hand
        self._plain = by_hand and request.is_plain
        written = write_request_head(request.method, request.target, request.headers) if self._plain else None
        if written is None:
            self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
            self._wire = _encode(self._http, request)
        else:
            self._wire = written + request.body
        self._send_error: BaseException | None = None

    async def head(self, stream: trio.abc.Stream, reader: Reader) -> Head:
        """Send the request on `stream` and return the head of the final response, which `reader` reads there.

        While a body is being sent, the answer is awaited at the same time: whoever refuses it (400, 413) closes the
        connection with most of it unread, and would else be met as a broken pipe. After such a refusal the rest is
        not sent, and the connection cannot be used again.

        Cancellation may come at any point; the connection is then of no further use, and still open.

        Raises:
            ConnectionLost: The connection ended or broke before the head was complete.
            MalformedResponse: That is not the head of an HTTP/1.1 response, or it is too long.
        """
        if len(self._wire) <= _UNWATCHED:
            await self._send(stream)
            return await self._read_head(reader)
        outcome: Head | ConnectionLost
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send, stream)
            try:
                outcome = await self._read_head(reader)
            except (
                ConnectionLost
            ) as error:  # it must not leave the nursery, where it would be wrapped in a group
                outcome = error
            if isinstance(outcome, ConnectionLost) or outcome.status >= _FIRST_REFUSAL:
                nursery.cancel_scope.cancel(reason="the server does not want the rest")
        if isinstance(outcome, ConnectionLost):
            raise outcome
        return outcome

    async def _send(self, stream: trio.abc.Stream) -> None:
        try:
            rest = write_at_once(stream, self._wire) if self._by_hand else self._wire
            if rest:
                await stream.send_all(rest)
        except trio.BrokenResourceError as error:
            self._send_error = error  # the answer may be there all the same: the reader will see
        else:
            self.sent = True
        self._wire = b""

    async def _read_head(self, reader: Reader) -> Head:
        arrived = await self._receive(reader)
        self.heard = True
        if self._plain and (plain := read_response_head(arrived)):
            body = ChunkedDecoder()
            if rest := arrived[plain.size :]:
                body.receive_data(rest)
            return Head(plain.status, plain.headers, framed=True, body=body, http=None)
        http = self._http or _parser(self.request)
        http.receive_data(arrived)
        interim = 0
        while True:
            event = self._next_event(http)
            if isinstance(event, h11.Response):
                method = self.request.method
                body_reader = body_of(method, event, http, by_hand=self._by_hand)
                return Head(event.status_code, _fields(event), is_framed(method, event), body_reader, http)
            if event is h11.NEED_DATA:
                http.receive_data(await self._receive(reader))
            else:
                interim += 1
                if interim > _MAX_INTERIM:
                    raise MalformedResponse(f"{self._place}: one interim response after another")

    def _next_event(self, http: h11.Connection) -> object:
        try:
            return http.next_event()
        except h11.RemoteProtocolError:  # its text shows what was received
            pass
        raise MalformedResponse(
            f"{self._place}: the answer is not HTTP/1.1, or its head exceeds {MAX_HEAD} bytes"
        )

    async def _receive(self, reader: Reader) -> bytes:
        try:
            data = await reader.receive_some()
        except trio.BrokenResourceError as error:
            raise ConnectionLost(f"{self._place}: broke before it answered: {explain(error)}") from error
        if not data:
            broken = self._send_error
            why = f" while we were sending: {explain(broken)}" if broken else ""
            raise ConnectionLost(f"{self._place}: closed before it answered{why}") from broken
        return data

    @property
    def _place(self) -> str:
        return self.request.origin.display


def _parser(request: Request) -> h11.Connection:
    """h11 as it stands when the request has been sent, for an answer that is not plain."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    _encode(http, request)
    return http


def _fields(head: h11.Response) -> dict[str, str]:
    fields: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _encode(http: h11.Connection, request: Request) -> bytes:
    try:
        head = http.send(
            h11.Request(method=request.method, target=request.target, headers=list(request.headers))
        )
        return b"".join((head, http.send(h11.Data(data=request.body)), http.send(h11.EndOfMessage())))
    except (h11.LocalProtocolError, UnicodeError):  # their texts show the value, which may be a token
        pass
    raise malformed(request)


def malformed(request: Request) -> MalformedRequest:
    """Say of a request that could not be written which part of it is at fault, without showing that part."""
    culprit = next((f"header {name!r}" for name, value in request.headers if not _allowed(name, value)), None)
    return MalformedRequest(
        f"{request.origin.display}: {culprit or 'method or target'} cannot be sent as HTTP/1.1"
    )


def _allowed(name: str, value: str) -> bool:
    try:
        h11.Request(
            method="GET", target="/", headers=[("Host", "h"), (name, value)][name.lower() == "host" :]
        )
    except (h11.LocalProtocolError, UnicodeError):
        return False
    return True

"""Where a response's body ends, and what decodes it, sans-IO."""

from typing import Protocol

import h11

from kiro_trio.upstream.chunked import BodyError, BodyTruncated, ChunkedDecoder

_BODILESS = (204, 304)


class Body(Protocol):
    """The body of one response: `ChunkedDecoder`, or h11 for all other bodies."""

    @property
    def done(self) -> bool:
        """Whether the body is complete."""

    @property
    def unused(self) -> bytes:
        """What was received behind the end of the body."""

    def receive_data(self, data: bytes) -> None:
        """Take in bytes, `b""` for the end of the connection."""

    def read(self) -> bytes:
        """Return all that has arrived and was not yet returned; raises `BodyError` after it."""


def is_framed(method: str, response: h11.Response) -> bool:
    """Whether the body has an end of its own, by length or chunks, instead of lasting until the connection closes."""
    return _has_no_body(method, response) or any(
        name in {b"content-length", b"transfer-encoding"} for name, _ in response.headers
    )


def body_of(method: str, response: h11.Response, http: h11.Connection, *, by_hand: bool) -> Body:
    """Choose the decoder of a response's body.

    Args:
        method: The request's.
        response: The head.
        http: The parser that has just returned the head; it may have received more than that.
        by_hand: Decode chunks with `ChunkedDecoder`; False leaves every body to h11.
    """
    # h11 has refused every transfer coding but `chunked` by now.
    chunked = any(name == b"transfer-encoding" for name, _ in response.headers)
    if not (by_hand and chunked) or _has_no_body(method, response):
        return _H11Body(http)
    body = ChunkedDecoder()
    if arrived := http.trailing_data[0]:
        body.receive_data(arrived)
    return body


def _has_no_body(method: str, response: h11.Response) -> bool:
    return method == "HEAD" or response.status_code in _BODILESS


class _H11Body:
    def __init__(self, http: h11.Connection) -> None:
        self.done = False
        self._http = http
        self._error: BodyError | None = None

    @property
    def unused(self) -> bytes:
        return self._http.trailing_data[0] if self.done else b""

    def receive_data(self, data: bytes) -> None:
        self._http.receive_data(data)

    def read(self) -> bytes:
        pieces: list[bytes] = []
        while not (self.done or self._error):
            event = self._next()
            if isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
            elif event is h11.NEED_DATA:
                break
            elif event is not None:
                self.done = True
        if self._error is not None and not pieces:
            raise self._error
        return b"".join(pieces)

    def _next(self) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError:  # its text shows what was received: say it in our words
            ended = self._http.trailing_data[1]
        self._error = (
            BodyTruncated("the connection ended inside the body") if ended else BodyError("malformed body")
        )
        return None

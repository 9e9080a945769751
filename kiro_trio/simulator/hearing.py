"""Requests off a stream: h11 parses, one parser per request, and what came too much is kept for the next."""

import h11
import trio

from kiro_trio.simulator.endpoints import Request

RECEIVE = 64 * 1024
MAX_HEAD = 64 * 1024
MAX_AHEAD = 1024 * 1024
"""So much is kept of what a client sends while it is being answered; then its close is no longer watched for."""
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Hearing:
    """The listening side of one connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._ahead = b""

    async def request(self, idle_limit: float | None) -> Request | None:
        """The next request, whole.

        None when the client has closed, was idle for `idle_limit` seconds, or makes no sense (it is told so).

        Raises:
            trio.BrokenResourceError: the connection broke.
        """
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        if not self._ahead:
            with trio.move_on_after(float("inf") if idle_limit is None else idle_limit):
                self._ahead = bytes(await self._stream.receive_some(RECEIVE))
        if not self._ahead:
            return None
        parser.receive_data(self._ahead)
        try:
            return await self._parse(parser)
        except h11.RemoteProtocolError:
            await self._stream.send_all(_BAD_REQUEST)
            return None

    async def until_closed(self) -> bool:
        """Return True once the client has closed; what it sends before is kept for the next request."""
        while len(self._ahead) < MAX_AHEAD:
            try:
                data = bytes(await self._stream.receive_some(RECEIVE))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return True
            if not data:
                return True
            self._ahead += data
        return False

    async def _parse(self, parser: h11.Connection) -> Request | None:
        head: h11.Request | None = None
        body: list[bytes] = []
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                if head is not None and parser.they_are_waiting_for_100_continue:
                    go_on = parser.send(h11.InformationalResponse(status_code=100, headers=[]))
                    await self._stream.send_all(go_on or b"")
                parser.receive_data(bytes(await self._stream.receive_some(RECEIVE)))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                self._ahead = parser.trailing_data[0]
                return _request(head, b"".join(body))
            else:
                return None


def _request(head: h11.Request, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Request(
        head.method.decode("ascii"),
        head.target.decode("latin-1"),
        headers,
        body,
        http_1_0=head.http_version == b"1.0",
    )

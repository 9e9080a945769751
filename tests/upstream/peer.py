"""A scriptable server that is as raw as TCP: it says what a test tells it, when it is told."""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial, wraps
from typing import Any

import trio
import trio.testing
import trustme

Handler = Callable[["Line"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Line:
    """The server's end of one connection."""

    def __init__(self, stream: trio.abc.Stream, number: int) -> None:
        self.stream = stream
        self.number = number
        self._received = b""

    async def request(self) -> tuple[bytes, bytes]:
        """Read one request whole: its head, without the empty line, and its body. The head is empty at the end."""
        head = await self._until(b"\r\n\r\n")
        length = next(
            (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0"
        )
        return head, await self._exactly(int(length))

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            await self.stream.send_all(piece)

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        with suppress(trio.BrokenResourceError):
            while await self.stream.receive_some():
                pass

    async def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            data = await self.stream.receive_some()
            if not data:
                return b""
            self._received += data
        head, _, self._received = self._received.partition(mark)
        return head

    async def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._received += await self.stream.receive_some() or b"\0" * size
        body, self._received = self._received[:size], self._received[size:]
        return body


@dataclass
class Peer:
    host: str
    port: int
    scheme: str
    heads: list[bytes] = field(default_factory=list)
    accepted: int = 0
    open: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/"


@asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Serve every connection with `handler`; it is closed when the handler returns."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    peer = Peer("localhost" if context else "127.0.0.1", port, "https" if context else "http")

    async def serve(stream: trio.abc.Stream) -> None:
        peer.accepted += 1
        peer.open += 1
        try:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                if context:
                    stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
                await handler(Line(stream, peer.accepted))
        finally:
            peer.open -= 1
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, [listener])
        yield peer
        nursery.cancel_scope.cancel()


def answering(*responses: bytes) -> Handler:
    """Answer each request of a connection with the next of the responses, for ever with the last one."""

    async def handler(line: Line) -> None:
        left = list(responses)
        while (await line.request())[0]:
            await line.say(left.pop(0) if len(left) > 1 else left[0])

    return handler


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert(*(names or ("localhost",))).configure_cert(context)
    return context


@cache
def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def virtual_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a coroutine function on a clock that jumps whenever everybody waits. Not for real sockets."""

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        trio.run(partial(test, *args, **kwargs), clock=trio.testing.MockClock(autojump_threshold=0))

    return run


async def settle(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds, at most ten seconds of real time: for what the kernel does in between."""
    with trio.move_on_after(10):
        while not condition():  # noqa: ASYNC110 - there is nobody who could set an event
            await trio.sleep(0.001)
    return condition()


def linger(line: Line) -> None:
    """Have the close of this connection send a reset."""
    stream: Any = line.stream
    while hasattr(stream, "transport_stream"):
        stream = stream.transport_stream
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

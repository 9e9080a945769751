"""The listening side: hypercorn's trio worker, made fit for long streams and bad peers.

What is mended here, and why it must be (each has a test in `tests/web/test_listener.py`):

- an exception of one connection would end the whole process: `GatewayTCPServer.run` lets none out;
- a client that does not read would hold its request, and SIGTERM, for ever: writes have a deadline, a stop cancels
  those that are stuck, and the kernel gives up on peers that acknowledge nothing;
- HTTP/2 has no back-pressure there and a bad request on it is fatal: it is refused unless the settings ask for it;
- protocol errors are answered with an empty body: here with Anthropic's error shape, like every other error.
"""

import logging
import math
import os
import socket
from collections.abc import Callable
from secrets import token_hex
from typing import ClassVar

import h11
import hypercorn.trio.run
import trio
from hypercorn.config import Config, Sockets
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.typing import ConnectionState, H11SendableEvent
from hypercorn.utils import parse_socket_addr

from kiro_trio.dialects.anthropic.errors import error_body

# Beyond what a write may take: the kernel is the second line, for peers that vanish without a FIN.
_USER_TIMEOUT_SLACK = 10.0

_CHUNKED = b"\r\nTransfer-Encoding: chunked\r\n"  # as h11 writes it


class GatewayConfig(Config):
    """hypercorn's configuration with our defaults."""

    # Claude Code keeps its connections; 5 s would make it reconnect for every turn.
    keep_alive_timeout = 75.0
    keep_alive_max_requests = 1_000_000
    h11_max_incomplete_size = 64 * 1024
    include_server_header = False
    backlog = 2048
    # hypercorn's read timeout counts while the client rightly says nothing, and would cut every stream.
    read_timeout: int | None = None
    errorlog: logging.Logger | str | None = logging.getLogger("hypercorn.error")
    accesslog: logging.Logger | str | None = None
    alpn_protocols = ["http/1.1"]  # noqa: RUF012 - hypercorn's own way to declare it

    send_timeout: float = 30.0
    """Seconds that a client may take to accept one write."""
    http2: bool = False
    fast_path: bool = True
    """Take the short cuts of this module."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.idle: set[trio.CancelScope] = set()
        """The scopes of connections without a request; cancelling one closes it."""

    async def until_stopped(self, shutdown: trio.Event) -> None:
        """Wait for `shutdown` and close what is idle, at once and later: hypercorn's shutdown trigger."""
        await shutdown.wait()
        self.stopping = True
        for scope in self.idle:
            scope.cancel(reason="the server is being stopped")

    def create_sockets(self) -> Sockets:
        """Bind as configured; accepted sockets inherit the user timeout."""
        sockets = super().create_sockets()
        milliseconds = int((self.send_timeout + _USER_TIMEOUT_SLACK) * 1000)
        for sock in (*sockets.insecure_sockets, *sockets.secure_sockets):
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return sockets


class Http1Protocol(H11Protocol):
    """HTTP/1 only, with error answers that have a body.

    With `fast_path` the head of a response waits for the first of its body, so that both are one write, and chunks are
    framed here: h11 takes 4 us for each to join three strings, and keeps no account of chunks.
    """

    config: "GatewayConfig"  # type: ignore[mutable-override]  # we are given ours
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


class GatewayTCPServer(TCPServer):
    """One client connection."""

    # The scopes of writes that are under way, over all connections: a stop cancels them.
    writing: ClassVar[set[trio.CancelScope]] = set()
    on_error: ClassVar[Callable[[BaseException], None]] = staticmethod(lambda _error: None)

    config: GatewayConfig  # type: ignore[mutable-override]  # we are given ours
    _reading: trio.CancelScope | None = None

    async def run(self) -> None:
        """Serve the connection to its end. No exception leaves, for it would reach the nursery of all connections."""
        try:
            plain = self._plain_socket()
            if plain is None or self.config.http2:
                await super().run()
            else:
                await self._run_http1(plain.socket)
        except Exception as error:  # noqa: BLE001 - see the docstring; groups of exceptions included
            type(self).on_error(error)
            await trio.aclose_forcefully(self.stream)
        except BaseExceptionGroup as group:
            cancelled, rest = group.split(trio.Cancelled)
            if rest is not None:
                type(self).on_error(rest)
            if cancelled is not None:
                raise cancelled from None

    def _plain_socket(self) -> trio.SocketStream | None:
        stream: object = self.stream  # hypercorn declares TLS only, and hands out either
        return stream if isinstance(stream, trio.SocketStream) else None

    async def _run_http1(self, sock: trio.socket.SocketType) -> None:
        try:
            client = parse_socket_addr(sock.family, sock.getpeername())
            server = parse_socket_addr(sock.family, sock.getsockname())
            async with TaskGroup() as task_group:
                self._task_group = task_group
                self.protocol = Http1Protocol(  # type: ignore[assignment]  # what the wrapper would wrap
                    self.app,
                    self.config,
                    self.context,
                    task_group,
                    ConnectionState(self.state),
                    False,  # noqa: FBT003 - hypercorn's positional `ssl`
                    client,
                    server,
                    self.protocol_send,
                )
                await self.protocol.initiate()
                if self.config.fast_path:
                    await self._read_until_idle()
                else:
                    await self.idle_task.restart(self._task_group, self._idle_timeout)
                    await self._read_data()
        except OSError:
            pass  # the peer went away
        finally:
            await self._close()

    async def _read_until_idle(self) -> None:
        """Read requests until the client leaves or is silent for too long.

        hypercorn starts a task for every pause between two requests, which costs as much as 100 events do; here a
        deadline is moved.
        """
        try:
            with trio.CancelScope() as reading:
                self._reading = reading
                self._note_idleness(reading, idle=True)
                await self._read_data()
            if reading.cancelled_caught:
                await self.protocol.handle(Closed())
        finally:
            self.config.idle.discard(reading)

    def _note_idleness(self, reading: trio.CancelScope, *, idle: bool) -> None:
        if not idle:
            self.config.idle.discard(reading)
            reading.deadline = math.inf
        elif self.config.stopping:
            reading.cancel(reason="the server is being stopped")
        else:
            self.config.idle.add(reading)
            reading.deadline = trio.current_time() + self.config.keep_alive_timeout

    async def protocol_send(self, event: Event) -> None:
        """Send bytes within the write deadline; whoever takes longer loses the connection.

        With `fast_path` a plain socket is written to directly first: nearly always it takes everything, and the lock,
        the shield and two passes through the scheduler (together a third of an event's cost) are not needed. Then this
        is no checkpoint; the reading side of every stream has one.
        """
        if isinstance(event, Updated) and self._reading is not None:
            self._note_idleness(self._reading, idle=event.idle)
            return
        if not isinstance(event, RawData):
            await super().protocol_send(event)
            return
        data: bytes | memoryview = event.data
        plain = self._writable_directly()
        if plain is not None:
            try:
                written = os.write(plain.socket.fileno(), data)
            except BlockingIOError:
                written = 0
            except OSError:
                await self.protocol.handle(Closed())
                return
            if written == len(data):
                return
            data = memoryview(data)[written:]
        if not await self._send_patiently(data):
            await self.protocol.handle(Closed())

    def _writable_directly(self) -> trio.SocketStream | None:
        # Nobody else may be in the middle of a write, and a closed socket has no descriptor (it may be another's now).
        if not self.config.fast_path or self.send_lock.locked():
            return None
        plain = self._plain_socket()
        return plain if plain is not None and plain.socket.fileno() >= 0 else None

    async def _send_patiently(self, data: bytes | memoryview) -> bool:
        """Wait for the client to take `data`; False if it is gone, or took too long and was cut off."""
        async with self.send_lock:
            # Shielded, for half a write would break the framing of what follows; bounded, for a client may never read.
            with trio.move_on_after(self.config.send_timeout, shield=True) as scope:
                self.writing.add(scope)
                try:
                    await self.stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return False
                finally:
                    self.writing.discard(scope)
        if scope.cancelled_caught:
            await trio.aclose_forcefully(self.stream)
            return False
        return True


class _Http2Refused(Exception):
    """A client speaks HTTP/2 to a server that does not."""


def install(
    on_error: Callable[[BaseException], None], server: type[GatewayTCPServer] = GatewayTCPServer
) -> None:
    """Make hypercorn's trio worker serve its connections with ours; `on_error` is told of bugs in serving one."""
    GatewayTCPServer.on_error = staticmethod(on_error)
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)  # where we listen is said on stdout, once
    setattr(hypercorn.trio.run, "TCPServer", server)  # noqa: B010 - it is not theirs to export


def cut_stuck_writes() -> None:
    """Cancel every write that a client is not taking; its connection is closed."""
    for scope in list(GatewayTCPServer.writing):
        scope.cancel(reason="the server is being stopped")

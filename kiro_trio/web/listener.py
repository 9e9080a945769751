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
from collections.abc import Callable
from typing import ClassVar

import hypercorn.trio.run
import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from kiro_trio.web.config import GatewayConfig
from kiro_trio.web.direct_http1 import DirectProtocol
from kiro_trio.web.http1 import Awaiting, Http1Protocol


class GatewayTCPServer(TCPServer):
    """One client connection."""

    # The scopes of writes that are under way, over all connections: a stop cancels them.
    writing: ClassVar[set[trio.CancelScope]] = set()
    on_error: ClassVar[Callable[[BaseException], None]] = staticmethod(lambda _error: None)

    config: GatewayConfig  # type: ignore[mutable-override]  # we are given ours
    _reading: trio.CancelScope | None = None
    _socket: trio.socket.SocketType | None = None
    """Where to write to directly, if that is how we write."""

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
        if self.config.fast_path:
            self._socket = sock
        try:
            client = parse_socket_addr(sock.family, sock.getpeername())
            server = parse_socket_addr(sock.family, sock.getsockname())
            async with TaskGroup() as task_group:
                self._task_group = task_group
                direct = self.config.fast_path and self.config.direct is not None
                protocol = DirectProtocol if direct else Http1Protocol
                self.protocol = protocol(  # type: ignore[assignment]  # what the wrapper would wrap
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
                self._note_idleness(reading, Updated(idle=True))
                await self._read_requests()
            if reading.cancelled_caught:
                await self.protocol.expire()  # type: ignore[attr-defined]  # see `_run_http1`
        finally:
            self._reading = None  # an answer may still end, and no longer makes anything idle
            self.config.idle.discard(reading)

    async def _read_requests(self) -> None:
        """As `_read_data`, without its timeout, which we never want, and whose scope costs as much as the read."""
        while True:
            try:
                most = self.protocol.appetite  # type: ignore[attr-defined]  # see `_run_http1`
                data = bytes(await self.stream.receive_some(most))
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                break
            await self.protocol.handle(RawData(data))
            if not data:
                break
            data = b""  # or it would be held for as long as the answer lasts
        await self.protocol.handle(Closed())

    def _note_idleness(self, reading: trio.CancelScope, event: Updated) -> None:
        if not event.idle:
            self.config.idle.discard(reading)
            limit = event.limit if isinstance(event, Awaiting) else math.inf
            reading.deadline = trio.current_time() + limit
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
        if not isinstance(event, RawData):
            if isinstance(event, Updated) and self._reading is not None:
                self._note_idleness(self._reading, event)
            else:
                await super().protocol_send(event)
            return
        data: bytes | memoryview = event.data
        sock = self._socket
        # Nobody else may be in the middle of a write, and a closed socket has no descriptor (it may be another's now).
        if sock is not None and not self.send_lock.locked() and (descriptor := sock.fileno()) >= 0:
            try:
                written = os.write(descriptor, data)
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

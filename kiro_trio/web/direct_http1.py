"""The short way of `kiro_trio.web.direct` on one connection: its requests, their answers, and everybody else's turn."""

import math
from collections.abc import Sequence

import h11
import structlog
import trio
from hypercorn.events import Closed, Event, RawData, Updated

from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.session.outbox import Headers
from kiro_trio.web.direct import Direct, Exchange
from kiro_trio.web.http1 import Awaiting, Http1Protocol
from kiro_trio.web.messages import Asker, Conduct, prepare
from kiro_trio.web.problems import BUG, LONGEST_WHY, TOO_SLOW, Problem
from kiro_trio.wire.http_heads import write_response_head

log = structlog.get_logger(__name__)

_LARGEST_READ = 512 * 1024


class DirectDoor:
    """The door of one response: `kiro_trio.session.outbox.Door` on a connection."""

    __slots__ = ("_chunked", "_head", "_protocol", "begun", "ended")

    def __init__(self, protocol: "DirectProtocol") -> None:
        self._protocol = protocol
        self._head = b""
        self._chunked = False
        self.begun = False
        self.ended = False

    async def start(self, status: int, headers: Headers) -> None:
        """Make the head; it goes out with the first of the body."""
        self._chunked = not any(name == b"content-length" for name, _ in headers)
        framing = [(b"Transfer-Encoding", b"chunked")] if self._chunked else []
        self._head = write_response_head(status, [*headers, *self._protocol.common_headers(), *framing])
        self.begun = True

    async def write(self, data: bytes) -> None:
        """Send some of the body; waits while the client does not read."""
        if data:  # an empty chunk would be the end
            await self._protocol.send(
                self._piece(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
            )

    async def end(self, data: bytes = b"") -> None:
        """Send the last of the body, and its end."""
        if self._chunked:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        await self._protocol.send(self._piece(data))
        self.ended = True

    def _piece(self, data: bytes) -> RawData:
        data, self._head = self._head + data, b""
        return RawData(data)


class DirectProtocol(Http1Protocol):
    """HTTP/1.1 on one connection, with the short way for those requests that it is for."""

    _exchange: Exchange | None = None

    async def handle(self, event: Event) -> None:
        """Handle bytes or the close of the connection; blocks while a request that came behind another has to wait."""
        if isinstance(event, RawData):
            await self._receive(event.data)
            return
        if isinstance(event, Closed) and self._exchange is not None:
            self._exchange.scope.cancel(reason="the client left")
        await super().handle(event)

    @property
    def appetite(self) -> int:
        """The most bytes to be read at once: of a large body, more."""
        missing = 0 if self._exchange is None else self._exchange.missing
        return min(max(super().appetite, missing), _LARGEST_READ)

    async def expire(self) -> None:
        """The client was silent for too long: between two requests, or in the middle of one."""
        if self._exchange is not None and not self._exchange.answering:
            asker, self._exchange = self._exchange.asker, None
            await self._tell(DirectDoor(self), asker, TOO_SLOW, (b"connection", b"close"))
        await super().expire()

    def common_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """What every head has."""
        return self._direct.common_headers(self.config)

    @property
    def _direct(self) -> Direct:
        assert self.config.direct is not None  # noqa: S101 - without it the listener takes the other class
        return self.config.direct

    async def _receive(self, data: bytes) -> None:
        while True:
            exchange = self._exchange
            if exchange is None:
                begun = self._begin(data)
                if begun is None:
                    await super().handle(RawData(data))
                    return
                exchange, data = begun
                await self._enter(exchange, len(data))
            elif not data:
                return  # the end of the connection: `Closed` follows
            elif exchange.answering:
                exchange.over = trio.Event()
                await exchange.over.wait()
                continue
            data = exchange.take(data)
            if exchange.missing:
                return
            await self._start(exchange)
            if not data:
                return

    async def _enter(self, exchange: Exchange, arrived: int) -> None:
        self._exchange = exchange
        self.keep_alive_requests += 1
        await self.context.mark_request()
        if exchange.missing > arrived:
            await self.send(Awaiting(idle=False, limit=self._direct.body_timeout))

    async def _start(self, exchange: Exchange) -> None:
        exchange.answering = True
        await self.send(Updated(idle=False))
        self.task_group.spawn(self._answer, exchange)

    async def _answer(self, exchange: Exchange) -> None:
        door = DirectDoor(self)
        with exchange.scope:
            await self._serve(exchange, door)
        self._exchange = None
        if exchange.over is not None:
            exchange.over.set()
        stays = door.ended and not self.context.terminated.is_set()
        await self.send(Updated(idle=True) if stays else Closed())

    async def _serve(self, exchange: Exchange, door: DirectDoor) -> None:
        clients, client = self._direct.gateway.books.clients, exchange.asker.client
        try:
            if refusal := await clients.admit(client):
                problem = Problem(429, "rate_limit_error", refusal.message)
                retry_after = (b"retry-after", b"%d" % math.ceil(refusal.retry_after))
                await self._tell(door, exchange.asker, problem, retry_after)
                return
            try:
                conduct = await self._prepare(exchange, door)
                if conduct is not None:
                    await conduct(door)
            finally:
                clients.leave(client)
        except Exception:
            log.exception("bug", request_id=exchange.asker.request_id)
            if not door.begun:
                await self._tell(door, exchange.asker, BUG)

    async def _prepare(self, exchange: Exchange, door: DirectDoor) -> Conduct | None:
        """Read the body and make ready; None if the client has been told what is wrong."""
        asker, gateway = exchange.asker, self._direct.gateway
        body, headers = b"".join(exchange.body), exchange.headers
        exchange.body, exchange.headers = [], {}  # an answer may last for an hour
        try:
            return await prepare(gateway, body, asker, headers.items(), exchange.manner)
        except InvalidRequest as error:
            await self._tell(door, asker, error)
            return None

    async def _tell(
        self, door: DirectDoor, asker: Asker, problem: Problem | InvalidRequest, *more: tuple[bytes, bytes]
    ) -> None:
        why = str(problem) if isinstance(problem, InvalidRequest) else problem.message
        self._direct.gateway.metrics.note_answer("messages", problem.status)
        log.info(
            "answer",
            request_id=asker.request_id,
            route="messages",
            method="POST",
            path=asker.path,
            status=problem.status,
            client=asker.client,
            why=why[:LONGEST_WHY],
        )
        body = problem.body(asker.request_id)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"request-id", asker.request_id.encode()),
        ]
        await door.start(problem.status, [*headers, *more])
        await door.end(body)

    def _begin(self, data: bytes) -> tuple[Exchange, bytes] | None:
        busy = self.stream is not None or self.connection.our_state is not h11.IDLE
        if busy or self.connection.trailing_data[0]:
            return None
        if self.keep_alive_requests >= self.config.keep_alive_max_requests:
            return None
        return self._direct.begin(data)

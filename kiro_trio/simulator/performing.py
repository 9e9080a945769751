"""An answer onto a stream, by hand: whole, or broken off below HTTP as its delivery wants."""

import math
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus

import trio

from kiro_trio.simulator.delivery import Delivery, End, Head, Wait, Write
from kiro_trio.simulator.endpoints import Request
from kiro_trio.simulator.script import Framing, How
from kiro_trio.simulator.seen import Exchange


class _CutHere(Exception):
    """The line is cut after so many bytes, as the script wants."""


class Performance:
    """One delivery on its way to the client; `exchange` keeps how far it came, `progressed` is called after it."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        delivery: Delivery,
        request: Request,
        exchange: Exchange,
        progressed: Callable[[], None],
    ) -> None:
        self._line = _Line(stream, delivery)
        self._delivery = delivery
        self._request = request
        self._exchange = exchange
        self._progressed = progressed
        self._chunked = delivery.framing.body in {"chunked", "noend"} and not request.http_1_0

    async def carry_out(self) -> How | None:
        """Perform all acts; how the connection is to be broken off now, or None when the answer ended well.

        Raises:
            trio.BrokenResourceError: the client closed.
        """
        cut = self._delivery.wire_cut
        if cut is not None and not cut.at:
            return cut.how
        try:
            how = await self._acts()
            if how == "end":
                how = None if self._chunked else "close"
            if how is None:
                await self._finish()
        except _CutHere:
            return cut.how if cut else None
        return how

    async def _acts(self) -> How | None:
        for act in self._delivery.acts:
            match act:
                case Head():
                    await self._line.send(_head(self._delivery, self._request))
                case Write(chunks):
                    await self._write(chunks)
                case Wait(seconds):
                    await trio.sleep(math.inf if seconds is None else seconds)
                case End(how):
                    return how
        return None

    async def _write(self, chunks: tuple[bytes, ...]) -> None:
        if self._exchange.first_byte_at is None:
            self._exchange.first_byte_at = trio.current_time()
        await self._line.send(b"".join(map(_chunk, chunks) if self._chunked else chunks))
        self._exchange.sent += sum(map(len, chunks))
        self._progressed()

    async def _finish(self) -> None:
        if self._chunked and self._delivery.framing.body == "chunked":
            await self._line.send(b"0\r\n\r\n")
        if self._delivery.outside:
            await self._line.send(self._delivery.outside)


class _Line:
    """Writes, in the sizes that the delivery wants, until it is cut."""

    def __init__(self, stream: trio.abc.Stream, delivery: Delivery) -> None:
        self._stream = stream
        self._trickle = delivery.trickle
        self._left = delivery.wire_cut.at if delivery.wire_cut else None

    async def send(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            _CutHere: only so much was written that the cut is reached.
        """
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        if self._trickle is None:
            await self._stream.send_all(data)
        else:
            for start in range(0, len(data), self._trickle.size):
                if start:
                    await trio.sleep(self._trickle.every)
                await self._stream.send_all(data[start : start + self._trickle.size])
        if self._left == 0:
            raise _CutHere


def stays_open(request: Request, framing: Framing) -> bool:
    """Whether the connection can carry another request after a whole answer."""
    closes = "close" in request.headers.get("connection", "").lower() or request.http_1_0
    return not closes and framing.body in {"chunked", "length"} and framing.lie <= 0


async def break_off(stream: trio.abc.Stream, how: How) -> None:
    """Close at once: with RST for `reset` where there is a socket, else without any word of TLS."""
    transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    if how == "reset" and isinstance(transport, trio.SocketStream):
        transport.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await trio.aclose_forcefully(stream)


def _head(delivery: Delivery, request: Request) -> bytes:
    phrases = {status.value: status.phrase for status in HTTPStatus}
    lines = [f"HTTP/1.1 {delivery.status} {phrases.get(delivery.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in delivery.headers]
    framing = delivery.framing
    if framing.body == "length":
        lines.append(f"content-length: {len(delivery.body) + framing.lie}")
    elif framing.body != "close" and not request.http_1_0:
        lines.append("transfer-encoding: chunked")
    if delivery.hang_up is None and not stays_open(request, framing):
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

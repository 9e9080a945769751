"""Plain sockets, read and written with as few calls of the system as can be.

`trio.SocketStream` tries first and waits then, in either direction. That is right for most programs and wrong for a relay of
words: whoever has just taken all that had come knows that the next read would fail, and pays for that call and for the
exception with every event; and what a client has room for goes out without letting all other tasks have a turn.
"""

import os
from typing import Final

import trio

READ_SIZE: Final = 65536
"""The most bytes asked of a stream at once: trio's own choice; larger reads gained nothing measurable."""

_FIRST_SIZE = (
    8192  # a few events; memory for more than 16 KiB is had from the kernel and given back each time
)


class Reader:
    """Reads a stream: waits first if it is a plain socket, and asks for much only where the last read was full.

    `directly` False leaves everything to the stream.
    """

    __slots__ = ("_size", "_socket", "_stream")

    def __init__(self, stream: trio.abc.ReceiveStream, *, directly: bool) -> None:
        self._stream = stream
        self._socket = stream.socket if directly and isinstance(stream, trio.SocketStream) else None
        self._size = _FIRST_SIZE

    async def receive_some(self) -> bytes:
        """Wait for bytes and return what one read brought; `b""` at the end. May be cancelled; nothing is lost.

        Raises:
            trio.BrokenResourceError: The connection broke.
            trio.ClosedResourceError: The stream has been closed, here or meanwhile.
        """
        socket = self._socket
        if socket is None:
            return bytes(await self._stream.receive_some(READ_SIZE))
        while True:
            descriptor = socket.fileno()
            if descriptor >= 0:
                await trio.lowlevel.wait_readable(descriptor)
            if descriptor < 0 or socket.fileno() != descriptor:  # closed; it may be another's by now
                raise trio.ClosedResourceError("the stream has been closed")
            try:
                data = os.read(descriptor, self._size)
            except BlockingIOError:  # woken for nothing, which kernels may do
                continue
            except OSError as error:
                raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
            self._size = READ_SIZE if len(data) == self._size else _FIRST_SIZE
            return data


def write_at_once(stream: trio.abc.SendStream, data: bytes) -> bytes | memoryview:
    """Write to a plain socket what it takes at once, and return the rest, which is all if the stream is of another kind.

    A socket that is broken takes nothing; `send_all` finds out why.
    """
    if not isinstance(stream, trio.SocketStream) or stream.socket.fileno() < 0:
        return data
    try:
        return memoryview(data)[os.write(stream.socket.fileno(), data) :]
    except OSError:
        return data

"""Server-sent events, sans-IO, both ways.

The format is that of the WHATWG HTML standard, "Server-sent events": lines of UTF-8 that end in CR LF, LF or CR; `field:
value`; a blank line ends an event; a line that begins with a colon is a comment. Two things are stricter here than in a
browser, because a gateway must not mend what it passes on: bytes that are not UTF-8 are an error, and so is a stream that
ends inside an event.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kiro_trio.wire.errors import EventNotUTF8, EventTooLarge, StreamTruncated, WireError
from kiro_trio.wire.ready import Ending, after

MAX_EVENT_SIZE = 32 * 2**20
"""Above the largest event-stream message, so that whatever Kiro may send in one piece can be passed on in one piece."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LF = 0x0A
_MILLISECONDS = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: `name` is "message" when the sender gave none, `id` is the last one that the stream set."""

    name: str
    data: str
    id: str = ""


def encode_event(name: str, data: str | bytes) -> bytes:
    r"""Write one event.

    Args:
        name: The value of its `event` field; "" leaves the field out.
        data: UTF-8. Each of its lines becomes a `data` field; the receiver gets them joined by "\n", whichever line
            ending they had. (JSON has no line endings of its own, so this never touches it.)

    Raises:
        ValueError: The name has a line ending in it.
    """
    raw = data.encode() if isinstance(data, str) else data
    if b"\n" in raw or b"\r" in raw:
        raw = b"\ndata: ".join(raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    if not name:
        return b"data: %b\n\n" % raw
    if "\n" in name or "\r" in name:
        raise ValueError(f"an event name of more than one line: {name!r}")
    return b"event: %b\ndata: %b\n\n" % (name.encode(), raw)


class ServerSentEventDecoder:
    """Turns the bytes of one stream into its events; it has the manners of `EventStreamDecoder`.

    Args:
        max_event_size: The most that the lines of one event may have, in bytes, comments apart.
    """

    __slots__ = (
        "_data",
        "_events",
        "_fault",
        "_id",
        "_limit",
        "_line",
        "_name",
        "_offset",
        "_ready",
        "_size",
        "_split_crlf",
        "retry",
    )

    def __init__(self, max_event_size: int = MAX_EVENT_SIZE) -> None:
        self._limit = max_event_size
        self._line = bytearray()  # the beginning of a line, if not all of it has come
        self._split_crlf = False  # whether a LF would still belong to the line before
        self._name = ""
        self._data: list[str] = []
        self._id = ""
        self._size = 0  # of the event's lines so far; 0 between events
        self._offset = 0  # where the line begins
        self._events = 0
        self._ready: Iterator[ServerSentEvent] = iter(())
        self._fault: WireError | None = None
        self.retry: int | None = None
        """How long the sender asks to wait before the next connection, in milliseconds, if it asks."""

    def receive_data(self, data: bytes | bytearray | memoryview) -> Iterator[ServerSentEvent]:
        """Take the next bytes; all the events that they complete are ready afterwards.

        Never raises for what the bytes say, only the returned iterator does. After a fault, data is ignored.

        Returns:
            `events()`; whoever does not want them now may drop it, nothing is lost.
        """
        raw = bytes(memoryview(data))
        if self._fault is not None or not raw:
            return self._ready
        if self._split_crlf and raw[0] == _LF:
            raw = raw[1:]
            self._offset += 1
        self._split_crlf = raw.endswith(b"\r")
        new: list[ServerSentEvent] = []
        broken = None
        try:
            for piece in raw.splitlines(keepends=True):
                self._take(piece, new)
        except WireError as fault:
            broken = fault
        self._ready = after(self._ready, new)
        if broken is not None:
            self._break(broken)
        return self._ready

    def events(self) -> Iterator[ServerSentEvent]:
        """The events that are ready and that nobody has taken, in order; none is lost when one stops half-way.

        Raises:
            WireError: While iterating, once all events before the fault are taken; the same one ever after.
        """
        return self._ready

    def close(self) -> None:
        """Say that the bytes have come to their end.

        Raises:
            StreamTruncated: An event is unfinished. From now on `events` ends in it as well.
            WireError: The stream was broken before.
        """
        if self._line or self._size:
            self._break(StreamTruncated(self._size + len(self._line)))
        if self._fault is not None:
            raise self._fault.with_traceback(None)

    def _take(self, piece: bytes, new: list[ServerSentEvent]) -> None:
        """Take a line with its ending, or the part of a line that has come."""
        text = piece.rstrip(b"\r\n")
        self._line += text
        if self._size + len(self._line) > self._limit:
            raise EventTooLarge(self._limit)
        if len(text) == len(piece):
            return
        line = bytes(self._line)
        if not self._offset:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            self._dispatch(new)
        elif not line.startswith(b":"):
            self._take_field(line)
        self._offset += len(self._line) + len(piece) - len(text)
        self._line = bytearray()

    def _take_field(self, line: bytes) -> None:
        """Keep what a field says; fields that the standard does not know say nothing."""
        try:
            field, _, value = line.decode().partition(":")
        except UnicodeDecodeError:
            raise EventNotUTF8 from None
        self._size += len(line)
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and _MILLISECONDS.fullmatch(value):
            self.retry = int(value)

    def _dispatch(self, new: list[ServerSentEvent]) -> None:
        """A blank line: the event is whole. Without any data it is none."""
        if self._data:
            new.append(ServerSentEvent(self._name or "message", "\n".join(self._data), self._id))
            self._events += 1
        self._name, self._data, self._size = "", [], 0

    def _break(self, fault: WireError) -> None:
        """End the stream here, for good."""
        fault.frame = self._events
        fault.offset = self._offset
        self._fault = fault.with_traceback(None)
        self._line, self._data, self._size = bytearray(), [], 0
        self._ready = Ending(self._ready, self._fault)

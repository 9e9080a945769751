"""AWS event streams, sans-IO: bytes in, messages out.

A frame, all numbers big-endian (Source: docs/wire.md, "Frames"):

    0        4        8        12           12+H                T-4      T
    | total T | headers H | CRC | headers   | payload           | CRC    |
    `------ prelude ------------'
               CRC-32 of bytes 0-7                 CRC-32 of bytes 0 to T-5

The laws of this module:

1. A frame's length is believed only after its prelude checksum, and that is looked at when 12 bytes are there.
2. Every fault is final. What came before it is handed out first; nothing after it ever is.
3. No state but the frame that is being held, and it holds no more than was fed.

`kiro_trio.wire.memory` explains why most frames take a short way through here, and why that hides no fault.
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from zlib import crc32

from kiro_trio.wire.errors import (
    HEAD_SIZE,
    HeadersLengthInvalid,
    MessageChecksumMismatch,
    MessageTooLarge,
    PreludeChecksumMismatch,
    PreludeError,
    StreamTruncated,
    TotalLengthInvalid,
    WireError,
)
from kiro_trio.wire.headers import Headers, HeaderValue, encode_headers
from kiro_trio.wire.memory import NOTHING_KNOWN, REMEMBERED_FRAME_MAX, REMEMBERED_HEAD_MAX, SHARED, Memory
from kiro_trio.wire.ready import Ending, after, behind

PRELUDE_SIZE = 12
CHECKSUM_SIZE = 4
FRAME_MIN = PRELUDE_SIZE + CHECKSUM_SIZE

MAX_MESSAGE_SIZE = 24 * 2**20 + 128 * 2**10 + FRAME_MIN
"""The largest frame that a service may send: 24 MiB of payload and 128 KiB of headers. Source: docs/wire.md, "Limits"."""

_PRELUDE = Struct(">III")
_LENGTHS = Struct(">II")
_CHECKSUM = Struct(">I")


class Message:
    """One message of an event stream.

    Attributes:
        headers: Read-only, in the order of the wire; shared with other messages that have the same.
        payload: Any bytes. The message's own copy.
    """

    # A frozen dataclass would say it better, and takes half as long to create as a small frame takes to decode.
    __slots__ = ("headers", "payload")
    __match_args__ = ("headers", "payload")

    headers: Headers
    payload: bytes

    def __init__(self, headers: Headers, payload: bytes) -> None:
        self.headers = headers
        self.payload = payload

    __hash__ = None  # type: ignore[assignment]  # its headers are a mapping

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.payload == other.payload and self.headers == other.headers

    def __repr__(self) -> str:
        return f"<Message {dict(self.headers)!r}, payload of {len(self.payload)} bytes>"


class _Received(Message):
    """A message whose two fields the decoder sets itself: without an `__init__` of Python it is made in half the time."""

    __slots__ = ()
    __init__ = object.__init__


class EventStreamDecoder:
    """Turns the bytes of one stream into its messages.

        decoder.receive_data(data)
        for message in decoder.messages():  # raises WireError in place, after the last good message
            ...
        decoder.close()  # at the end of the bytes: raises if a frame is unfinished

    At most one frame and one chunk are held, besides the messages that nobody has taken yet.

    Args:
        max_message_size: The largest frame to accept, in bytes with everything around the payload.
    """

    __slots__ = ("_fault", "_head", "_held", "_known", "_limit", "_memory", "_need", "_place", "_ready")

    def __init__(self, max_message_size: int = MAX_MESSAGE_SIZE) -> None:
        self._limit = max_message_size
        self._memory = SHARED if max_message_size >= REMEMBERED_FRAME_MAX else Memory()
        self._known = self._memory.frames
        self._held: bytearray | None = None  # the beginning of a frame, if not all of it has come
        self._need = PRELUDE_SIZE  # how much must be held before there is something to decide
        self._head = slice(PRELUDE_SIZE)  # what comes before the payload, if it is as long as last time
        self._place = 0j  # where the next frame begins
        self._ready: Iterator[Message] = iter(())
        self._fault: WireError | None = None

    def receive_data(self, data: bytes | bytearray | memoryview) -> Iterator[Message]:
        """Take the next bytes; all the messages that they complete are ready afterwards.

        Never raises for what the bytes say, only the returned iterator does. After a fault, data is ignored.

        Returns:
            `messages()`: most drivers want them at once, and a call is a tenth of what a small frame costs. Whoever
            does not may drop it, nothing is lost.
        """
        held = self._held
        if held is not None:
            held += data
            if len(held) >= self._need:
                self._resume(held, data)
            return self._ready
        size = len(data)
        if size <= REMEMBERED_FRAME_MAX:
            # Most reads of most streams bring one frame, and one like an earlier one.
            try:
                total, layout, headers, state, step = self._known[data[self._head]]  # type: ignore[index]
            except (KeyError, TypeError, ValueError):
                pass  # it is not known, or not bytes: a bytearray and some memoryviews have no hash
            else:
                if total == size:
                    payload, checksum = layout.unpack(data)
                    if crc32(payload, state) == checksum:
                        message = _Received()
                        message.headers = headers
                        message.payload = payload
                        ready: Iterator[Message] = iter((message,))
                        for unread in self._ready:
                            ready = behind(unread, self._ready, (message,))
                            break
                        self._ready = ready
                        self._place += step
                        return ready
        self._read(_as_bytes(data), 0)
        return self._ready

    def messages(self) -> Iterator[Message]:
        """The messages that are ready and that nobody has taken, in order.

        None is lost when an iterator is left half-way: the rest comes from the next one, together with what was fed
        meanwhile.

        Raises:
            WireError: While iterating, once all messages before the fault are taken; the same one ever after.
        """
        return self._ready

    def close(self) -> None:
        """Say that the bytes have come to their end.

        That no frame is cut does not mean that the reply is whole: a cut between two frames cannot be seen from here.

        Raises:
            StreamTruncated: A frame is unfinished. From now on `messages` ends in it as well.
            WireError: The stream was broken before.
        """
        if self._held is not None:
            self._break(StreamTruncated(len(self._held)))
        if self._fault is not None:
            raise self._fault.with_traceback(None)

    def _resume(self, held: bytearray, data: bytes | bytearray | memoryview) -> None:
        """Go on with the held frame, to which `data` is already added: its prelude, or all of it, has come."""
        if self._need == PRELUDE_SIZE:
            try:
                self._need, _ = _judge(held, 0, self._limit)
            except WireError as fault:
                self._break(fault, held)
                return
            if len(held) < self._need:
                return
        surplus = len(held) - self._need
        del held[self._need :]
        self._held, self._need = None, PRELUDE_SIZE
        frame = bytes(held)
        held.clear()  # our caller still has it; a large frame must not be there three times
        self._read(frame, 0)
        if surplus:
            rest = _as_bytes(data)
            self._read(rest, len(rest) - surplus)

    def _read(self, data: bytes, pos: int) -> None:
        """Take every whole frame out of `data` from `pos` on, and hold the rest."""
        if self._fault is not None:
            return
        new: list[Message] = []
        broken = None
        try:
            self._take(data, pos, new)
        except WireError as fault:
            broken = fault
        self._ready = after(self._ready, new)
        if broken is not None:
            self._break(broken, data)

    def _take(self, data: bytes, pos: int, new: list[Message]) -> None:
        place, recall, head = self._place, self._known.get, self._head.stop
        end, need = len(data), PRELUDE_SIZE
        while pos + PRELUDE_SIZE <= end:
            known = recall(data[pos : pos + head])
            if known is None:
                claimed = PRELUDE_SIZE + int.from_bytes(data[pos + 4 : pos + 8], "big")
                if claimed != head and claimed <= REMEMBERED_HEAD_MAX:
                    head = claimed
                    known = recall(data[pos : pos + head])
            if known is not None:
                total, layout, headers, state, step = known
                if pos + total <= end:
                    payload, checksum = layout.unpack_from(data, pos)
                    if crc32(payload, state) == checksum:
                        message = _Received()
                        message.headers = headers
                        message.payload = payload
                        new.append(message)
                        pos += total
                        place += step
                        continue
            self._place = place  # if this frame is broken, it is broken here
            total, headers_size = _judge(data, pos, self._limit)
            if pos + total > end:
                need = total
                break
            new.append(self._open(data, pos, pos + PRELUDE_SIZE + headers_size, pos + total - CHECKSUM_SIZE))
            pos += total
            place += complex(total, 1)
        self._place, self._head = place, slice(head)
        if pos < end:
            self._held, self._need = bytearray(data[pos:]), need

    def _open(self, data: bytes, start: int, body: int, last: int) -> Message:
        """Open a whole frame the long way; `body` is where its payload begins and `last` its checksum."""
        head, payload = data[start:body], data[body:last]
        state = crc32(head)
        actual = crc32(payload, state)
        (expected,) = _CHECKSUM.unpack_from(data, last)
        if actual != expected:
            raise MessageChecksumMismatch(expected, actual)
        headers = self._memory.headers(head[PRELUDE_SIZE:])
        if last + CHECKSUM_SIZE - start <= REMEMBERED_FRAME_MAX:
            self._memory.learn(head, headers, len(payload), state)
        return Message(headers, payload)

    def _break(self, fault: WireError, source: bytes | bytearray = b"") -> None:
        """End the stream here, for good. `source` is where the frame that failed was read from."""
        fault.offset, fault.frame = int(self._place.real), int(self._place.imag)
        if isinstance(fault, PreludeError) and not fault.offset:
            fault.head = bytes(source[:HEAD_SIZE])
        self._fault = fault.with_traceback(None)  # a traceback would hold the frames' locals, and so the data
        self._held = None
        self._known = NOTHING_KNOWN
        self._ready = Ending(self._ready, self._fault)


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes) -> bytes:
    """Write one frame.

    Raises:
        TypeError: A header's value has none of the ten types.
        ValueError: A header does not fit, or the frame is larger than a service may send.
    """
    block = encode_headers(headers)
    total = FRAME_MIN + len(block) + len(payload)
    if total > MAX_MESSAGE_SIZE:
        raise ValueError(f"a frame of {total} bytes is larger than {MAX_MESSAGE_SIZE}")
    lengths = _LENGTHS.pack(total, len(block))
    prelude = lengths + crc32(lengths).to_bytes(CHECKSUM_SIZE, "big")
    checksum = crc32(payload, crc32(block, crc32(prelude)))
    return b"".join((prelude, block, payload, checksum.to_bytes(CHECKSUM_SIZE, "big")))


def _judge(data: bytes | bytearray, pos: int, limit: int) -> tuple[int, int]:
    """What the 12 bytes at `pos` say of the frame's size and its headers' size; raises `PreludeError`."""
    total, headers_size, expected = _PRELUDE.unpack_from(data, pos)
    actual = crc32(data[pos : pos + _LENGTHS.size])
    if actual != expected:
        raise PreludeChecksumMismatch(expected, actual)
    if total < FRAME_MIN:
        raise TotalLengthInvalid(total)
    if headers_size > total - FRAME_MIN:
        raise HeadersLengthInvalid(headers_size, total)
    if total > limit:
        raise MessageTooLarge(total, limit)
    return total, headers_size


def _as_bytes(data: bytes | bytearray | memoryview) -> bytes:
    return data if type(data) is bytes else bytes(memoryview(data))

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

from kiro_trio.wire.ending import Ending
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
from kiro_trio.wire.memory import NOTHING_KNOWN, ONE_FRAME, REMEMBERED_FRAME_MAX, SHARED, Memory

PRELUDE_SIZE = 12
CHECKSUM_SIZE = 4
FRAME_MIN = PRELUDE_SIZE + CHECKSUM_SIZE

MAX_MESSAGE_SIZE = 24 * 2**20 + 128 * 2**10 + FRAME_MIN
"""The largest frame that a service may send: 24 MiB of payload and 128 KiB of headers. Source: docs/wire.md, "Limits"."""

_PRELUDE = Struct(">III")
_LENGTHS = Struct(">II")
_OFFSET_MASK = ONE_FRAME - 1


class Message:
    """One message of an event stream.

    Attributes:
        headers: Read-only, in the order of the wire; shared with other messages that have the same.
        payload: Any bytes. The message's own copy.
    """

    # A frozen dataclass would say it better, and costs 0.25 us of the 0.6 us that a small frame takes.
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
    """A message whose two fields the decoder sets itself: creating it stays within C and takes half the time."""

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

    __slots__ = ("_fault", "_held", "_known", "_limit", "_memory", "_need", "_place", "_ready")

    def __init__(self, max_message_size: int = MAX_MESSAGE_SIZE) -> None:
        self._limit = max_message_size
        self._memory = SHARED if max_message_size >= REMEMBERED_FRAME_MAX else Memory()
        self._known = self._memory.preludes
        self._held = bytearray()  # the beginning of a frame, if not all of it has come
        self._need = PRELUDE_SIZE  # how much must be held before there is something to decide
        self._place = 0  # two counters in one addition: frames from bit 64 on, bytes below
        self._ready: Iterator[Message] = iter(())
        self._fault: WireError | None = None

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; all the messages that they complete are ready afterwards.

        Never raises for what the bytes say: that is for `messages` and `close`. After a fault, data is ignored.
        """
        if type(data) is not bytes:
            data = bytes(memoryview(data))
        held = self._held
        if held:
            held += data
            if len(held) >= self._need:
                self._resume(data)
            return
        size = len(data)
        if size <= REMEMBERED_FRAME_MAX:
            # Most reads of most streams bring one frame, and one like an earlier one.
            try:
                total, cut, block, headers, state, step = self._known[data[:PRELUDE_SIZE]]
            except KeyError:
                pass
            else:
                if total == size:
                    found, payload, checksum = cut(data)
                    if found == block and crc32(payload, state) == checksum:
                        message = _Received()
                        message.headers = headers
                        message.payload = payload
                        ready: tuple[Message, ...] = (message,)
                        for unread in self._ready:
                            ready = (unread, *self._ready, message)
                        self._ready = iter(ready)
                        self._place += step
                        return
        self._read(data, 0)

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
        if self._held:
            self._break(StreamTruncated(len(self._held)))
        if self._fault is not None:
            raise self._fault.with_traceback(None)

    def _resume(self, data: bytes) -> None:
        """Go on with the held frame, to which `data` is already added: its prelude, or all of it, has come."""
        held = self._held
        if self._need == PRELUDE_SIZE:
            try:
                self._need, _ = _judge(bytes(held[:PRELUDE_SIZE]), self._limit)
            except WireError as fault:
                self._break(fault, held)
                return
            if len(held) < self._need:
                return
        surplus = len(held) - self._need
        del held[self._need :]
        self._held, self._need = bytearray(), PRELUDE_SIZE
        self._read(bytes(held), 0)
        if surplus:
            self._read(data, len(data) - surplus)

    def _read(self, data: bytes, pos: int) -> None:
        """Take every whole frame out of `data` from `pos` on, and hold the rest."""
        if self._fault is not None:
            return
        ready = [*self._ready]
        place, known, end, fault = self._place, self._known, len(data), None
        try:
            while pos < end:
                entry = known.get(data[pos : pos + PRELUDE_SIZE])
                if entry is not None:
                    total, cut, block, headers, state, step = entry
                    if pos + total <= end:
                        found, payload, checksum = cut(data, pos)
                        if found == block and crc32(payload, state) == checksum:
                            message = _Received()
                            message.headers = headers
                            message.payload = payload
                            ready.append(message)
                            pos += total
                            place += step
                            continue
                total = self._open(data, pos, ready)
                if not total:
                    break
                pos += total
                place += ONE_FRAME + total
        except WireError as error:
            fault = error
        self._place = place
        self._ready = iter(ready)
        if fault is not None:
            self._break(fault, data)

    def _open(self, data: bytes, pos: int, ready: list[Message]) -> int:
        """Open one frame the long way, with every check; returns its size, or 0 if it had to be held."""
        prelude = data[pos : pos + PRELUDE_SIZE]
        total, headers_size = (
            _judge(prelude, self._limit) if len(prelude) == PRELUDE_SIZE else (PRELUDE_SIZE, 0)
        )
        if pos + total > len(data):
            self._held, self._need = bytearray(data[pos:]), total
            return 0
        body = pos + PRELUDE_SIZE + headers_size
        last = pos + total - CHECKSUM_SIZE
        block, payload = data[pos + PRELUDE_SIZE : body], data[body:last]
        state = crc32(block, crc32(prelude))
        expected = int.from_bytes(data[last : last + CHECKSUM_SIZE], "big")
        actual = crc32(payload, state)
        if actual != expected:
            raise MessageChecksumMismatch(expected, actual)
        headers = self._memory.headers(block)
        self._memory.learn(prelude, block, headers, state)
        ready.append(Message(headers, payload))
        return total

    def _break(self, fault: WireError, source: bytes | bytearray = b"") -> None:
        """End the stream here, for good. `source` is where the frame that failed was read from."""
        fault.frame = self._place // ONE_FRAME
        fault.offset = self._place & _OFFSET_MASK
        if isinstance(fault, PreludeError) and not fault.offset:
            fault.head = bytes(source[:HEAD_SIZE])
        self._fault = fault.with_traceback(None)  # a traceback would hold the frames' locals, and so the data
        self._held = bytearray()
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


def _judge(prelude: bytes, limit: int) -> tuple[int, int]:
    """What the 12 bytes say of the frame's size and its headers' size; raises `PreludeError`."""
    total, headers_size, expected = _PRELUDE.unpack(prelude)
    actual = crc32(prelude[: _LENGTHS.size])
    if actual != expected:
        raise PreludeChecksumMismatch(expected, actual)
    if total < FRAME_MIN:
        raise TotalLengthInvalid(total)
    if headers_size > total - FRAME_MIN:
        raise HeadersLengthInvalid(headers_size, total)
    if total > limit:
        raise MessageTooLarge(total, limit)
    return total, headers_size

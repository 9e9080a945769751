"""AWS event streams, sans-IO: bytes in, messages out. What a frame looks like stands in `kiro_trio.wire.message`.

The laws of this module:

1. A frame's length is believed only after its prelude checksum, and that is looked at when 12 bytes are there.
2. Every fault is final. What came before it is handed out first; nothing after it ever is.
3. No state but the frame that is being held, and no more of it is held than was fed.

`kiro_trio.wire.memory` explains why most frames take a short way through here, and why that hides no fault.
"""

from collections.abc import Iterator
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
from kiro_trio.wire.memory import NOTHING_KNOWN, REMEMBERED_FRAME_MAX, REMEMBERED_HEAD_MAX, SHARED, Memory
from kiro_trio.wire.message import CHECKSUM_SIZE, FRAME_MIN, MAX_MESSAGE_SIZE, PRELUDE_SIZE, Message, Received
from kiro_trio.wire.ready import Ending, behind

_PRELUDE = Struct(">III")
_CHECKSUM = Struct(">I")
_NOT_OF_BYTES = "a memoryview must be one of bytes"


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

    __slots__ = (
        "_fault",
        "_head",
        "_held",
        "_known",
        "_limit",
        "_memory",
        "_missing",
        "_need",
        "_place",
        "_ready",
    )

    def __init__(self, max_message_size: int = MAX_MESSAGE_SIZE) -> None:
        self._limit = max_message_size
        self._memory = SHARED if max_message_size >= REMEMBERED_FRAME_MAX else Memory()
        self._known = self._memory.frames
        self._held: bytearray | None = None  # the beginning of a frame, if not all of it has come
        self._need = 0  # how much must be held before there is something to decide
        self._missing = 0  # how much of that has not come yet
        self._head = slice(PRELUDE_SIZE)  # what comes before the payload, if it is as long as last time
        self._place = 0j  # where the next frame begins
        self._ready: Iterator[Message] = iter(())
        self._fault: WireError | None = None

    def receive_data(self, data: bytes | bytearray | memoryview) -> Iterator[Message]:
        """Take the next bytes; all the messages that they complete are ready afterwards.

        Never raises for what the bytes say, only the returned iterator does. After a fault, data is ignored.

        Args:
            data: Any buffer, not kept; a memoryview must be one of bytes.

        Returns:
            `messages()`: most drivers want them at once, and a call is a tenth of what a small frame costs. Whoever
            does not may drop it, nothing is lost.
        """
        size = len(data)
        held = self._held
        if held is not None:
            missing = self._missing - size
            if missing > 0:
                held += data
                self._missing = missing
            else:
                self._complete(held, data)
            return self._ready
        data = data if type(data) is bytes else _as_bytes(data)
        if size <= REMEMBERED_FRAME_MAX:
            # Most reads of most streams bring one frame, and one like an earlier one.
            try:
                total, layout, headers, state, step = self._known[data[self._head]]
            except KeyError:
                pass
            else:
                if total == size:
                    payload, checksum = layout.unpack(data)
                    if crc32(payload, state) == checksum:
                        message = Received()
                        message.headers = headers
                        message.payload = payload
                        ready: Iterator[Message] = iter((message,))
                        for unread in self._ready:
                            ready = behind(unread, self._ready, (message,))
                            break
                        self._ready = ready
                        self._place += step
                        return ready
        self._read(data, 0)
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

    def _complete(self, held: bytearray, data: bytes | bytearray | memoryview) -> None:
        """Go on with the held frame: at least what was missing has come, of its prelude or of all of it."""
        data = _as_bytes(data)
        if len(held) + self._missing != self._need:
            raise TypeError(
                _NOT_OF_BYTES
            )  # an earlier one: to look at each would cost a tenth when bytes come singly
        pos = self._missing
        held += data[:pos]
        if len(held) == PRELUDE_SIZE:
            try:
                total, _ = _judge(held, 0, self._limit)
            except WireError as fault:
                self._break(fault, held + data[pos : pos + HEAD_SIZE])
                return
            pos += total - PRELUDE_SIZE
            held += data[self._missing : pos]
            if pos > len(data):
                self._missing, self._need = pos - len(data), total
                return
        frame = bytes(held)
        held.clear()  # our caller still has it, and a large frame must not be there three times
        self._held = None
        self.receive_data(frame)
        if pos < len(data):
            self._read(data, pos)

    def _read(self, data: bytes, pos: int) -> None:
        """Take every whole frame out of `data` from `pos` on, and hold the rest."""
        if self._fault is not None:
            return
        if len(data) - pos < PRELUDE_SIZE:
            self._hold(data, pos, PRELUDE_SIZE)
            return
        new: list[Message] = []
        broken = None
        try:
            self._take(data, pos, new)
        except WireError as fault:
            broken = fault
        ready = iter(new)
        for unread in self._ready:
            ready = behind(unread, self._ready, new)
            break
        self._ready = ready
        if broken is not None:
            self._break(broken, data)

    def _take(self, data: bytes, pos: int, new: list[Message]) -> None:
        """`_read`'s loop: known frames the short way, others the long way; raises `WireError`."""
        place, recall, head = self._place, self._known.get, self._head.stop
        end, need = len(data), PRELUDE_SIZE
        while pos + PRELUDE_SIZE <= end:
            if head:
                known = recall(data[pos : pos + head])
                if known is None:
                    head = PRELUDE_SIZE + int.from_bytes(data[pos + 4 : pos + 8], "big")
                    known = recall(data[pos : pos + head]) if head <= REMEMBERED_HEAD_MAX else None
                if known is not None and pos + known[0] <= end:
                    total, layout, headers, state, step = known
                    payload, checksum = layout.unpack_from(data, pos)
                    if crc32(payload, state) == checksum:
                        message = Received()
                        message.headers = headers
                        message.payload = payload
                        new.append(message)
                        pos += total
                        place += step
                        continue
            self._place = place  # if this frame is broken, it is broken here
            total, body = _judge(data, pos, self._limit)
            if pos + total > end:
                need = total
                break
            new.append(self._open(data, pos, pos + body, pos + total - CHECKSUM_SIZE))
            head = body if total <= REMEMBERED_FRAME_MAX else 0  # after a large frame comes another, mostly
            pos += total
            place += complex(total, 1)
        self._place, self._head = place, slice(head)
        self._hold(data, pos, need)

    def _hold(self, data: bytes, pos: int, need: int) -> None:
        """Keep the beginning of a frame until so much of it is there that there is something to decide."""
        if pos < len(data):
            self._held = bytearray(memoryview(data)[pos:])
            self._missing, self._need = pos + need - len(data), need

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


def _judge(data: bytes | bytearray, pos: int, limit: int) -> tuple[int, int]:
    """How long the frame at `pos` is by its first 12 bytes, and its part before the payload; raises `PreludeError`."""
    total, headers_size, expected = _PRELUDE.unpack_from(data, pos)
    actual = crc32(data[pos : pos + 8])
    if actual != expected:
        raise PreludeChecksumMismatch(expected, actual)
    if total < FRAME_MIN:
        raise TotalLengthInvalid(total)
    if headers_size > total - FRAME_MIN:
        raise HeadersLengthInvalid(headers_size, total)
    if total > limit:
        raise MessageTooLarge(total, limit)
    return total, PRELUDE_SIZE + headers_size


def _as_bytes(data: bytes | bytearray | memoryview) -> bytes:
    if memoryview(data).itemsize != 1:
        raise TypeError(_NOT_OF_BYTES)
    return bytes(data)

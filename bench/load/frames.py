"""Kiro's frames as the stub sends them: built once, but for the stamp that says when an event was sent."""

import json
import struct
import time
import zlib
from functools import cache

from kiro_trio.wire import encode_message

# An event's text begins with `@` and the microseconds of the monotonic clock, which all processes of a machine share:
# so whoever receives it, in whatever wrapping, can count events and knows how long each was on its way.
STAMP_DIGITS = 20  # so wide that five zeros lead it for years of uptime: the load client counts by them
HEADERS = {":message-type": "event", ":content-type": "application/json"}


def now() -> int:
    return time.monotonic_ns() // 1000


def event(name: str, payload: object) -> bytes:
    body = json.dumps(payload, separators=(",", ":")).encode()
    return encode_message({**HEADERS, ":event-type": name}, body)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


OPENING = chunk(event("messageMetadataEvent", {"conversationId": "c" * 36, "utteranceId": "u" * 22}))
CLOSING = (
    chunk(event("meteringEvent", {"unit": "credit", "unitPlural": "credits", "usage": 0.05}))
    + chunk(event("contextUsageEvent", {"contextUsagePercentage": 1.5}))
    + chunk(event("metadataEvent", {"stopReason": "END_TURN"}))
    + b"0\r\n\r\n"
)


class Words:
    """A text event of about `size` bytes of payload, to be stamped."""

    def __init__(self, size: int) -> None:
        stamp = "@" + "0" * STAMP_DIGITS
        shape = {"content": "", "modelId": "claude-sonnet-4.5"}
        filler = "of words that a model says "
        room = max(1, size - len(json.dumps(shape, separators=(",", ":"))) - len(stamp) - 1)
        text = (filler * (room // len(filler) + 1))[:room]
        frame = event("assistantResponseEvent", {**shape, "content": f"{stamp} {text}"})
        begin = frame.index(b"@") + 1
        self._head = frame[:begin]
        self._crc = zlib.crc32(self._head)
        self._tail = frame[begin + STAMP_DIGITS : -4]
        self._size_line = b"%x\r\n" % len(frame)

    def stamped(self) -> bytes:
        """The frame in its HTTP chunk."""
        rest = b"%020d%b" % (now(), self._tail)
        crc = struct.pack(">I", zlib.crc32(rest, self._crc))
        return b"".join((self._size_line, self._head, rest, crc, b"\r\n"))


@cache
def words(size: int) -> Words:
    return Words(size)

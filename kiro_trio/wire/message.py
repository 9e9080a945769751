"""One message of an AWS event stream, and the frame that carries it.

A frame, all numbers big-endian (Source: docs/wire.md, "Frames"):

    0        4        8        12           12+H                T-4      T
    | total T | headers H | CRC | headers   | payload           | CRC    |
    `------ prelude ------------'
               CRC-32 of bytes 0-7                 CRC-32 of bytes 0 to T-5
"""

from collections.abc import Mapping
from struct import Struct
from zlib import crc32

from kiro_trio.wire.headers import Headers, HeaderValue, encode_headers

PRELUDE_SIZE = 12
CHECKSUM_SIZE = 4
FRAME_MIN = PRELUDE_SIZE + CHECKSUM_SIZE

MAX_MESSAGE_SIZE = 24 * 2**20 + 128 * 2**10 + FRAME_MIN
"""The largest frame that a service may send: 24 MiB of payload and 128 KiB of headers. Source: docs/wire.md, "Limits"."""

_LENGTHS = Struct(">II")


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


class Received(Message):
    """A message whose two fields its maker sets itself: without an `__init__` of Python it is made in half the time."""

    __slots__ = ()
    __init__ = object.__init__


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

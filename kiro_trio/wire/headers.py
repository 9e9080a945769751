"""The headers of an event-stream message: ten types of value, as a table.

A header block is a sequence of headers without padding; each is a byte with the length of the name, the name in UTF-8,
a byte with the type, and the value: of a fixed size, or with its own size in two bytes in front of it. All numbers are
big-endian. Source: docs/wire.md, "Frames".

Python has one `int`; the wire has four sizes of it and a timestamp. They are subclasses here, so that what was read can
be written again byte for byte. A plain `int` has no size and is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from kiro_trio.wire.errors import (
    HeaderDuplicate,
    HeaderNameEmpty,
    HeaderNotUTF8,
    HeaderTruncated,
    HeaderTypeUnknown,
)

NAME_MAX = 255
VALUE_MAX = 65_535
"""What the two bytes can say. The Smithy grammar stops at 32,767, most decoders do not; nor do we."""


class Int8(int):
    """An integer of one byte."""

    __slots__ = ()


class Int16(int):
    """An integer of two bytes."""

    __slots__ = ()


class Int32(int):
    """An integer of four bytes."""

    __slots__ = ()


class Int64(int):
    """An integer of eight bytes."""

    __slots__ = ()


class Timestamp(int):
    """A moment, in milliseconds since 1970-01-01 UTC.

    Not a `datetime`: eight bytes of milliseconds reach some 290 million years farther than that can.
    """

    __slots__ = ()


HeaderValue = bool | Int8 | Int16 | Int32 | Int64 | Timestamp | bytes | str | UUID
Headers = Mapping[str, HeaderValue]


@dataclass(frozen=True, slots=True)
class HeaderType:
    """How one type of value stands on the wire.

    `size` is the number of its bytes, or None when the value brings its size along. `decode` gets exactly the bytes of
    the value; it may raise `UnicodeDecodeError` and nothing else.
    """

    code: int
    name: str
    python: type
    size: int | None
    decode: Callable[[bytes], HeaderValue]
    encode: Callable[[Any], bytes]


def _integer(code: int, name: str, python: type[int], size: int) -> HeaderType:
    def decode(raw: bytes) -> HeaderValue:
        return python.from_bytes(raw, "big", signed=True)  # type: ignore[return-value]  # one of the subclasses above

    def encode(value: int) -> bytes:
        return value.to_bytes(size, "big", signed=True)

    return HeaderType(code, name, python, size, decode, encode)


HEADER_TYPES = (
    HeaderType(0, "bool_true", bool, 0, lambda _: True, lambda _: b""),
    HeaderType(1, "bool_false", bool, 0, lambda _: False, lambda _: b""),
    _integer(2, "byte", Int8, 1),
    _integer(3, "short", Int16, 2),
    _integer(4, "integer", Int32, 4),
    _integer(5, "long", Int64, 8),
    HeaderType(6, "byte_array", bytes, None, bytes, bytes),
    HeaderType(7, "string", str, None, bytes.decode, str.encode),
    _integer(8, "timestamp", Timestamp, 8),
    HeaderType(9, "uuid", UUID, 16, lambda raw: UUID(bytes=raw), lambda value: value.bytes),
)
"""Every type of value; the row's place is its code."""

_BY_PYTHON = {row.python: row for row in HEADER_TYPES if row.python is not bool}


def decode_headers(block: bytes) -> Headers:
    """Read a whole header block.

    Returns:
        A read-only mapping in the order of the wire. It may be shared with other messages that have the same block.

    Raises:
        HeaderError: The block cannot be read. The first fault counts. A value never reaches beyond the block.
    """
    headers: dict[str, HeaderValue] = {}
    start, end = 0, len(block)
    while start < end:
        type_at = start + 1 + block[start]
        if type_at >= end:
            raise HeaderTruncated(start)
        name = _decode_name(block, start, type_at)
        if (code := block[type_at]) >= len(HEADER_TYPES):
            raise HeaderTypeUnknown(start, code)
        row = HEADER_TYPES[code]
        first, stop = _value_span(block, type_at + 1, row.size)
        if stop > end:
            raise HeaderTruncated(start)
        try:
            value = row.decode(block[first:stop])
        except UnicodeDecodeError:
            raise HeaderNotUTF8(start) from None
        if name in headers:
            raise HeaderDuplicate(start)
        headers[name] = value
        start = stop
    return MappingProxyType(headers)


def encode_headers(headers: Mapping[str, HeaderValue]) -> bytes:
    """Write a header block.

    Raises:
        TypeError: A value has none of the ten types (a plain `int` has none).
        ValueError: A name or a value does not fit, or a text cannot be UTF-8.
    """
    return b"".join(_encode_header(name, value) for name, value in headers.items())


def _decode_name(block: bytes, start: int, stop: int) -> str:
    if stop == start + 1:
        raise HeaderNameEmpty(start)
    try:
        return block[start + 1 : stop].decode()
    except UnicodeDecodeError:
        raise HeaderNotUTF8(start) from None


def _value_span(block: bytes, at: int, size: int | None) -> tuple[int, int]:
    """Where a value begins and ends; beyond the block when it, or its size, does not fit into it."""
    if size is not None:
        return at, at + size
    first = at + 2
    return first, first + int.from_bytes(block[at:first], "big")


def _encode_header(name: str, value: HeaderValue) -> bytes:
    row = HEADER_TYPES[not value] if isinstance(value, bool) else _BY_PYTHON.get(type(value))
    if row is None:
        raise TypeError(f"header {name!r}: {type(value).__name__} is no type of the wire")
    try:
        raw = row.encode(value)
    except OverflowError:
        raise ValueError(f"header {name!r}: the value does not fit into {row.size} bytes") from None
    encoded_name = name.encode()
    if not 0 < len(encoded_name) <= NAME_MAX:
        raise ValueError(f"header {name!r}: a name has 1 to {NAME_MAX} bytes")
    if len(raw) > VALUE_MAX:
        raise ValueError(f"header {name!r}: a value has at most {VALUE_MAX} bytes")
    size = b"" if row.size is not None else len(raw).to_bytes(2, "big")
    return b"".join((bytes((len(encoded_name),)), encoded_name, bytes((row.code,)), size, raw))

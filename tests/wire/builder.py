"""Frames by hand, right or wrong in any field; shares no code with what it tests."""

from zlib import crc32

KIRO_TEXT = (":event-type", "assistantResponseEvent")
KIRO_TOOL = (":event-type", "toolUseEvent")


def header(name: str | bytes, code: int, raw: bytes = b"", *, size: int | None = None) -> bytes:
    """One header; `size` is what its two length bytes say, for the two types that have them."""
    encoded = name if isinstance(name, bytes) else name.encode()
    length = (
        (len(raw) if size is None else size).to_bytes(2, "big") if code in {6, 7} or size is not None else b""
    )
    return bytes([len(encoded)]) + encoded + bytes([code]) + length + raw


def text(name: str | bytes, value: str | bytes) -> bytes:
    return header(name, 7, value if isinstance(value, bytes) else value.encode())


def kiro_block(event: str = "assistantResponseEvent") -> bytes:
    return (
        text(":event-type", event)
        + text(":content-type", "application/json")
        + text(":message-type", "event")
    )


def prelude(total: int, headers_size: int, checksum: int | None = None) -> bytes:
    lengths = (total & 0xFFFFFFFF).to_bytes(4, "big") + (headers_size & 0xFFFFFFFF).to_bytes(4, "big")
    return lengths + (crc32(lengths) if checksum is None else checksum).to_bytes(4, "big")


def frame(
    block: bytes = b"",
    payload: bytes = b"",
    *,
    total: int | None = None,
    headers_size: int | None = None,
    prelude_checksum: int | None = None,
    checksum: int | None = None,
) -> bytes:
    """One frame; every checksum that is not given is right for what stands before it."""
    begin = prelude(
        len(block) + len(payload) + 16 if total is None else total,
        len(block) if headers_size is None else headers_size,
        prelude_checksum,
    )
    body = begin + block + payload
    return body + (crc32(body) if checksum is None else checksum).to_bytes(4, "big")


def kiro_frame(payload: bytes = b'{"content":"hello world"}', event: str = "assistantResponseEvent") -> bytes:
    return frame(kiro_block(event), payload)


def flipped(data: bytes, *bits: int) -> bytes:
    """`data` with these bits the other way round; bit 0 is the highest bit of the first byte."""
    raw = bytearray(data)
    for bit in bits:
        raw[bit // 8] ^= 0x80 >> bit % 8
    return bytes(raw)

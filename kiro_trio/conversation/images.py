"""How large a picture is, read from the first bytes of its file, and how many tokens that makes."""

import binascii
import re
import struct

# Anthropic's documentation: tokens = width x height / 750, after scaling down to a long edge of 1568 pixels and about
# 1.15 megapixels; so no picture is more than about 1600.
_PIXELS_PER_TOKEN = 750
_LONGEST_EDGE = 1568
MOST_TOKENS = 1600

# Base64 characters to look at: first enough for everything but a JPEG with a preview inside, then for any JPEG.
_LOOKS = (4 * 256, 4 * 128 * 1024)

# JPEG start-of-frame markers, which hold the size: C0-CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset(range(0xD0, 0xD9)) | {0x01}

_WEBP_HEADER = 30

_FILL = re.compile(rb"\xff+")


def image_tokens(data: str) -> int:
    """Tokens of a picture in base64; `MOST_TOKENS` when its size cannot be read."""
    size = image_size(data)
    if size is None:
        return MOST_TOKENS
    width, height = size
    scale = min(1.0, _LONGEST_EDGE / max(width, height))
    return max(1, min(MOST_TOKENS, int(width * height * scale * scale / _PIXELS_PER_TOKEN)))


def image_size(data: str) -> tuple[int, int] | None:
    """Width and height in pixels of a base64 PNG, JPEG, GIF or WebP; None when the header is damaged or unknown.

    Goes by the bytes and not by a declared media type: clients get that wrong.
    """
    for characters in _LOOKS:
        try:
            head = binascii.a2b_base64(data[:characters])
        except (binascii.Error, ValueError):
            return None
        size = _size(head)
        if size is not None or len(data) <= characters:
            return size if size and min(size) > 0 else None
    return None


def _size(head: bytes) -> tuple[int, int] | None:
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", head, 16)
            return width, height
        if head.startswith((b"GIF87a", b"GIF89a")):
            width, height = struct.unpack_from("<HH", head, 6)
            return width, height
        if head.startswith(b"\xff\xd8"):
            return _jpeg_size(head)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _webp_size(head)
    except (struct.error, IndexError):  # the header is longer than what we looked at
        return None
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    position = 2
    while fill := _FILL.match(head, position):
        marker = head[fill.end()]
        position = fill.end() + 1
        if marker in _BARE_MARKERS:
            continue
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", head, position + 3)
            return width, height
        (length,) = struct.unpack_from(">H", head, position)
        position += max(2, length)
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    if len(head) < _WEBP_HEADER:
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None

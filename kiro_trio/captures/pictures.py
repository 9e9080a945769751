"""Files without what they show: of the same kind and size, as far as the kind is known and the size allows.

Who refuses a picture goes by its first bytes, its measures and its size; those stay.
"""

import base64
import binascii
import re
import struct
import zlib

from kiro_trio.conversation.images import image_size

# The smallest pictures of each kind, one grey pixel; the measures are written over where the format has them.
_JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300")
    + b"\x08" * 64
    + bytes.fromhex("ffc0000b080001000101011100ffc40014000100000000000000000000000000000009")
    + bytes.fromhex("ffc40014100100000000000000000000000000000000ffda0008010100003f0037ffd9")
)
_JPEG_MEASURES = _JPEG.index(b"\xff\xc0") + 5
_GIF = bytes.fromhex("47494638396101000100800000808080ffffff2c00000000010001000002024401003b")
_GIF_MEASURES = 6
_WEBP = bytes.fromhex("524946461a000000574542505650384c0d0000002f0000001007101111888808080700")[:34]
_WEBP_BITS = 21
_PDF_OBJECTS = (
    b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n",
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n",
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n",
)

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 50_000_000
_MAGIC = 4
_NOT_BASE64 = re.compile(r"[A-Za-z0-9]")


def without_content(data: str) -> str:
    """Base64 of a file that shows nothing; what is no base64 stays none."""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return _NOT_BASE64.sub("A", data)
    empty = _empty(content[:_MAGIC], image_size(data), len(content))
    return base64.b64encode(empty).decode("ascii")


def _empty(magic: bytes, measures: tuple[int, int] | None, size: int) -> bytes:
    width, height = measures or (1, 1)
    if magic.startswith(b"\x89PNG"):
        return _png(width, height, size)
    if magic.startswith(b"\xff\xd8"):
        return _padded(_written(_JPEG, _JPEG_MEASURES, struct.pack(">HH", height, width)), size)
    if magic == b"GIF8":
        return _padded(_written(_GIF, _GIF_MEASURES, struct.pack("<HH", width, height)), size)
    if magic == b"RIFF" and measures:
        bits = (min(width, 0x4000) - 1) | (min(height, 0x4000) - 1) << 14
        return _padded(_written(_WEBP, _WEBP_BITS, struct.pack("<I", bits)), size)
    if magic == b"%PDF":
        return _pdf(max(0, size - len(_pdf(0))))
    return _padded(magic, size)


def _png(width: int, height: int, size: int) -> bytes:
    """A grey picture; what is missing to the size is in a chunk that readers pass over."""
    rows = b"" if width * height > _MOST_PIXELS else bytes((1 + (width + 7) // 8) * height)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    picture = _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    start = _PNG_SIGNATURE + _chunk(b"IHDR", header)
    missing = size - len(start) - len(picture) - len(_chunk(b"fiLl", b""))
    return _padded(start + (_chunk(b"fiLl", bytes(missing)) if missing >= 0 else b"") + picture, size)


def _pdf(padding: int) -> bytes:
    """A page that is empty; the padding is a comment."""
    data, places = b"%PDF-1.4\n%" + b"-" * padding + b"\n", []
    for piece in _PDF_OBJECTS:
        places.append(b"%010d 00000 n \n" % len(data))
        data += piece
    table = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(places)
    return data + table + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%010d\n%%%%EOF\n" % len(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _written(data: bytes, place: int, over: bytes) -> bytes:
    return data[:place] + over + data[place + len(over) :]


def _padded(data: bytes, size: int) -> bytes:
    return data.ljust(size, b"\0")

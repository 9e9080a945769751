import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.images import MOST_TOKENS, image_size, image_tokens


def chunk(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x06\0\0\0"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"


def jpeg(width: int, height: int, *before: bytes, frame: int = 0xC0) -> bytes:
    size = b"\x08" + struct.pack(">HH", height, width) + b"\x03"
    return b"\xff\xd8" + b"".join(before) + chunk(frame, size) + b"\xff\xd9"


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(body)) + body


def webp_lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height) + b"\0" * 8)


def webp_lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 8)


def webp_extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


FORMATS = [
    png,
    gif,
    jpeg,
    webp_lossy,
    webp_lossless,
    webp_extended,
    lambda width, height: jpeg(
        width, height, chunk(0xE0, b"JFIF\0"), chunk(0xC4, b"x" * 30), b"\xff\xff\xff\x01", frame=0xC2
    ),
    lambda width, height: jpeg(width, height, *[chunk(0xE1, b"preview" * 9000)] * 3),
]


@pytest.mark.parametrize("make", FORMATS, ids=range(len(FORMATS)))
@pytest.mark.parametrize(("width", "height"), [(1, 1), (640, 480), (3, 9999)])
def test_the_size_of_every_format(make, width, height) -> None:
    assert image_size(encoded(make(width, height))) == (width, height)


@pytest.mark.parametrize("make", FORMATS, ids=range(len(FORMATS)))
@given(data=st.data())
def test_damage_is_no_error(make, data) -> None:
    content = make(640, 480)
    cut = content[: data.draw(st.integers(0, min(len(content), 60)))]
    assert image_size(encoded(cut)) in (None, (640, 480))


@given(
    st.text(max_size=40)
    | st.binary(max_size=60).map(encoded)
    | st.binary(max_size=20).map(lambda tail: encoded(b"\xff\xd8\xff" + tail))
)
def test_anything_can_be_looked_at(data) -> None:
    assert 1 <= image_tokens(data) <= MOST_TOKENS


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (750, 100, 100),
        (200, 200, 53),
        (1, 1, 1),
        (1568, 735, 1536),
        (1568, 1568, MOST_TOKENS),
        (3136, 1470, 1536),
        (15680, 10, 2),
    ],
)
def test_tokens_go_by_pixels_after_scaling_down(width, height, tokens) -> None:
    assert image_tokens(encoded(png(width, height))) == tokens


def test_what_cannot_be_read_counts_as_large() -> None:
    assert image_tokens("") == image_tokens("!!!") == image_tokens(encoded(png(0, 5))) == MOST_TOKENS

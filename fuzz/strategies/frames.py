"""Event-stream messages, frames and streams.

What finds faults is structure, not size: a pool of few frames, so that the decoder remembers them; faults put into frames
that are right otherwise; sizes at the edges. Random bytes alone found 9 of 19 broken decoders, these find all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

from hypothesis import strategies as st

from kiro_trio.wire.headers import Int8, Int16, Int32, Int64, Timestamp
from tests.wire.builder import flipped, frame, header, kiro_block, kiro_frame, prelude, text

Draw = Callable[[st.SearchStrategy], object]

_TEXT = st.characters(codec="utf-8")


def _integers(kind: type[int], size: int) -> st.SearchStrategy:
    return st.integers(-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1).map(kind)


header_names = st.sampled_from((":event-type", ":message-type", "x", "é" * 127)) | st.text(
    _TEXT, min_size=1, max_size=40
)
header_values = st.one_of(
    st.text(_TEXT, max_size=30),
    st.booleans(),
    _integers(Int8, 1),
    _integers(Int16, 2),
    _integers(Int32, 4),
    _integers(Int64, 8),
    _integers(Timestamp, 8),
    st.binary(max_size=30),
    st.binary(min_size=16, max_size=16).map(lambda raw: UUID(bytes=raw)),
)
header_maps = st.dictionaries(header_names, header_values, max_size=5)
payloads = st.binary(max_size=60)
messages = st.tuples(header_maps, payloads)

GOOD = (
    kiro_frame(),
    kiro_frame(b'{"content":"other words"}'),
    kiro_frame(b'{"toolUseId":"t","name":"n","input":"{}"}', "toolUseEvent"),
    kiro_frame(b"x" * 200),
    frame(),
    frame(b"", b"p"),
    frame(text("a", "1"), b"same"),
    frame(text("a", "2"), b"same"),
    frame(text("b", "1"), b"same"),
    frame(header("a", 0) + header("b", 9, bytes(16)) + header("c", 6, b"\xff"), b""),
)

_EDGE = st.sampled_from((0, 1, 2, 11, 12, 13, 15, 16, 17, 18))
_WORD = st.one_of(_EDGE, st.sampled_from((0xFFFFFFF0, 0xFFFFFFFF, 1 << 31, 1 << 24)), st.integers(0, 200))


@st.composite
def bit_flips(draw, data: bytes = GOOD[0], most: int = 3) -> bytes:
    bits = draw(st.lists(st.integers(0, len(data) * 8 - 1), min_size=1, max_size=most, unique=True))
    return flipped(data, *bits)


_NAMES = st.sampled_from((b"a", b"b", b"", b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"x" * 255))


@st.composite
def odd_headers(draw) -> bytes:
    """A header with any fields: type, length, and value need not fit each other."""
    code = draw(st.integers(0, 9) | st.sampled_from((10, 127, 255)))
    raw = draw(st.binary(max_size=17) | st.sampled_from((b"\xc0\x80", b"\xf0\x9f")))
    size = draw(st.none() | st.sampled_from((0, 1, 2, 16, 255, 65_535)))
    whole = header(draw(_NAMES), code, raw, size=size)
    return whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole


_GOOD_HEADERS = st.sampled_from((text("a", "1"), text("b", "2"), header("c", 4, bytes(4)), header("d", 0)))


@st.composite
def odd_blocks(draw) -> bytes:
    """A block whose checksums will be right and whose headers need not be."""
    parts = draw(st.lists(_GOOD_HEADERS | odd_headers(), max_size=3))
    return b"".join(parts)


@st.composite
def odd_frames(draw) -> bytes:
    """Lengths and checksums that are right for each other, or wrong in one place."""
    block = draw(st.just(kiro_block()) | odd_blocks())
    payload = draw(payloads)
    size = len(block) + len(payload) + 16
    near = st.integers(size - 18, size + 18).filter(lambda n: n >= 0)
    fields = {
        "total": near | _WORD,
        "headers_size": st.integers(0, size + 1) | _WORD,
        "prelude_checksum": st.sampled_from((0, 0xFFFFFFFF)),
        "checksum": st.sampled_from((0, 0xFFFFFFFF, crc32(block), crc32(payload))),
    }
    wrong = draw(st.sampled_from((None, None, *fields)))
    return frame(block, payload, **({wrong: draw(fields[wrong])} if wrong else {}))


_JUNK = (
    b'{"message":null}',
    b"HTTP/1.1 502 Bad Gateway\r\n",
    bytes(12),
    bytes(64),
    b"\r\n",
    b"\x00",
    b"event: ping\n\n",
)

pieces = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(GOOD),
    odd_frames(),
    bit_flips(),
    st.sampled_from(GOOD).flatmap(lambda raw: st.integers(0, len(raw)).map(lambda n: raw[:n])),
    st.sampled_from(_JUNK),
    st.builds(prelude, _WORD, _WORD),
)
"""Frames, or what stands where a frame should be."""


@dataclass(frozen=True)
class Fed:
    """A stream, where it is cut when it is fed, and the limit of the decoder."""

    data: bytes
    cuts: tuple[int, ...]
    limit: int


_LIMITS = st.sampled_from((25_296_912,) * 5 + (16, 60, 133, 4096))


@st.composite
def fed_streams(draw) -> Fed:
    """Some frames of the pool, mostly; one thing that may be wrong; something behind it."""
    before = draw(st.lists(st.sampled_from(GOOD), max_size=6))
    parts = [*before, *draw(st.lists(pieces, max_size=3))]
    data = b"".join(parts)
    return Fed(data, draw(cuts(parts)), draw(_LIMITS))


@st.composite
def cuts(draw, parts: list[bytes]) -> tuple[int, ...]:
    """Whole, frame by frame, byte by byte, near the frames' edges, in equal pieces, or anywhere."""
    edges, size = [], 0
    for part in parts:
        size += len(part)
        edges.append(size)
    how = draw(st.sampled_from(("whole", "frames", "bytes", "near", "equal", "any")))
    if how == "whole":
        return ()
    if how == "frames":
        return tuple(edges)
    if how == "bytes":
        return tuple(range(1, size))
    if how == "near":
        shift = draw(st.sampled_from((-5, -4, -1, 1, 4, 8, 11, 12, 13)))
        return tuple(sorted({edge + shift for edge in edges if 0 < edge + shift < size}))
    if how == "equal":
        return tuple(range(0, size, draw(st.integers(2, 70))))[1:]
    return tuple(sorted(draw(st.sets(st.integers(1, max(size, 1)), max_size=8))))

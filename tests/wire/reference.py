"""The event-stream decoder once more: strict, slow, and as plain as the format allows.

It sees the whole stream at once and says what must come out of it and when, so that any decoder can be held against it
after any number of bytes.
"""

from dataclasses import dataclass
from zlib import crc32

SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: None, 7: None, 8: 8, 9: 16}


@dataclass(frozen=True)
class Frame:
    """A frame that is right: its header block, its payload, and the number of stream bytes with which it is whole."""

    block: bytes
    payload: bytes
    end: int


@dataclass(frozen=True)
class Broken:
    """Why the stream ends at `offset`, behind `frame` good frames, and the number of bytes that suffice to know it."""

    category: str
    offset: int
    frame: int
    known_at: int


@dataclass(frozen=True)
class Verdict:
    frames: tuple[Frame, ...]
    broken: Broken | None
    size: int

    def after(self, fed: int) -> tuple[int, Broken | None, int]:
        """How many frames are out, what is wrong, and how many bytes are held once `fed` bytes have come."""
        whole = [frame for frame in self.frames if frame.end <= fed]
        if self.broken and self.broken.known_at <= fed:
            return len(whole), self.broken, 0
        return len(whole), None, fed - (whole[-1].end if whole else 0)


def decode(data: bytes, limit: int) -> Verdict:
    frames: list[Frame] = []
    start = 0
    while len(data) - start >= 12:
        total, headers_size = number(data, start, 4), number(data, start + 4, 4)
        category = judge_prelude(data[start : start + 12], limit)
        known_at = start + 12
        if category is None:
            if len(data) - start < total:
                break
            known_at = start + total
            raw = data[start:known_at]
            block = raw[12 : 12 + headers_size]
            category = "message_crc" if crc32(raw[:-4]) != number(raw, total - 4, 4) else judge_block(block)
        if category is not None:
            return Verdict(tuple(frames), Broken(category, start, len(frames), known_at), len(data))
        frames.append(Frame(block, raw[12 + headers_size : -4], known_at))
        start = known_at
    return Verdict(tuple(frames), None, len(data))


def judge_prelude(prelude: bytes, limit: int) -> str | None:
    total, headers_size = number(prelude, 0, 4), number(prelude, 4, 4)
    if crc32(prelude[:8]) != number(prelude, 8, 4):
        return "prelude_crc"
    if total < 16:
        return "total_length"
    if headers_size > total - 16:
        return "headers_length"
    if total > limit:
        return "too_large"
    return None


def judge_block(block: bytes) -> str | None:
    names: set[str] = set()
    rest = block
    while rest:
        category, name, rest = judge_header(rest)
        if category is None and name in names:
            category = "header_duplicate"
        if category is not None:
            return category
        names.add(name)
    return None


def judge_header(block: bytes) -> tuple[str | None, str, bytes]:
    """What is wrong with the first header, its name, and the block without it."""
    name_size, rest = block[0], block[1:]
    if len(rest) < name_size + 1:
        return "header_truncated", "", b""
    raw_name, code, rest = rest[:name_size], rest[name_size], rest[name_size + 1 :]
    if not raw_name:
        return "header_name_empty", "", b""
    if not is_utf8(raw_name):
        return "header_utf8", "", b""
    if code not in SIZES:
        return "header_type", "", b""
    size = SIZES[code]
    if size is None:
        if len(rest) < 2:
            return "header_truncated", "", b""
        size, rest = number(rest, 0, 2), rest[2:]
    if len(rest) < size:
        return "header_truncated", "", b""
    if code == 7 and not is_utf8(rest[:size]):
        return "header_utf8", "", b""
    return None, raw_name.decode(), rest[size:]


def number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True

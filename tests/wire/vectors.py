"""Conformance vectors: bytes, and what must come of them. Ours, and those of the shared folder where it is there.

Ours are made here, by hand from `builder`, and cover every class that the shared ones have: what is expected follows from
how a vector is made, never from what a decoder says.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID
from zlib import crc32

from kiro_trio.wire import MAX_MESSAGE_SIZE
from kiro_trio.wire.headers import Int8, Int16, Int32, Int64, Timestamp
from tests.shared import SHARED
from tests.wire.builder import flipped, frame, header, kiro_block, kiro_frame, prelude, text


@dataclass(frozen=True)
class Expected:
    """One message: its headers as (name, value), in order, its payload, and where its frame ends."""

    headers: tuple[tuple[str, Any], ...]
    payload: bytes | tuple[int, str]
    end: int


@dataclass(frozen=True)
class Vector:
    """`known_at` is the number of bytes with which the fault must have been raised, and before which it cannot be."""

    id: str
    family: str
    data: bytes
    messages: tuple[Expected, ...] = ()
    category: str | None = None
    offset: int = 0
    known_at: int = 0
    limit: int = MAX_MESSAGE_SIZE


KIRO_HEADERS = (
    (":event-type", "assistantResponseEvent"),
    (":content-type", "application/json"),
    (":message-type", "event"),
)
HELLO = b'{"content":"hello world"}'
GOOD = kiro_frame(HELLO)
SMALL = frame(text("h", "v"), b"p")


class _Stream:
    """Puts a vector together: good frames first, then the end."""

    def __init__(self, family: str, name: str, limit: int = MAX_MESSAGE_SIZE) -> None:
        self.family, self.name, self.limit = family, name, limit
        self.data = b""
        self.messages: list[Expected] = []

    def good(
        self, raw: bytes = GOOD, headers: tuple[tuple[str, Any], ...] = KIRO_HEADERS, payload: bytes = HELLO
    ) -> "_Stream":
        self.data += raw
        self.messages.append(Expected(headers, payload, len(self.data)))
        return self

    def end(self, rest: bytes = b"") -> Vector:
        """The bytes end, in the middle of a frame if there is a rest."""
        category = "truncated" if rest else None
        data = self.data + rest
        return self._vector(data, category, len(data))

    def breaks(self, category: str, bad: bytes, known_after: int = 12, rest: bytes = b"") -> Vector:
        """The next frame is bad, and that is known after so many of its bytes."""
        return self._vector(self.data + bad + rest, category, len(self.data) + known_after)

    def _vector(self, data: bytes, category: str | None, known_at: int) -> Vector:
        name = f"{self.family}: {self.name}"
        return Vector(
            name, self.family, data, tuple(self.messages), category, len(self.data), known_at, self.limit
        )


def own() -> list[Vector]:
    return [vector for family in _FAMILIES for vector in family()]


def header_types() -> Iterator[Vector]:
    samples: list[tuple[int, bytes, Any]] = [(0, b"", True), (1, b"", False)]
    for code, kind, size in ((2, Int8, 1), (3, Int16, 2), (4, Int32, 4), (5, Int64, 8), (8, Timestamp, 8)):
        top = 1 << 8 * size - 1
        samples += [
            (code, (value % (2 * top)).to_bytes(size, "big"), kind(value))
            for value in (0, 1, -1, top - 1, -top)
        ]
    samples += [
        (6, b"", b""),
        (6, b"\x00\xff", b"\x00\xff"),
        (7, b"", ""),
        (7, "grüße 🦀".encode(), "grüße 🦀"),
    ]
    samples += [(9, bytes(16), UUID(int=0)), (9, bytes(range(16)), UUID(bytes=bytes(range(16))))]
    for code, raw, value in samples:
        name = f"type {code}, {value!r}"
        yield (
            _Stream("header-type", name)
            .good(frame(header("h", code, raw), b"{}"), (("h", value),), b"{}")
            .end()
        )
    block = b"".join(header(f"h{n}", code, raw) for n, (code, raw, _) in enumerate(samples))
    headers = tuple((f"h{n}", value) for n, (_, _, value) in enumerate(samples))
    yield _Stream("header-type", "all in one frame").good(frame(block, b"{}"), headers, b"{}").end()


def sizes() -> Iterator[Vector]:
    yield _Stream("zero-length", "no headers, no payload").good(frame(), (), b"").end()
    yield _Stream("zero-length", "no headers").good(frame(b"", b"x"), (), b"x").end()
    yield _Stream("zero-length", "no payload").good(frame(text("a", "b")), (("a", "b"),), b"").end()
    stream = _Stream("zero-length", "fifty empty frames")
    for _ in range(50):
        stream.good(frame(), (), b"")
    yield stream.end()
    for name in ("x", "\x00\n", "é" * 127 + "x"):
        yield _Stream("name-length", repr(name)).good(frame(text(name, "v")), ((name, "v"),), b"").end()
    for size in (1, 255, 256, 4096, 32_767, 32_768, 65_535):
        yield (
            _Stream("value-length", f"text of {size}")
            .good(frame(text("s", "x" * size)), (("s", "x" * size),), b"")
            .end()
        )
        raw = header("b", 6, b"\xff" * size)
        yield (
            _Stream("value-length", f"bytes of {size}").good(frame(raw), (("b", b"\xff" * size),), b"").end()
        )
    block = b"".join(text(f"header {n}", "x") for n in range(1025))
    headers = tuple((f"header {n}", "x") for n in range(1025))
    yield _Stream("value-length", "1025 headers").good(frame(block), headers, b"").end()


def bad_headers() -> Iterator[Vector]:
    """Blocks that cannot be read; each without a payload, and with one that must not be read as header."""
    latin, overlong, surrogate, cut, beyond = (
        b"caf\xe9",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf0\x9f\xa6",
        b"\xf4\x90\x80\x80",
    )
    v = text("v", "x")
    cases = [
        ("name-empty", "header_name_empty", "type 0", b"\x00\x00"),
        ("name-empty", "header_name_empty", "type 7, after a good one", v + b"\x00\x07\x00\x01x"),
        *(
            ("invalid-utf8", "header_utf8", f"name {raw!r}", text(raw, "v"))
            for raw in (latin, overlong, surrogate, cut, beyond)
        ),
        *(
            ("invalid-utf8", "header_utf8", f"value {raw!r}", text("n", raw))
            for raw in (latin, overlong, surrogate, cut, beyond)
        ),
        ("header-overrun", "header_truncated", "one byte", b"\x01"),
        ("header-overrun", "header_truncated", "name by one", b"\x03ab\x07"),
        ("header-overrun", "header_truncated", "name of 255", v + b"\xffabc"),
        ("header-overrun", "header_truncated", "no type", b"\x01a"),
        *(
            (
                "header-overrun",
                "header_truncated",
                f"type {code}, {size} of {full}",
                header("a", code, bytes(size)),
            )
            for code, full in ((2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))
            for size in (0, full - 1)
        ),
        *(
            ("header-overrun", "header_truncated", f"type {code}, half a length", b"\x01a" + bytes((code, 0)))
            for code in (6, 7)
        ),
        *(
            ("header-overrun", "header_truncated", f"type {code}, no length", b"\x01a" + bytes((code,)))
            for code in (6, 7)
        ),
        *(
            ("header-overrun", "header_truncated", f"type {code}, by one", header("a", code, b"xyz", size=4))
            for code in (6, 7)
        ),
        ("header-overrun", "header_truncated", "text of 65535", header("a", 7, b"xyz", size=65_535)),
        ("header-overrun", "header_truncated", "a byte too many", v + b"\x00"),
        *(
            ("unknown-type", "header_type", f"{code}", header("h", code, b"abc"))
            for code in (10, 11, 32, 127, 128, 255)
        ),
        ("duplicate-header", "header_duplicate", "other value", text("h", "1") + text("h", "2")),
        ("duplicate-header", "header_duplicate", "other type", text("h", "1") + header("h", 0)),
        ("duplicate-header", "header_duplicate", "not adjacent", text("h", "1") + v + text("h", "1")),
        ("duplicate-header", "header_duplicate", "true and false", header("h", 0) + header("h", 1)),
        (
            "duplicate-header",
            "header_duplicate",
            "event type",
            kiro_block() + text(":event-type", "toolUseEvent"),
        ),
    ]
    for family, category, name, block in cases:
        for payload in (b"", bytes(3) + b"\x01x\x00" * 30):
            raw = frame(block, payload)
            label = f"{name}, payload of {len(payload)}"
            yield _Stream(family, label).breaks(category, raw, len(raw))
            yield _Stream(family, f"{label}, second frame").good().breaks(category, raw, len(raw), GOOD)
    composed, decomposed = "\u00e9", "e\u0301"
    headers = ((composed, "1"), (decomposed, "2"))
    block = text(composed, "1") + text(decomposed, "2")
    yield _Stream("duplicate-header", "no Unicode normalisation").good(frame(block), headers, b"").end()
    raw = frame(kiro_block(), b"\xff\xfe\x00")
    yield _Stream("invalid-utf8", "a payload may be anything").good(raw, KIRO_HEADERS, b"\xff\xfe\x00").end()


def checksums() -> Iterator[Vector]:
    for bit in range(96):
        yield _Stream("prelude-crc", f"bit {bit}").breaks("prelude_crc", flipped(GOOD, bit))
    for name, checksum in (
        ("zero", 0),
        ("of the whole", crc32(GOOD)),
        ("not inverted", crc32(GOOD[:8]) ^ 0xFFFFFFFF),
    ):
        bad = frame(kiro_block(), HELLO, prelude_checksum=checksum)
        yield _Stream("prelude-crc", f"{name}, message checksum over it is right").breaks("prelude_crc", bad)
    yield _Stream("prelude-crc", "length of 1 GiB, 12 bytes").breaks("prelude_crc", flipped(GOOD[:12], 1))
    size = len(GOOD)
    for at in (12, 13, 35, 60, 103, 104, 110, size - 5, size - 4, size - 1):
        for bit in (at * 8, at * 8 + 7):
            yield _Stream("message-crc", f"bit {bit}").breaks("message_crc", flipped(GOOD, bit), size)
    right = crc32(GOOD[:-4])
    wrong = {
        "zero": 0,
        "little-endian": int.from_bytes(right.to_bytes(4, "little"), "big"),
        "without the prelude checksum": crc32(GOOD[12:-4], crc32(GOOD[:8])),
        "of headers and payload": crc32(GOOD[12:-4]),
        "not inverted": right ^ 0xFFFFFFFF,
        "of the prelude": crc32(GOOD[:8]),
    }
    for name, checksum in wrong.items():
        bad = frame(kiro_block(), HELLO, checksum=checksum)
        yield _Stream("message-crc", name).breaks("message_crc", bad, size)
        yield _Stream("message-crc", f"{name}, second frame").good().breaks("message_crc", bad, size, GOOD)
    bad = frame(header("h", 77), b"", checksum=1)
    yield _Stream("message-crc", "before headers").breaks("message_crc", bad, len(bad))


def lengths() -> Iterator[Vector]:
    for total in range(16):
        for size in (0, 1, 4, 0xFFFFFFFF):
            bad = prelude(total, size) + bytes(40)
            yield _Stream("total-length", f"{total}, headers {size}").breaks("total_length", bad)
    yield _Stream("total-length", "15, second frame").good().breaks("total_length", prelude(15, 0), rest=GOOD)
    for total in (16, 17, 133):
        for size in (total - 15, total - 12, total - 1, total, total + 1, 1 << 31, 0xFFFFFFF0, 0xFFFFFFFF):
            bad = prelude(total, size) + bytes(total)
            yield _Stream("headers-length", f"{size} in {total}").breaks("headers_length", bad)
            yield (
                _Stream("headers-length", f"{size} in {total}, second")
                .good()
                .breaks("headers_length", bad, rest=GOOD)
            )
    yield _Stream("headers-length", "all of it").good(frame(kiro_block()), KIRO_HEADERS, b"").end()
    bad = frame(kiro_block(), HELLO, headers_size=len(kiro_block()) - 1)
    yield _Stream("headers-length", "one short").breaks("header_truncated", bad, len(bad))


def limits() -> Iterator[Vector]:
    for size in (16, 17, 1024, 4095, 4096, 5000):
        exact = frame(b"", bytes(size - 16))
        yield _Stream("limit", f"{size} exact", size).good(exact, (), bytes(size - 16)).end()
        yield _Stream("limit", f"{size} and one", size).breaks("too_large", frame(b"", bytes(size - 15)))
        stream = _Stream("limit", f"{size} and one, second frame", size).good(exact, (), bytes(size - 16))
        yield stream.breaks("too_large", frame(b"", bytes(size - 15)))
    yield _Stream("limit", "a frame that others may accept", len(GOOD) - 1).breaks("too_large", GOOD)
    for total in (MAX_MESSAGE_SIZE + 1, 1 << 31, 0xFFFFFFFF):
        yield _Stream("limit", f"{total}, 12 bytes").breaks("too_large", prelude(total, 0))
    block = b"".join(header(f"{n}", 6, bytes(65_000)) for n in range(2)) + header("c", 6, bytes(2000))
    headers = (("0", bytes(65_000)), ("1", bytes(65_000)), ("c", bytes(2000)))
    yield _Stream("limit", "headers over 128 KiB").good(frame(block, b"x"), headers, b"x").end()
    raw = frame(kiro_block(), bytes(1 << 20))
    yield _Stream("limit", "payload of 1 MiB").good(raw, KIRO_HEADERS, bytes(1 << 20)).end()


def endings() -> Iterator[Vector]:
    yield _Stream("truncated", "nothing at all").end()
    for size in (1, 4, 8, 11, 12, 13, 103, 104, 105, len(GOOD) - 4, len(GOOD) - 1):
        yield _Stream("truncated", f"{size} bytes").end(GOOD[:size])
        yield _Stream("truncated", f"{size} bytes after two").good().good().end(GOOD[:size])
    yield _Stream("truncated", "large frame").end(frame(b"", bytes(9000))[:-1])


def garbage() -> Iterator[Vector]:
    junk = {
        "zeros": bytes(16),
        "ones": b"\xff" * 16,
        "line ends": b"\r\n" * 6,
        "json": b'{"message":"Improperly formed request.","reason":null}',
        "html": b"<html><body><h1>502 Bad Gateway</h1></body></html>",
        "xml": b'<?xml version="1.0"?><Error><Code>x</Code></Error>',
        "sse": b'event: message\ndata: {"type":"error"}\n\n',
        "chunk size": b"85\r\n" + GOOD[:20],
        "random": Random(1).randbytes(100),  # noqa: S311  # a repeatable one
    }
    for name, raw in junk.items():
        yield _Stream("garbage", f"{name} first").breaks("prelude_crc", raw, rest=GOOD)
        yield _Stream("garbage", f"{name} between").good().breaks("prelude_crc", raw, rest=GOOD)
    yield _Stream("garbage", "11 zeros at the end").good().end(bytes(11))
    inner = kiro_frame(b'{"toolUseId":"x","stop":true}', "toolUseEvent")
    outer = frame(kiro_block(), b"xx" + inner + b"yy")
    yield _Stream("phantom", "frame inside a payload").good(outer, KIRO_HEADERS, b"xx" + inner + b"yy").end()
    yield _Stream("phantom", "outer prelude is bad").breaks("prelude_crc", flipped(outer, 90), rest=GOOD)
    bad = frame(kiro_block(), b"xx" + inner, headers_size=len(kiro_block()) + len(inner) + 3)
    yield _Stream("phantom", "outer headers are bad").breaks("headers_length", bad, rest=inner)


def many() -> Iterator[Vector]:
    random = Random(7)  # noqa: S311  # a repeatable one
    stream = _Stream("multi-frame", "200 of all sizes")
    for _ in range(200):
        payload = random.randbytes(random.choice((0, 1, 30, 150, 1000)))
        stream.good(kiro_frame(payload), payload=payload)
    yield stream.end()
    stream = _Stream("multi-frame", "headers differ in one byte")
    for n in range(64):
        raw = bytes((n,))
        stream.good(frame(header("a", 6, raw), b"p"), (("a", raw),), b"p")
    yield stream.end()
    stream = _Stream("kiro-stream", "a reply")
    for event, payload in _REPLY:
        headers = ((":event-type", event), *KIRO_HEADERS[1:])
        stream.good(kiro_frame(payload, event), headers, payload)
    yield stream.end()
    # One letter of a tool's input is changed, the rest of the call is whole: to skip the frame would change the call.
    stream = _Stream("kiro-stream", "one bit of a tool call")
    for event, payload in _REPLY[:3]:
        stream.good(kiro_frame(payload, event), ((":event-type", event), *KIRO_HEADERS[1:]), payload)
    bad = flipped(kiro_frame(_REPLY[3][1], _REPLY[3][0]), 900)
    rest = b"".join(kiro_frame(payload, event) for event, payload in _REPLY[4:])
    yield stream.breaks("message_crc", bad, len(bad), rest)
    exception = text(":message-type", "exception") + text(":exception-type", "ThrottlingException")
    headers = ((":message-type", "exception"), (":exception-type", "ThrottlingException"))
    yield (
        _Stream("kiro-stream", "an exception is a message")
        .good(frame(exception, b"{}"), headers, b"{}")
        .good()
        .end()
    )


def warm() -> Iterator[Vector]:
    """The same right after frames that are alike: what a decoder remembers must not hide a fault."""
    size = len(GOOD)
    for count in (1, 2, 3):
        for bit in (*range(100), 104 * 8, 104 * 8 + 7, (size - 5) * 8, (size - 4) * 8, size * 8 - 1):
            stream = _Stream("warm", f"bit {bit} after {count}")
            for _ in range(count):
                stream.good()
            category, known_after = ("prelude_crc", 12) if bit < 96 else ("message_crc", size)
            yield stream.breaks(category, flipped(GOOD, bit), known_after, GOOD)
    for at in range(12, 104, 7):
        yield (
            _Stream("warm", f"header byte {at}")
            .good()
            .breaks("message_crc", flipped(GOOD, at * 8 + 3), size, GOOD)
        )
    yield (
        _Stream("warm", "checksum of the frame before")
        .good()
        .breaks("message_crc", frame(kiro_block(), HELLO[::-1], checksum=crc32(GOOD[:-4])), size)
    )
    bad = frame(kiro_block(), HELLO, prelude_checksum=0)
    yield _Stream("warm", "prelude checksum zero").good().breaks("prelude_crc", bad)
    twins = [(name, text("a", name) + text("b", "x")) for name in ("one", "two", "ten")]
    stream = _Stream("warm", "other headers of the same size")
    for name, block in twins * 4:
        stream.good(frame(block, b"same"), (("a", name), ("b", "x")), b"same")
    yield stream.end()
    stream = _Stream("warm", "the same headers in another order")
    for first, second in (("ab", "ba")) * 4:
        block = text(first, "x") + text(second, "x")
        stream.good(frame(block, b"same"), ((first, "x"), (second, "x")), b"same")
    yield stream.end()
    stream = _Stream("warm", "same size, other split")
    for n in (1, 5, 2, 1, 5):
        stream.good(frame(text("a", "x" * n), bytes(10 - n)), (("a", "x" * n),), bytes(10 - n))
    yield stream.end()
    stream = _Stream("warm", "a frame that says headers are payload")
    whole = kiro_block() + HELLO
    stream.good().good(frame(b"", whole), (), whole).good()
    yield stream.end()
    stream = _Stream("warm", "a bad block after good ones of its size").good(SMALL, (("h", "v"),), b"p")
    bad = frame(text("h", b"\xff"), b"p")
    yield stream.breaks("header_utf8", bad, len(bad), SMALL)
    stream = _Stream("warm", "2500 sizes, then again")
    for size in (*range(2500), *range(0, 2500, 50)):
        stream.good(frame(text("n", "v"), bytes(size)), (("n", "v"),), bytes(size))
    yield stream.end()


_REPLY = (
    ("initial-response", b"{}"),
    ("assistantResponseEvent", '{"content":"Größe "}'.encode()),
    ("toolUseEvent", b'{"toolUseId":"tooluse_1","name":"Bash"}'),
    ("toolUseEvent", b'{"toolUseId":"tooluse_1","name":"Bash","input":"{\\"command\\":"}'),
    ("toolUseEvent", b'{"toolUseId":"tooluse_1","name":"Bash","input":" \\"ls\\"}"}'),
    ("toolUseEvent", b'{"toolUseId":"tooluse_1","name":"Bash","stop":true}'),
    ("meteringEvent", b'{"unit":"credit","usage":0.02}'),
    ("contextUsageEvent", b'{"contextUsagePercentage":12.3}'),
)

_FAMILIES: tuple[Callable[[], Iterator[Vector]], ...] = (
    header_types, sizes, bad_headers, checksums, lengths, limits, endings, garbage, many, warm,
)  # fmt: skip


def shared() -> list[Vector]:
    """The vectors of the shared folder, or none."""
    if SHARED is None or not (SHARED / "vectors").is_dir():
        return []
    manifest = json.loads((SHARED / "vectors" / "manifest.json").read_bytes())
    return [_from_manifest(entry) for entry in manifest["vectors"]]


def _from_manifest(entry: dict[str, Any]) -> Vector:
    expect = entry["expect"]
    messages = tuple(
        Expected(
            tuple((item["name"], _VALUES[item["type"]](item["value"])) for item in message["headers"]),
            base64.b64decode(message["payload_b64"])
            if "payload_b64" in message
            else (message["payload_len"], message["payload_sha256"]),
            message["offset"] + message["total_length"],
        )
        for message in expect["messages"]
    )
    data = _bytes_of(entry)
    error = expect.get("error", {})
    category = error.get("category", "truncated" if expect.get("eof") == "truncated" else None)
    offset = error.get("frame_offset", messages[-1].end if messages else 0)
    limit = entry.get("config", {}).get("max_message", MAX_MESSAGE_SIZE)
    known_at = error.get("detect_by", len(data))
    return Vector(entry["id"], entry["class"], data, messages, category, offset, known_at, limit)


def _bytes_of(entry: dict[str, Any]) -> bytes:
    if "file" in entry:
        assert SHARED is not None
        return (SHARED / "vectors" / entry["file"]).read_bytes()
    return b"".join(
        bytes.fromhex(part["hex"]) if "hex" in part else bytes.fromhex(part["repeat"]) * part["count"]
        for part in entry["parts"]
    )


_VALUES: dict[int, Callable[[Any], Any]] = {
    0: bool, 1: bool, 2: Int8, 3: Int16, 4: Int32, 5: Int64, 6: bytes.fromhex, 7: str, 8: Timestamp, 9: UUID,
}  # fmt: skip

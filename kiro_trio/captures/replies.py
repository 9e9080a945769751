"""Kiro's answers without words: event streams frame by frame, with whatever is damaged damaged as before, and errors."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct
from typing import Any
from zlib import crc32

import msgspec

from kiro_trio.captures.bodies import fill_body
from kiro_trio.captures.filler import Filled, Filler, without_words
from kiro_trio.kiro.events import TEXT_EVENT
from kiro_trio.kiro.faults import TEXTS
from kiro_trio.wire import EventStreamDecoder, WireError
from kiro_trio.wire.message import CHECKSUM_SIZE, FRAME_MIN, PRELUDE_SIZE

_PRELUDE = Struct(">III")
_LENGTHS = Struct(">II")

_PIECES = {
    (TEXT_EVENT, "content"): "prose",
    ("codeEvent", "content"): "prose",
    ("reasoningContentEvent", "text"): "prose",
    ("toolUseEvent", "input"): "json_text",
}
"""Fields that hold pieces of a longer text, by event; a secret or a tag may lie in two of them."""

_QUOTED = re.compile(r"'([^'\n]+)'|`([^`\n]+)`")
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[\d+\])+")
_WORD = re.compile(r"\w+")
_ASCII = 128
_RUN = 3
"""So many words of a prompt in a row in an error are quoted from it."""


@dataclass(slots=True)
class _Frame:
    """One good frame: its headers in bytes, its event, and its payload, parsed if it is JSON; `odd` if only Python takes it for that."""

    head: bytes
    event: str
    raw: bytes
    fields: Any
    odd: bool


def fill_stream(body: bytes, filler: Filler) -> bytes:
    """An event stream, filled; frames stay in number and, as good as always, in size."""
    frames, place = _frames(body)
    _fill_pieces(frames, filler)
    return b"".join(_encoded(frame, filler) for frame in frames) + _fill_damaged(body[place:], filler)


def frames_of(body: bytes) -> list[bytes]:
    """An event stream cut between its frames; what is behind the last good one is one piece."""
    frames, rest = _frames(body)
    pieces, place = [], 0
    for frame in frames:
        size = FRAME_MIN + len(frame.head) + len(frame.raw)
        pieces.append(body[place : place + size])
        place += size
    return [*pieces, *([body[rest:]] if body[rest:] else [])]


def fill_error(body: bytes, filler: Filler) -> bytes:
    """The body of an error: Kiro's own words stay, what it quotes goes."""
    return fill_message(body.decode("utf-8", "replace"), filler).encode()


def fill_message(text: str, filler: Filler) -> str:
    """An error's text: what is quoted from the request goes, but for paths and names; so do secrets."""
    text = filler.mask(text)
    if filler.words:
        return text
    known = [found.span() for pattern, _, _ in TEXTS if (found := pattern.search(text))]
    spans = [*_quotations(text, filler.names), *_echoes(text, "\n".join(filler.filled))]
    letters = list(text)
    for start, end in spans:
        if not any(start < after and before < end for before, after in known):
            letters[start:end] = filler.prose(text[start:end])
    return "".join(letters)


def _quotations(text: str, names: Iterable[str]) -> list[tuple[int, int]]:
    return [
        found.span(found.lastindex or 0)
        for found in _QUOTED.finditer(text)
        if found[found.lastindex or 0] not in names and not _PATH.fullmatch(found[found.lastindex or 0])
    ]


def _echoes(text: str, said: str) -> list[tuple[int, int]]:
    """Where the text has some words in a row that were said."""
    words = [found.span() for found in _WORD.finditer(text)]
    runs = zip(words, words[_RUN - 1 :], strict=False)
    return [(first[0], last[1]) for first, last in runs if text[first[0] : last[1]] in said]


def _frames(body: bytes) -> tuple[list[_Frame], int]:
    """The good frames, and where the first one that is damaged or unfinished begins."""
    frames, place = [], 0
    while len(body) - place >= FRAME_MIN:
        total, head, _ = _PRELUDE.unpack_from(body, place)
        decoder = EventStreamDecoder()
        try:
            messages = list(decoder.receive_data(body[place : place + max(total, FRAME_MIN)]))
        except WireError:
            break
        if not messages:
            break
        payload = messages[0].payload
        event = str(messages[0].headers.get(":event-type", ""))
        block = body[place + PRELUDE_SIZE : place + PRELUDE_SIZE + head]
        frames.append(_Frame(block, event, payload, *_parsed(payload)))
        place += total
    return frames, place


def _parsed(payload: bytes) -> tuple[Any, bool]:
    """What the payload says to whoever reads replies, who takes halves of surrogate pairs and numbers out of range too."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(payload), False
    with suppress(ValueError, RecursionError):
        return json.loads(payload), True
    return None, True


def _fill_pieces(frames: list[_Frame], filler: Filler) -> None:
    """Fill texts that come in pieces as the whole that they are."""
    texts: dict[tuple[str, str, Any], list[dict[str, Any]]] = defaultdict(list)
    for frame in frames:
        for fields in _bare_and_nested(frame):
            for event, name in _PIECES:
                if frame.event == event and isinstance(fields.get(name), str):
                    texts[event, name, fields.get("toolUseId")].append(fields)
    for (event, name, _), holders in texts.items():
        whole = getattr(filler, _PIECES[event, name])("".join(fields[name] for fields in holders))
        for fields in holders:
            fields[name], whole = Filled(whole[: len(fields[name])]), whole[len(fields[name]) :]


def _bare_and_nested(frame: _Frame) -> Iterable[dict[str, Any]]:
    if isinstance(frame.fields, dict):
        yield frame.fields
        if isinstance(nested := frame.fields.get(frame.event), dict):
            yield nested


def _encoded(frame: _Frame, filler: Filler) -> bytes:
    if frame.fields is None:
        text = frame.raw.decode("utf-8", "surrogateescape")
        payload = filler.json_text(text).encode("utf-8", "surrogateescape")
    else:
        fields = _payload(frame.fields, filler)
        payload = json.dumps(fields).encode() if frame.odd else msgspec.json.encode(fields)
    return _frame(frame.head, payload)


def _payload(fields: Any, filler: Filler) -> Any:
    filled = fill_body(fields, filler)
    if isinstance(filled, dict) and isinstance(message := fields.get("message"), str):
        filled["message"] = fill_message(message, filler)
    return filled


def _frame(head: bytes, payload: bytes) -> bytes:
    lengths = _LENGTHS.pack(FRAME_MIN + len(head) + len(payload), len(head))
    prelude = lengths + crc32(lengths).to_bytes(CHECKSUM_SIZE, "big")
    checksum = crc32(payload, crc32(head, crc32(prelude)))
    return b"".join((prelude, head, payload, checksum.to_bytes(CHECKSUM_SIZE, "big")))


def _fill_damaged(data: bytes, filler: Filler) -> bytes:
    """What cannot be read: its lengths and their checksum stay, so that it cannot be read for the same reason."""
    if filler.words and filler.mask(text := data.decode("latin-1")) == text:
        return data
    return data[:PRELUDE_SIZE] + data[PRELUDE_SIZE:].translate(_BYTES)


_BYTES = bytes(ord(without_words(chr(code))) if code < _ASCII else ord("x") for code in range(256))

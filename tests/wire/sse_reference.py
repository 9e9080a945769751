"""Server-sent events once more, from the standard's text: the whole stream at once, line by line."""

import re
from dataclasses import dataclass, field

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|$)")


@dataclass
class Verdict:
    """The events as (name, data, id, end), and what is wrong as (category, offset of the line)."""

    events: list[tuple[str, str, str, int]] = field(default_factory=list)
    broken: tuple[str, int] | None = None
    retry: int | None = None


@dataclass
class _Event:
    name: str = ""
    data: list[str] = field(default_factory=list)
    size: int = 0


def decode(stream: bytes, limit: int) -> Verdict:
    verdict, event, last_id = Verdict(), _Event(), ""
    for match in _LINE.finditer(stream):
        line = match[1].removeprefix(b"\xef\xbb\xbf") if match.start() == 0 else match[1]
        category = _fault(match, line, event.size, limit)
        if category is not None:
            verdict.broken = (category, match.start())
        if category is not None or not match[2]:
            return verdict
        if not line:
            if event.data:
                verdict.events.append((event.name or "message", "\n".join(event.data), last_id, match.end()))
            event = _Event()
        elif not line.startswith(b":"):
            last_id = _read(line, event, last_id, verdict)
    return verdict


def _fault(match: re.Match[bytes], line: bytes, held: int, limit: int) -> str | None:
    if held + len(match[1]) > limit:
        return "too_large"
    if not match[2]:
        return "truncated" if match[1] or held else None
    if not line.startswith(b":"):
        try:
            line.decode()
        except UnicodeDecodeError:
            return "event_utf8"
    return None


def _read(line: bytes, event: _Event, last_id: str, verdict: Verdict) -> str:
    event.size += len(line)
    key, _, value = line.decode().partition(":")
    value = value.removeprefix(" ")
    match key:
        case "data":
            event.data.append(value)
        case "event":
            event.name = value
        case "retry" if re.fullmatch("[0-9]{1,15}", value):
            verdict.retry = int(value)
        case "id" if "\0" not in value:
            return value
    return last_id

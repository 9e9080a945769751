"""Pairing: every tool call has its result in the very next message, and every result has its call.

What does not fit becomes text or gets a stand-in, never nothing. Source: docs/wire.md, "History rules".
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from kiro_trio.conversation.prompt import Document, Image, Text, ToolResult, ToolUse
from kiro_trio.kiro.entries import Entry
from kiro_trio.kiro.tally import Tally

NO_RESULT = "There is no result: the call was not carried out, or its result was lost."
EMPTY_RESULT = "(There was no textual output.)"
_IMAGE_NOTE = "[An image of this result is attached to this message.]"
_DOCUMENT_NOTE = "[A document of this result is attached to this message.]"

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UNFIT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_HASHED = 8
_KEPT = 64 - 1 - _HASHED


def pair(entries: Iterable[Entry], tally: Tally) -> None:
    """Match calls and results in place. The entries alternate, and the last one is the user's."""
    ids = _CallIds(tally)
    waiting: dict[str, deque[str]] = {}
    for entry in entries:
        if entry.assistant:
            waiting = _open_calls(entry, ids, tally)
        else:
            _answer(entry, waiting, tally)


def _open_calls(entry: Entry, ids: "_CallIds", tally: Tally) -> dict[str, deque[str]]:
    """Give every call an id that Kiro takes; return those ids by the client's."""
    waiting: dict[str, deque[str]] = {}
    for index, call in enumerate(entry.calls):
        call_id = ids.fresh(call.id)
        waiting.setdefault(call.id, deque()).append(call_id)
        if _has_empty_key(call.input):
            tally.note("empty key in a tool's input renamed")
            entry.calls[index] = ToolUse(call_id, call.name, _named_keys(call.input))
        elif call_id != call.id:
            entry.calls[index] = ToolUse(call_id, call.name, call.input)
    return waiting


def _answer(entry: Entry, waiting: dict[str, deque[str]], tally: Tally) -> None:
    """Keep the results that answer a call, say the others in words, and stand in for those that are missing."""
    answers: list[ToolResult] = []
    stray: list[str] = []
    for given in entry.results:
        result = _as_text(given, entry.media, tally)
        open_ids = waiting.get(result.tool_use_id)
        if open_ids:
            call_id = open_ids.popleft()
            if result.tool_use_id != call_id:
                result = ToolResult(call_id, result.content, result.is_error)
            answers.append(result)
        else:
            stray += [_in_words(result), "\n"]
            tally.note("tool result without its call put into the text")
    missing = [call_id for open_ids in waiting.values() for call_id in open_ids]
    if missing:
        tally.note("missing tool result stood in for", len(missing))
        answers += [ToolResult(call_id, (Text(NO_RESULT),), is_error=True) for call_id in missing]
    entry.results = answers
    if stray:
        entry.pieces[:0] = stray if entry.pieces else stray[:-1]


def _as_text(result: ToolResult, media: list[Image | Document], tally: Tally) -> ToolResult:
    """The result as one text; its images and documents go to `media`, for a result can only hold text."""
    if len(result.content) == 1 and isinstance(only := result.content[0], Text) and _says(only.text):
        return result
    texts: list[str] = []
    for part in result.content:
        if isinstance(part, Text):
            texts.append(part.text)
        else:
            media.append(part)
            texts.append(_IMAGE_NOTE if isinstance(part, Image) else _DOCUMENT_NOTE)
            tally.note("attachment of a tool result moved to its message")
    text = "\n".join(filter(None, texts))
    return ToolResult(result.tool_use_id, (Text(text if _says(text) else EMPTY_RESULT),), result.is_error)


def _says(text: str) -> bool:
    return bool(text) and not text.isspace()


def _in_words(result: ToolResult) -> str:
    kind = "Error" if result.is_error else "Result"
    said = "".join(part.text for part in result.content if isinstance(part, Text))
    return f"[{kind} of an earlier tool call, {result.tool_use_id or 'without an id'}:]\n{said}"


def _has_empty_key(value: Any) -> bool:
    if isinstance(value, str):
        return False
    if isinstance(value, list):
        return any(map(_has_empty_key, value))
    # An abstract class is slow to say yes.
    return isinstance(value, (dict, Mapping)) and ("" in value or any(map(_has_empty_key, value.values())))


def _named_keys(value: Any) -> Any:
    """`value` without empty keys, which Kiro does not take."""
    if isinstance(value, Mapping):
        return {key or _free_key(value): _named_keys(item) for key, item in value.items()}
    return list(map(_named_keys, value)) if isinstance(value, list) else value


def _free_key(taken: Mapping[str, Any]) -> str:
    key = "_"
    while key in taken:
        key += "_"
    return key


class _CallIds:
    """Hands out ids that are valid and new in the conversation; depends on nothing that comes later in it."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._taken: set[str] = set()
        self._tried: Counter[str] = Counter()

    def fresh(self, call_id: str) -> str:
        """`call_id` itself if it serves, else one like it."""
        if _CALL_ID.fullmatch(call_id) and call_id not in self._taken:
            self._taken.add(call_id)
            return call_id
        self._tally.note("id of a tool call changed")
        base = _UNFIT_IN_ID.sub("_", call_id)[:_KEPT] or "call"
        while True:
            self._tried[call_id] += 1
            seed = f"{self._tried[call_id]}/{call_id}".encode("utf-8", "surrogatepass")
            changed = f"{base}_{sha256(seed).hexdigest()[:_HASHED]}"
            if changed not in self._taken:
                self._taken.add(changed)
                return changed

"""Pairing: every tool call has its result in the very next message, and every result has its call.

What does not fit becomes text or gets a stand-in, never nothing. Source: docs/wire.md, "History rules".
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from kiro_trio.conversation.prompt import Document, Image, Text, ToolResult, ToolUse
from kiro_trio.kiro.entries import Answer, Entry, ModelEntry, UserEntry
from kiro_trio.kiro.tally import Tally

NO_RESULT = "There is no result: the call was not carried out, or its result was lost."
EMPTY_RESULT = "(There was no textual output.)"
_IMAGE_NOTE = "[An image of this result is attached to this message.]"
_DOCUMENT_NOTE = "[A document of this result is attached to this message.]"

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UNFIT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_HASHED = 8
_KEPT = 64 - 1 - _HASHED

# For each id of the client's, those that Kiro is told of calls that have no result yet.
_Waiting = dict[str, deque[str]]


def pair(entries: Iterable[Entry], tally: Tally) -> None:
    """Match calls and results in place. The entries alternate, and the last one is the user's."""
    ids = _CallIds(tally)
    waiting: _Waiting = {}
    for entry in entries:
        if type(entry) is ModelEntry:
            waiting = _open_calls(entry, ids, tally)
        else:
            _answer(entry, waiting, tally)


def _open_calls(entry: ModelEntry, ids: "_CallIds", tally: Tally) -> _Waiting:
    """Give every call an id that Kiro takes."""
    waiting: _Waiting = {}
    for index, call in enumerate(entry.calls):
        call_id = ids.fresh(call.id)
        waiting.setdefault(call.id, deque()).append(call_id)
        if _has_empty_key(call.input):
            tally.note("empty key in a tool's input renamed")
            entry.calls[index] = ToolUse(call_id, call.name, _named_keys(call.input))
        elif call_id != call.id:
            entry.calls[index] = ToolUse(call_id, call.name, call.input)
    return waiting


def _answer(entry: UserEntry, waiting: _Waiting, tally: Tally) -> None:
    """Keep the results that answer a call, say the others in words, and stand in for those that are missing."""
    answers = entry.answers
    stray: list[str] = []
    for result in entry.results:
        text = _text(result, entry.media, tally)
        if open_ids := waiting.get(result.tool_use_id):
            answers.append(Answer(open_ids.popleft(), text, result.is_error))
        else:
            stray += [_in_words(result, text), "\n"]
            tally.note("tool result without its call put into the text")
    if any(waiting.values()):
        missing = [call_id for open_ids in waiting.values() for call_id in open_ids]
        tally.note("missing tool result stood in for", len(missing))
        answers += [Answer(call_id, NO_RESULT, is_error=True) for call_id in missing]
    if stray:
        entry.pieces[:0] = stray if entry.pieces else stray[:-1]


def _text(result: ToolResult, media: list[Image | Document], tally: Tally) -> str:
    """The result as one text; its images and documents go to `media`."""
    if len(result.content) == 1 and type(only := result.content[0]) is Text:
        return only.text if _says(only.text) else EMPTY_RESULT
    texts: list[str] = []
    for part in result.content:
        if isinstance(part, Text):
            texts.append(part.text)
        else:
            media.append(part)
            texts.append(_IMAGE_NOTE if isinstance(part, Image) else _DOCUMENT_NOTE)
            tally.note("attachment of a tool result moved to its message")
    text = "\n".join(filter(None, texts))
    return text if _says(text) else EMPTY_RESULT


def _says(text: str) -> bool:
    return bool(text) and not text.isspace()


def _in_words(result: ToolResult, text: str) -> str:
    kind = "Error" if result.is_error else "Result"
    return f"[{kind} of an earlier tool call, {result.tool_use_id or 'without an id'}:]\n{text}"


def _has_empty_key(value: Any) -> bool:
    """Whether a piece of JSON has an empty key somewhere."""
    if type(value) is dict:
        return "" in value or any(map(_has_empty_key, value.values()))
    return type(value) is list and any(map(_has_empty_key, value))


def _named_keys(value: Any) -> Any:
    """`value` without empty keys, which Kiro does not take."""
    if type(value) is dict:
        return {key or _free_key(value): _named_keys(item) for key, item in value.items()}
    return list(map(_named_keys, value)) if type(value) is list else value


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

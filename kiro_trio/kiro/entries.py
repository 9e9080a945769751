"""Entries: the turns of a conversation grouped as Kiro wants to see them, before calls and results are matched.

Who speaks a block follows from its kind first (the model calls and thinks, the user brings results and images), then
from its turn. So results in the middle of an assistant's turn split it, and nothing stands where Kiro has no place for it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct

from kiro_trio.conversation.prompt import (
    Block,
    Document,
    Image,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from kiro_trio.kiro.tally import Tally

_USERS = (ToolResult, Image, Document)
_MODELS = (ToolUse, Thinking, RedactedThinking)

# Claude Code itself says in these tags what it has to say to the model between the user's words.
_SYSTEM_BEGIN, _SYSTEM_END = "<system-reminder>", "</system-reminder>"

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Handback:
    """What becomes of earlier thinking: `native` keeps what is signed, `tags` writes the rest into the text."""

    native: bool = False
    tags: bool = False


class Entry(Struct):
    """One message of the history, still open. `pieces` make its text."""

    assistant: bool
    pieces: list[str] = []
    reasoning: Thinking | RedactedThinking | None = None
    calls: list[ToolUse] = []
    results: list[ToolResult] = []
    media: list[Image | Document] = []

    def say(self, text: str, separator: str) -> None:
        """Add to the text, behind `separator` if there is text already."""
        if self.pieces:
            self.pieces.append(separator)
        self.pieces.append(text)

    @property
    def text(self) -> str:
        """What was said, "" if it is nothing but blanks."""
        text = "".join(self.pieces)
        return "" if text.isspace() else text


def as_system(text: str) -> str:
    """Words of the client's program (not of its user) as a part of a user's message."""
    return text if text.startswith(_SYSTEM_BEGIN) else f"{_SYSTEM_BEGIN}\n{text}\n{_SYSTEM_END}"


def group(turns: Iterable[Turn], handback: Handback, tally: Tally) -> list[Entry]:
    """Group all blocks into entries that alternate; an entry that would be empty is never begun."""
    grouping = _Grouping(handback, tally)
    for turn in turns:
        if turn.role == "system":
            grouping.add_system(turn)
        else:
            grouping.add(turn)
    return grouping.finish()


class _Grouping:
    def __init__(self, handback: Handback, tally: Tally) -> None:
        self._handback = handback
        self._tally = tally
        self._entries: list[Entry] = []
        # Native thinking waits for the words or calls that it led to: Kiro has no message of thinking alone.
        self._reasoning: Thinking | RedactedThinking | None = None

    def add(self, turn: Turn) -> None:
        joined = False
        for block in turn.blocks:
            if not isinstance(block, Text):
                self._other(block)
                joined = False
            elif turn.role == "assistant":
                joined = self._answer(block.text, joined=joined and not block.apart) or joined
                joined = joined and not block.apart
            elif not _blank(block.text):
                self._entry(assistant=False).say(block.text, "\n")

    def add_system(self, turn: Turn) -> None:
        text = "\n".join(
            block.text for block in turn.blocks if isinstance(block, Text) and not _blank(block.text)
        )
        if text:
            self._tally.note("system message put into the user's")
            self._entry(assistant=False).say(as_system(text), "\n")
        for block in turn.blocks:
            if not isinstance(block, Text):
                self._other(block)

    def finish(self) -> list[Entry]:
        self._leave_thinking()
        return self._entries

    def _entry(self, *, assistant: bool) -> Entry:
        if not assistant and self._reasoning is not None:
            self._leave_thinking()
        entry = self._entries[-1] if self._entries else None
        if entry is None or entry.assistant is not assistant:
            entry = Entry(assistant)
            self._entries.append(entry)
        if assistant and self._reasoning is not None and entry.reasoning is None:
            entry.reasoning, self._reasoning = self._reasoning, None
        return entry

    def _answer(self, text: str, *, joined: bool) -> bool:
        """Add words of the model's; `joined` to the ones before, as pieces of one answer are."""
        # A blank between two pieces of an answer belongs to it; alone it is nothing.
        if _blank(text) and not joined:
            return False
        self._entry(assistant=True).say(text, "" if joined else "\n\n")
        return True

    def _other(self, block: Block) -> None:
        match block:
            case ToolResult():
                self._entry(assistant=False).results.append(block)
            case ToolUse():
                self._entry(assistant=True).calls.append(block)
            case Image() | Document():
                self._entry(assistant=False).media.append(block)
            case Thinking() | RedactedThinking():
                self._thinking(block)
            case _:
                raise TypeError(f"unknown block {type(block).__name__}")

    def _thinking(self, block: Thinking | RedactedThinking) -> None:
        begun = self._entries[-1] if self._entries and self._entries[-1].assistant else None
        taken = self._reasoning is not None or (begun is not None and begun.reasoning is not None)
        if self._handback.native and not taken and _is_sealed(block):
            self._reasoning = block
            if begun is not None:
                self._entry(assistant=True)
        elif isinstance(block, Thinking) and (self._handback.tags or _blank(block.text)):
            if not _blank(block.text):
                self._entry(assistant=True).say(f"<thinking>{block.text}</thinking>", "\n\n")
        else:
            self._tally.note("earlier thinking left out")

    def _leave_thinking(self) -> None:
        if self._reasoning is not None:
            self._reasoning = None
            self._tally.note("earlier thinking left out")


def _is_sealed(block: Thinking | RedactedThinking) -> bool:
    """Whether the block carries what its maker needs to know it again."""
    return bool(block.signature) if isinstance(block, Thinking) else _BASE64.fullmatch(block.data) is not None


def _blank(text: str) -> bool:
    return not text or text.isspace()

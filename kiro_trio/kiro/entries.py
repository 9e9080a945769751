"""Entries: the turns of a conversation grouped as Kiro wants to see them, before calls and results are matched.

Who speaks a block follows from its kind first (the model calls and thinks, the user brings results and images), then
from its turn. So results in the middle of an assistant's turn split it, and nothing stands where Kiro has no place for it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

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

# Claude Code itself says in these tags what it has to say to the model between the user's words.
_SYSTEM_BEGIN, _SYSTEM_END = "<system-reminder>", "</system-reminder>"

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Handback:
    """What becomes of earlier thinking: `native` keeps what is signed, `tags` writes the rest into the text."""

    native: bool = False
    tags: bool = False


class _Entry(Struct, gc=False):
    pieces: list[str] = []

    def say(self, text: str, separator: str) -> None:
        """Add to the text, behind `separator` if there is text already."""
        if self.pieces:
            self.pieces.append(separator)
        self.pieces.append(text)

    @property
    def text(self) -> str:
        """What was said, "" if it is nothing but blanks."""
        text = "".join(self.pieces) if self.pieces else ""
        return "" if text.isspace() else text


@final
class Answer(Struct, frozen=True, gc=False):
    """The one result of a call, by the call's id: a text, for a result can hold nothing else."""

    tool_use_id: str
    text: str
    is_error: bool


@final
class UserEntry(_Entry):
    """A user's message of the history, still open; `pieces` make its text, `results` wait to become `answers`."""

    results: list[ToolResult] = []
    answers: list[Answer] = []
    media: list[Image | Document] = []

    def turn(self) -> Turn:
        """The message, when all is in it."""
        results = [ToolResult(made.tool_use_id, (Text(made.text),), made.is_error) for made in self.answers]
        text = self.text
        words = (Text(text),) if text else ()
        return Turn("user", (*results, *words, *self.media))


@final
class ModelEntry(_Entry):
    """A message of the model, still open; `pieces` make its text."""

    reasoning: Thinking | RedactedThinking | None = None
    calls: list[ToolUse] = []

    def turn(self) -> Turn:
        """The message, when all is in it."""
        text = self.text
        words = (Text(text),) if text else ()
        thinking = (self.reasoning,) if self.reasoning else ()
        return Turn("assistant", (*thinking, *words, *self.calls))


Entry = UserEntry | ModelEntry


def as_system(text: str) -> str:
    """Words of the client's program (not of its user) as a part of a user's message."""
    return text if text.startswith(_SYSTEM_BEGIN) else f"{_SYSTEM_BEGIN}\n{text}\n{_SYSTEM_END}"


def group(turns: Iterable[Turn], handback: Handback, tally: Tally) -> list[Entry]:
    """Group all blocks into entries that alternate; an entry that would be empty is never begun."""
    grouping = _Grouping(handback, tally)
    for turn in turns:
        if turn.role == "user":
            grouping.add_words(turn)
        elif turn.role == "assistant":
            grouping.add_answer(turn)
        else:
            grouping.add_system(turn)
    return grouping.finish()


class _Grouping:
    def __init__(self, handback: Handback, tally: Tally) -> None:
        self._handback = handback
        self._tally = tally
        self._entries: list[Entry] = []
        self._open: Entry | None = None  # the last of them
        # Native thinking waits for the words or calls that it led to: Kiro has no message of thinking alone.
        self._reasoning: Thinking | RedactedThinking | None = None

    def add_answer(self, turn: Turn) -> None:
        joined = False  # whether the next words go on from the last ones, as pieces of one answer do
        for block in turn.blocks:
            if type(block) is Text:
                joined = joined and not block.apart
                # A blank between two pieces of an answer belongs to it; alone it is nothing.
                if joined or not _blank(block.text):
                    self._model().say(block.text, "" if joined else "\n\n")
                    joined = not block.apart
            else:
                self._other(block)
                joined = False

    def add_words(self, turn: Turn) -> None:
        for block in turn.blocks:
            if type(block) is not Text:
                self._other(block)
            elif not _blank(block.text):
                self._user().say(block.text, "\n")

    def add_system(self, turn: Turn) -> None:
        text = "\n".join(
            block.text for block in turn.blocks if isinstance(block, Text) and not _blank(block.text)
        )
        if text:
            self._tally.note("system message put into the user's")
            self._user().say(as_system(text), "\n")
        for block in turn.blocks:
            if not isinstance(block, Text):
                self._other(block)

    def finish(self) -> list[Entry]:
        self._leave_thinking()
        return self._entries

    def _user(self) -> UserEntry:
        if self._reasoning is not None:
            self._leave_thinking()
        entry = self._open
        if type(entry) is not UserEntry:
            entry = self._open = UserEntry()
            self._entries.append(entry)
        return entry

    def _model(self) -> ModelEntry:
        entry = self._open
        if type(entry) is not ModelEntry:
            entry = self._open = ModelEntry()
            self._entries.append(entry)
        if self._reasoning is not None and entry.reasoning is None:
            entry.reasoning, self._reasoning = self._reasoning, None
        return entry

    def _other(self, block: Block) -> None:
        if type(block) is ToolResult:
            self._user().results.append(block)
        elif type(block) is ToolUse:
            self._model().calls.append(block)
        elif type(block) is Image or type(block) is Document:
            self._user().media.append(block)
        elif type(block) is not Text:
            self._thinking(block)

    def _thinking(self, block: Thinking | RedactedThinking) -> None:
        begun = self._open if type(self._open) is ModelEntry else None
        taken = self._reasoning is not None or (begun is not None and begun.reasoning is not None)
        if self._handback.native and not taken and _is_sealed(block):
            self._reasoning = block
            if begun is not None:
                self._model()
        elif isinstance(block, Thinking) and (self._handback.tags or _blank(block.text)):
            if not _blank(block.text):
                self._model().say(f"<thinking>{block.text}</thinking>", "\n\n")
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

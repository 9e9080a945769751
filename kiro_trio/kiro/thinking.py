"""Thinking that a model writes into its text between tags, told apart from the answer, in whatever pieces it comes."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from kiro_trio.conversation.reply import TextDelta, ThinkingDelta

# The first is the one that Kiro's own prompt tags lead to; other model families know only theirs.
TAGS = ("thinking", "think", "reasoning")

_QUOTES = frozenset("`\"'")
_FENCE = r"(?<=\n)[ \t]{0,8}(?P<fence>```|~~~)"
_PARTIAL_FENCE = r"(?:\n|(?<=\n))[ \t]{0,8}(?:`{0,2}|~{0,2})\Z"
_LONGEST_PARTIAL_FENCE = 11

Span = TextDelta | ThinkingDelta


class Phase(Enum):
    """Where in a segment of text the splitter is."""

    OPENING = "nothing visible was said yet, so an opening tag may still come"
    OPENED = "right behind the opening tag, where one newline is layout"
    INSIDE = "the model is thinking"
    CLOSED = "right behind the closing tag, where white space is layout"
    ANSWER = "everything is text until the segment ends"


class Verdict(Enum):
    """What a closing tag inside thinking is."""

    CLOSES = "it ends the thinking"
    QUOTED = "the model speaks of it"
    UNDECIDED = "that depends on what comes next"


@dataclass(frozen=True, slots=True)
class ClosingTag:
    """`text` such as `</thinking>`, and the patterns that find it.

    `marks` finds the tag or a code fence; `partial`, at the end of a text, what may be the beginning of either, and
    `longest` is how many characters such a beginning can have.
    """

    text: str
    marks: re.Pattern[str]
    partial: re.Pattern[str]
    longest: int


class ThinkingSplitter:
    """Splits a model's text into thinking and answer.

    A *segment* is the text from the start of a reply, or from a tool call or a native event, to the next one. Only at
    its very start, behind optional white space, does a tag open thinking; a tag further down is a word of the answer.
    The closing tag ends it unless it is quoted: the same quote character on both sides, or inside a fenced code block.
    Even in a code block a closing tag that has a line of its own ends the thinking when an empty line or the end of the
    segment follows: models forget to close a block more often than they quote just that, and the price of a missed end
    is the whole answer. White space around the tags is dropped: all of it outside, one newline on either side inside.
    Nothing else is lost, and nothing is added. Source: docs/wire.md, "Thinking and effort".

    A segment of white space alone says nothing and is dropped. The result does not depend on how the text is cut into
    pieces, save for where deltas begin and end. Time is linear. What is held back is at most a closing tag with the
    newlines around it, and the white space at the start of a segment.

    With `tags=()` everything is text. That is right for a model that was not asked to think between tags: whoever finds
    the tags in such a reply has asked for them in words of their own (it is an old prompting technique) and looks for
    them in the text; and nothing is lost by showing them.
    """

    _phase: Phase
    _held: str  # not decided yet
    _blank: list[str]  # white space at the start of the segment
    _closing: ClosingTag | None  # what ends the thinking
    _before: str  # the character before what is held
    _fence: str  # the fence of the code block that the thinking is in, or ""

    def __init__(self, tags: tuple[str, ...] = TAGS) -> None:
        self._closings = {f"<{tag}>": _closing_tag(f"</{tag}>") for tag in tags}
        self._begin()

    def feed(self, text: str) -> list[Span]:
        """Take in more text and give what is decided; deltas are never empty."""
        if self._phase is Phase.ANSWER:
            return [TextDelta(text)] if text else []
        spans: list[Span] = []
        rest = self._held + text
        self._held = ""
        while rest:
            rest = _STEPS[self._phase](self, rest, spans)
        return spans

    def end(self) -> list[Span]:
        """End the segment: give what was held back. The next `feed` begins a new segment."""
        held, blank, closing = self._held, self._blank, self._closing
        self._begin()
        if not held:
            return []
        if closing is None:
            return [TextDelta("".join(blank) + held)]
        return [] if closing.text in held else [ThinkingDelta(held)]

    def _begin(self) -> None:
        self._phase = Phase.OPENING
        self._held = ""
        self._blank = []
        self._closing = None
        self._before = ""
        self._fence = ""

    def _opening_step(self, text: str, spans: list[Span]) -> str:
        visible = text.lstrip()
        self._blank.append(text[: len(text) - len(visible)])
        for opening, closing in self._closings.items():
            if visible.startswith(opening):
                self._closing, self._phase = closing, Phase.OPENED
                return visible[len(opening) :]
        if any(opening.startswith(visible) for opening in self._closings):
            self._held = visible
            return ""
        if visible:
            self._phase = Phase.ANSWER
            spans.append(TextDelta("".join(self._blank) + visible))
        return ""

    def _opened_step(self, text: str, _spans: list[Span]) -> str:
        self._phase, self._before = Phase.INSIDE, "\n"
        return text.removeprefix("\n")

    def _inside_step(self, text: str, spans: list[Span]) -> str:
        closing = self._closing
        assert closing is not None  # noqa: S101 - by the phase
        text = self._before + text  # so index 0 is context, and what we may give begins at 1
        position = 1
        while mark := closing.marks.search(text, position):
            position = mark.end()
            if fence := mark["fence"]:
                self._fence = "" if self._fence == fence else self._fence or fence
                continue
            verdict = self._judge(text, mark)
            if verdict is Verdict.QUOTED:
                continue
            end = mark.start() - (text[mark.start() - 1] == "\n" and mark.start() > 1)
            if verdict is Verdict.UNDECIDED:
                return self._hold(text, end, spans)
            if end > 1:
                spans.append(ThinkingDelta(text[1:end]))
            self._phase = Phase.CLOSED
            return text[mark.end() :]
        partial = closing.partial.search(text, max(1, len(text) - closing.longest))
        return self._hold(text, partial.start() if partial else len(text), spans)

    def _closed_step(self, text: str, spans: list[Span]) -> str:
        if text := text.lstrip():
            self._phase = Phase.ANSWER
            spans.append(TextDelta(text))
        return ""

    def _judge(self, text: str, tag: re.Match[str]) -> Verdict:
        before, after = text[tag.start() - 1], text[tag.end() : tag.end() + 2]
        if self._fence:
            if before != "\n" or not "\n\n".startswith(after):
                return Verdict.QUOTED
            return Verdict.CLOSES if after == "\n\n" else Verdict.UNDECIDED
        if before not in _QUOTES:
            return Verdict.CLOSES
        if not after:
            return Verdict.UNDECIDED
        return Verdict.QUOTED if after[0] == before else Verdict.CLOSES

    def _hold(self, text: str, end: int, spans: list[Span]) -> str:
        """Give the thinking before `end` and keep the rest for later."""
        if end > 1:
            spans.append(ThinkingDelta(text[1:end]))
        self._before, self._held = text[end - 1], text[end:]
        return ""


_STEPS = {
    Phase.OPENING: ThinkingSplitter._opening_step,  # noqa: SLF001
    Phase.OPENED: ThinkingSplitter._opened_step,  # noqa: SLF001
    Phase.INSIDE: ThinkingSplitter._inside_step,  # noqa: SLF001
    Phase.CLOSED: ThinkingSplitter._closed_step,  # noqa: SLF001
}


@cache
def _closing_tag(text: str) -> ClosingTag:
    beginning = ""  # every proper beginning of the tag, the empty one included: (?:a(?:b(?:c)?)?)?
    for character in reversed(text[:-1]):
        beginning = f"(?:{re.escape(character)}{beginning})?"
    return ClosingTag(
        text,
        marks=re.compile(f"(?P<tag>{re.escape(text)})|{_FENCE}"),
        partial=re.compile(rf"\n?{beginning}\Z|{_PARTIAL_FENCE}"),
        longest=max(len(text), _LONGEST_PARTIAL_FENCE),
    )

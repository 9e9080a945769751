"""However a model's text is cut: the same thinking and the same answer, no character lost or invented, little held back.

Lost are the tags and the white space round them, and a segment of white space alone; with those put back, it is the text. Held back is
less than a closing tag with the newlines round it, or white space before the first word. Without tags to look for, everything is
text.
"""

import re
from collections.abc import Callable

from hypothesis import strategies as st

from fuzz.strategies import pieces
from fuzz.strategies.thoughts import thoughts
from kiro_trio.conversation.reply import ThinkingDelta
from kiro_trio.kiro.thinking import TAGS, Phase, ThinkingSplitter

BOUNDED = 300
EXAMPLES = st.tuples(st.lists(thoughts, min_size=1, max_size=3), pieces.cuts)
"""Segments of a reply, between which a tool was called, and where they are cut."""

_LONGEST_OPENING = max(len(f"<{tag}>") for tag in TAGS)
_LONGEST_CLOSING = _LONGEST_OPENING + len("/") + 2 * len("\n")


def check(
    example: tuple[list[str], list[int]], new: Callable[..., ThinkingSplitter] = ThinkingSplitter
) -> None:
    segments, places = example
    splitter, letters = new(), new()
    for segment in segments:
        whole = joined(_split(splitter, pieces.cut(segment, places)))
        assert joined(_split(letters, list(segment))) == whole
        assert joined(_split(new(), [segment])) == whole
        _check_nothing_lost(segment, whole)
        _check_little_held(segment, new())
        plain = joined(_split(new(()), pieces.cut(segment, places)))
        assert plain == ([("X", segment)] if segment.strip() else [])


def _split(splitter, parts: list[str]) -> list:
    """Feed a segment and end it."""
    spans = [span for part in parts for span in splitter.feed(part)]
    return spans + splitter.end()


def joined(spans) -> list[tuple[str, str]]:
    """Neighbours of one kind as one: thinking is T, the answer X."""
    runs: list[tuple[str, str]] = []
    for span in spans:
        assert span.text, "an empty delta"
        kind = "T" if isinstance(span, ThinkingDelta) else "X"
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + span.text)
        else:
            runs.append((kind, span.text))
    return runs


def _check_nothing_lost(text: str, runs: list[tuple[str, str]]) -> None:
    assert [kind for kind, _ in runs] in ([], ["T"], ["X"], ["T", "X"])
    said = dict(runs)
    answer, thought = said.get("X", ""), said.get("T", "")
    if answer == text or not text.strip():
        return
    assert not answer[:1].isspace()
    end = rf"(?:\n?</\1>\s*{re.escape(answer)})" + ("" if answer else "?")
    assert re.fullmatch(rf"\s*<({'|'.join(TAGS)})>\n?{re.escape(thought)}{end}\s*", text)


def _check_little_held(text: str, splitter: ThinkingSplitter) -> None:
    given = 0
    for read, letter in enumerate(text, 1):
        given += sum(len(span.text) for span in splitter.feed(letter))
        phase = Phase[splitter._phase.name]
        held = len(splitter._held)
        if phase is Phase.ANSWER:
            assert not held
            assert "<" in text[:read] or given == read
        elif phase is Phase.OPENING:
            assert held < _LONGEST_OPENING
        else:
            assert held < _LONGEST_CLOSING

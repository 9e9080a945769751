"""Replies that come in awkward pieces: characters cut in two, and calls that never end between words."""

import sys

import pytest

from kiro_trio.conversation.reply import ReplyEvent, TextDelta, ThinkingDelta, ToolCall
from kiro_trio.kiro.response import ReplyReader
from kiro_trio.wire import Message
from tests.kiro.replies import call, coalesced, raw, read, reader, reasoning, said, text, tool

GRIN = "\U0001f600"


def halves(kind: str, before: str, after: str, **fields: str) -> list[Message]:
    """Two events between which a character is cut in two."""
    known = "".join(f'"{name}":"{value}",' for name, value in fields.items())
    field = {"toolUseEvent": "input", "assistantResponseEvent": "content"}.get(kind, "text")
    texts = (before + "\\ud83d", "\\ude00" + after)
    return [raw(kind, f'{{{known}"{field}":"{text}"}}'.encode()) for text in texts]


def test_a_character_that_is_cut_in_two_is_whole_again() -> None:
    messages = [
        *halves("reasoningContentEvent", "a", "b"),
        *halves("assistantResponseEvent", "c", "d"),
        *halves("toolUseEvent", '{\\"e\\":\\"', '\\"}', toolUseId="t1", name="Read"),
    ]
    for events, reading in (read(messages), one_by_one(messages)):
        assert reading.failure is None
        assert coalesced(said(events)) == [
            ThinkingDelta(f"a{GRIN}b"),
            TextDelta(f"c{GRIN}d"),
            ToolCall("t1", "Read", f'{{"e":"{GRIN}"}}'),
        ]


@pytest.mark.parametrize("rest", [[], [text("x")], [reasoning(text="y")], call("t1", "Read", "{}")], ids=str)
@pytest.mark.parametrize("kind", ["reasoningContentEvent", "assistantResponseEvent"])
def test_half_a_character_is_marked_and_costs_nothing_else(kind: str, rest: list[Message]) -> None:
    messages = [text("A"), halves(kind, "a", "")[0], *rest]
    for events, reading in (read(messages), one_by_one(messages)):
        assert reading.failure is None
        words = [item.text for item in events if isinstance(item, TextDelta | ThinkingDelta)]
        assert "".join(words).startswith("Aa\ufffd")


def one_by_one(messages: list[Message]) -> tuple[list[ReplyEvent], ReplyReader]:
    """As `read`, with a read for each message."""
    reading = reader()
    events = [event for message in messages for event in reading.read([message])]
    return events + reading.close(), reading


def test_words_beside_calls_without_an_end_cost_no_more_for_every_call() -> None:
    """The calls that wait are not looked at again and again."""

    def steps(count: int) -> int:
        reading = reader()
        messages = [message for number in range(count) for message in (tool(str(number)), text("x"))]
        entered = 0

        def profile(_frame, what, _argument) -> None:
            nonlocal entered
            entered += what == "call"

        sys.setprofile(profile)
        try:
            for message in messages:
                reading.read([message])
        finally:
            sys.setprofile(None)
        return entered

    assert steps(400) < 4.4 * steps(100)

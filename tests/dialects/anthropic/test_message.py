import json
import typing

import pytest

from kiro_trio.conversation.reply import (
    Finished,
    ReplyEvent,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    Usage,
)
from kiro_trio.dialects.anthropic.blocks import BlockWriter
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.signature import UNSIGNED

END = [Usage(input_tokens=40, output_tokens=7, credits=0.5), Finished(StopReason.END_TURN)]


def fold(events, batches=None) -> bytes:
    message = MessageFold("msg_1", "m", 12)
    for batch in batches or [events]:
        assert message.translate(batch) == b""
    return message.result()


def test_every_kind_of_reply_event_is_written():
    assert set(typing.get_args(ReplyEvent)) == set(BlockWriter._WRITERS)


def test_a_message_as_it_is_sent():
    call = ToolCall(
        "t", "Write", '{"path": "a", "n": 1.0000000000000000001, "big": 1e400, "text": "é🎉\\u2028"}'
    )
    events = [ThinkingDelta("hm"), TextDelta("a"), TextDelta("b"), call, *END]
    message = fold(events)

    assert call.input_json.encode() in message  # not a digit of it may change
    assert json.loads(message, parse_float=str) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": UNSIGNED},
            {"type": "text", "text": "ab"},
            {
                "type": "tool_use",
                "id": "t",
                "name": "Write",
                "input": {"path": "a", "n": "1.0000000000000000001", "big": "1e400", "text": "é🎉\u2028"},
            },
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 40, "output_tokens": 7},
        "kiro": {"credits": "0.5"},
    }


def test_half_a_surrogate_pair_survives_in_text_and_input():
    message = json.loads(fold([TextDelta("a\ud83d"), ToolCall("t", "n", '{"a":"\ud83d"}'), *END]))
    assert [message["content"][0]["text"], message["content"][1]["input"]] == ["a\ud83d", {"a": "\ud83d"}]


def test_a_reply_that_is_not_whole_has_no_message():
    message = MessageFold("msg_1", "m", 12)
    message.translate([TextDelta("a")])
    with pytest.raises(RuntimeError, match="not whole"):
        message.result()


def test_nothing_is_handed_out_before_the_message():
    message = MessageFold("msg_1", "m", 12)
    message.translate([ToolCall("t", "n", "{}")])
    assert message.keepalive() + message.error("api_error", "x") == b""
    assert not message.closed_tool

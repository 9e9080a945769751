import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from fuzz.strategies import reply_events
from kiro_trio.conversation.reply import (
    Finished,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingRedacted,
    ThinkingSigned,
    ToolCall,
    Usage,
    WebPage,
    WebSearchCall,
    WebSearchFound,
)
from kiro_trio.dialects.anthropic.blocks import PIECE
from kiro_trio.dialects.anthropic.signature import UNSIGNED
from kiro_trio.dialects.anthropic.stream import PING, HeldStream, MessageStream
from tests.dialects import grammar

END = [Usage(input_tokens=40, output_tokens=7), Finished(StopReason.END_TURN)]
CALL = ToolCall("tooluse_AbC-1_x9Z", "Bash", '{"command":"ls"}')


def stream(manner: Callable[..., MessageStream | HeldStream] = MessageStream) -> MessageStream | HeldStream:
    return manner("msg_1", "claude-sonnet-4-5", 12)


def said(*events) -> list[dict]:
    return grammar.frames(stream().translate(events))


def read(*events) -> grammar.Reading:
    return grammar.read(stream().translate(events))


# The rows of the least stream that every client reads, by name.


def test_every_frame_has_an_event_line():
    data = stream().translate([TextDelta("a"), *END])
    assert [line.partition(b"\n")[0] for line in data.split(b"\n\n")[:-1]] == [
        b"event: message_start",
        b"event: content_block_start",
        b"event: content_block_delta",
        b"event: content_block_stop",
        b"event: message_delta",
        b"event: message_stop",
    ]


def test_message_start_has_content_and_usage():
    assert said(TextDelta("a"))[0]["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 0},
    }


def test_message_start_comes_once():
    one = stream()
    sent = one.translate([TextDelta("a")]) + one.translate([CALL]) + one.translate(END)
    assert [frame["type"] for frame in grammar.frames(sent)].count("message_start") == 1


def test_message_delta_has_usage_and_stop_reason():
    assert said(TextDelta("a"), *END)[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"input_tokens": 40, "output_tokens": 7},
    }


def test_message_delta_and_message_stop_are_the_end():
    assert [frame["type"] for frame in said(TextDelta("a"), *END)][-2:] == ["message_delta", "message_stop"]


def test_blocks_are_opened_and_closed_one_after_the_other_from_index_0():
    frames = said(ThinkingDelta("t"), TextDelta("a"), CALL, CALL, TextDelta("b"), *END)
    marks = [(frame["type"][14:], frame["index"]) for frame in frames if frame["type"] in STARTS_AND_STOPS]
    assert marks == [(mark, index) for index in range(5) for mark in ("start", "stop")]


STARTS_AND_STOPS = {"content_block_start", "content_block_stop"}


def test_a_call_alone_has_no_empty_text_before_it():
    assert [block["type"] for block in read(CALL, *END).blocks] == ["tool_use"]


def test_an_empty_delta_opens_no_block():
    assert stream().translate([TextDelta(""), ThinkingDelta("")]) == b""


def test_tool_input_is_streamed_and_its_first_piece_is_empty():
    frames = said(CALL)
    assert frames[1]["content_block"] == {"type": "tool_use", "id": CALL.id, "name": "Bash", "input": {}}
    pieces = [frame["delta"] for frame in frames[2:-1]]
    assert pieces == [{"type": "input_json_delta", "partial_json": text} for text in ("", CALL.input_json)]
    assert frames[-1] == {"type": "content_block_stop", "index": 0}


def test_a_call_without_arguments_has_an_empty_object():
    assert read(ToolCall("t", "n", "{}")).blocks[0]["input"] == {}


def test_a_long_input_comes_in_pieces_of_moderate_size():
    text = json.dumps({"content": "é" * 30_000}, ensure_ascii=False)
    pieces = [frame["delta"]["partial_json"] for frame in said(ToolCall("t", "Write", text))[2:-1]]
    assert "".join(pieces) == text
    assert max(map(len, pieces)) == PIECE
    assert len(pieces) == 2 + len(text) // PIECE


def test_a_closed_tool_is_known_as_soon_as_it_was_handed_out():
    one = stream()
    one.translate([TextDelta("a"), WebSearchCall("s", "q"), WebSearchFound("s")])
    assert not one.closed_tool
    one.translate([CALL])
    assert one.closed_tool


def test_a_held_tool_is_not_closed_for_the_client_before_the_end():
    one = stream(HeldStream)
    assert one.translate([CALL]) == b""
    assert not one.closed_tool
    assert one.translate(END)
    assert one.closed_tool


def test_an_error_is_an_event_with_its_line_and_no_message_stop_follows():
    one = stream()
    one.translate([TextDelta("a")])
    assert one.error("overloaded_error", "the gateway\nis stopping") == (
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"the gateway\\nis stopping"}}\n\n'
    )
    assert one.translate(END) == b""


def test_nothing_follows_message_stop():
    one = stream()
    one.translate([TextDelta("a"), *END])
    assert one.translate([TextDelta("b")]) + one.keepalive() + one.error("api_error", "x") == b""


def test_an_error_drops_what_is_held():
    one = stream(HeldStream)
    one.translate([TextDelta("a")])
    assert grammar.read(one.error("api_error", "x")).blocks == []
    assert one.translate(END) + one.keepalive() + one.error("api_error", "x") == b""


def test_nothing_is_said_before_there_is_something_to_say():
    assert stream().translate([]) == b""
    assert stream().translate([Usage(output_tokens=1)]) == b""


def test_even_a_reply_without_a_word_is_grammatical():
    reading = read(*END)
    assert (reading.ending, reading.blocks) == ("whole", [])


# Signs of life


def test_before_the_first_block_and_between_blocks_a_ping_keeps_alive():
    one = stream()
    assert one.keepalive() == PING == b'event: ping\ndata: {"type":"ping"}\n\n'
    one.translate([CALL])
    assert one.keepalive() == PING


@pytest.mark.parametrize(
    ("event", "delta"),
    [
        (TextDelta("a"), {"type": "text_delta", "text": ""}),
        (ThinkingDelta("a"), {"type": "thinking_delta", "thinking": ""}),
    ],
    ids=["text", "thinking"],
)
def test_inside_a_block_an_empty_delta_keeps_alive(event, delta):
    one = stream()
    one.translate([CALL, event])
    assert grammar.frames(one.keepalive()) == [{"type": "content_block_delta", "index": 1, "delta": delta}]


def test_only_pings_pass_while_the_message_is_held():
    one = stream(HeldStream)
    assert one.translate([TextDelta("a")]) == b""
    assert one.keepalive() == PING


# Thinking


@given(signature=reply_events.words)
@settings(max_examples=30, deadline=None)
def test_a_signature_is_passed_on_as_it_is(signature):
    block = read(
        ThinkingDelta("a"), ThinkingDelta("b"), ThinkingSigned(signature), TextDelta("c"), *END
    ).blocks[0]
    assert block == {"type": "thinking", "thinking": "ab", "signature": signature}


@pytest.mark.parametrize(
    "after", [[TextDelta("x")], [CALL], [ThinkingRedacted("x")], [ThinkingSigned("")], []]
)
def test_thinking_without_a_signature_gets_ours(after):
    assert read(ThinkingDelta("a"), *after, *END).blocks[0]["signature"] == UNSIGNED


def test_thinking_after_a_signature_is_another_block():
    blocks = read(
        ThinkingDelta("a"), ThinkingSigned("1"), ThinkingDelta("b"), ThinkingSigned("2"), *END
    ).blocks
    assert [(block["thinking"], block["signature"]) for block in blocks] == [("a", "1"), ("b", "2")]


def test_a_signature_without_words_is_a_block_of_its_own():
    blocks = read(ThinkingSigned("s"), TextDelta("a"), *END).blocks
    assert blocks[0] == {"type": "thinking", "thinking": "", "signature": "s"}


def test_an_empty_signature_alone_is_nothing():
    assert stream().translate([ThinkingSigned("")]) == b""


def test_redacted_thinking_is_passed_on_as_it_is():
    assert read(ThinkingRedacted("b2ZmCg=="), *END).blocks == [
        {"type": "redacted_thinking", "data": "b2ZmCg=="}
    ]


# Web search


def test_a_web_search_is_a_call_with_its_result():
    page = WebPage("Trio", "https://trio.readthedocs.io", "A friendly library", "January 1, 2026")
    frames = said(
        TextDelta("I search."),
        WebSearchCall("srvtoolu_1", 'a "b"'),
        WebSearchFound("srvtoolu_1", (page,)),
        *END,
    )
    blocks = grammar.read(stream().translate([WebSearchCall("srvtoolu_1", 'a "b"'), *END])).blocks

    assert blocks == [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": 'a "b"'}}
    ]
    assert frames[-4]["content_block"] == {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "title": "Trio",
                "url": "https://trio.readthedocs.io",
                "encrypted_content": "A friendly library",
                "page_age": "January 1, 2026",
            }
        ],
    }
    assert frames[-2]["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert frames[-2]["delta"]["stop_reason"] == "end_turn"


def test_a_failed_web_search_says_why():
    block = read(WebSearchFound("s", error="max_uses_exceeded"), *END).blocks[0]
    assert block["content"] == {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}


# Stop reasons, from the blocks that were really sent


@pytest.mark.parametrize(
    ("reason", "without_call", "with_call"),
    [
        (StopReason.END_TURN, "end_turn", "tool_use"),
        (StopReason.STOP_SEQUENCE, "stop_sequence", "tool_use"),
        (StopReason.PAUSE_TURN, "pause_turn", "tool_use"),
        (StopReason.TOOL_USE, "end_turn", "tool_use"),
        (StopReason.MAX_TOKENS, "max_tokens", "max_tokens"),
        (StopReason.REFUSAL, "refusal", "refusal"),
        (StopReason.CONTEXT_WINDOW, "model_context_window_exceeded", "model_context_window_exceeded"),
    ],
)
def test_the_stop_reason_fits_the_blocks(reason, without_call, with_call):
    end = [Usage(), Finished(reason, "END" if reason is StopReason.STOP_SEQUENCE else None)]
    assert said(TextDelta("a"), *end)[-2]["delta"]["stop_reason"] == without_call
    assert said(TextDelta("a"), CALL, *end)[-2]["delta"]["stop_reason"] == with_call


def test_the_stop_sequence_is_named():
    delta = said(TextDelta("a"), Usage(), Finished(StopReason.STOP_SEQUENCE, "END"))[-2]["delta"]
    assert delta == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


# Usage


def test_usage_that_kiro_did_not_say_is_not_made_up():
    assert said(TextDelta("a"), Usage(output_tokens=3), END[-1])[-2]["usage"] == {
        "input_tokens": 12,
        "output_tokens": 3,
    }


def test_cache_figures_and_credits_are_passed_on():
    usage = Usage(5, 3, cache_read_tokens=100, cache_write_tokens=0, credits=0.25, context_percentage=12.5)
    frame = said(TextDelta("a"), usage, END[-1])[-2]
    assert frame["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 100,
        "output_tokens": 3,
    }
    assert frame["kiro"] == {"credits": 0.25, "context_percentage": 12.5}


def test_figures_that_json_cannot_hold_are_left_out():
    frame = said(TextDelta("a"), Usage(credits=float("inf"), context_percentage=float("nan")), END[-1])[-2]
    assert "kiro" not in frame


def test_the_held_stream_begins_with_the_measured_count():
    frames = grammar.frames(stream(HeldStream).translate([TextDelta("a"), *END]))
    assert frames[0]["message"]["usage"]["input_tokens"] == frames[-2]["usage"]["input_tokens"] == 40


# Characters


@pytest.mark.parametrize("text", ["\u2028\u2029\x85", "a\r\nb\n\n", "\ud83d", "你好 🎉", '"\\</script>\x00'])
def test_any_character_survives(text):
    assert read(TextDelta(text), *END).blocks[0]["text"] == text

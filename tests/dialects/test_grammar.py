"""The strict reader is only worth something if it refuses: one broken stream for each of its rows."""

import json

import pytest

from tests.dialects import grammar

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 0},
    },
}
OPEN_TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
CLOSE = {"type": "content_block_stop", "index": 0}
OPEN_CALL = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "tool_use", "id": "t", "name": "n", "input": {}},
}
OPEN_THINKING = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "thinking", "thinking": "", "signature": ""},
}
SIGNATURE = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "signature_delta", "signature": "s"},
}
THOUGHT = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "t"}}
STOP = {"type": "message_stop"}
ERROR = {"type": "error", "error": {"type": "api_error", "message": "x"}}


def delta(reason):
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 1},
    }


def piece(partial_json):
    return {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "input_json_delta", "partial_json": partial_json},
    }


WHOLE = [START, OPEN_TEXT, TEXT, CLOSE, delta("end_turn"), STOP]
CALL = [START, OPEN_CALL, piece(""), piece("{}"), CLOSE, delta("tool_use"), STOP]


def at(index, frame):
    return {**frame, "index": index}


def stream(frames):
    return b"".join(f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n".encode() for frame in frames)


@pytest.mark.parametrize("frames", [WHOLE, CALL], ids=["text", "call"])
def test_reads_a_good_stream(frames):
    assert grammar.read(stream(frames)).ending == "whole"


def test_reads_the_beginning_of_a_stream():
    assert grammar.read(stream(WHOLE[:3])).ending == "open"


@pytest.mark.parametrize(
    "frames",
    [
        [OPEN_TEXT, TEXT],
        [START, START],
        [START, at(1, OPEN_TEXT)],
        [START, OPEN_TEXT, at(1, OPEN_TEXT)],
        [START, TEXT],
        [START, OPEN_TEXT, at(1, TEXT)],
        [START, OPEN_TEXT, CLOSE],
        [START, OPEN_TEXT, TEXT, at(1, CLOSE)],
        [START, OPEN_TEXT, TEXT, CLOSE, CLOSE],
        [START, OPEN_TEXT, THOUGHT],
        [START, OPEN_THINKING, THOUGHT, CLOSE],
        [START, OPEN_THINKING, SIGNATURE, THOUGHT],
        [START, OPEN_CALL, piece("{}"), CLOSE],
        [START, OPEN_CALL, piece(""), piece("[]"), CLOSE],
        [START, OPEN_TEXT, TEXT, delta("end_turn")],
        [START, OPEN_TEXT, TEXT, CLOSE, STOP],
        [START, OPEN_TEXT, TEXT, CLOSE, delta("tool_use")],
        [START, OPEN_TEXT, TEXT, CLOSE, delta(None)],
        [*CALL[:5], delta("end_turn")],
        [*WHOLE, STOP],
        [*WHOLE, ERROR],
        [START, OPEN_TEXT, TEXT, ERROR, STOP],
        [{"type": "surprise"}],
    ],
)
def test_refuses_a_broken_stream(frames):
    with pytest.raises(AssertionError):
        grammar.read(stream(frames))


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"type":"ping"}\n\n',
        b'event: ping\ndata: {"type":"message_stop"}\n\n',
        b'event: ping\ndata: {"type":\ndata: "ping"}\n\n',
        b'event: ping\r\ndata: {"type":"ping"}\r\n\r\n',
        b'event: ping\ndata: {"type":"ping"}\n',
        'event: ping\ndata: {"type":"ping","x":"\u2028"}\n\n'.encode(),
    ],
    ids=["no event line", "they disagree", "two lines", "carriage returns", "cut", "not ascii"],
)
def test_refuses_a_broken_frame(data):
    with pytest.raises(AssertionError):
        grammar.read(data)

"""A strict reader of Anthropic's event streams: every row that some client was seen to need is an assertion here.

More is asked than any one client asks for, so a stream that passes is read by all of them.
"""

import json
from dataclasses import dataclass, field
from typing import Any

STOP_REASONS = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
}

# The fields that a block of this type starts with, beside `type`; those with a value must have exactly this one.
_STARTS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "redacted_thinking": {"data": str},
    "tool_use": {"id": str, "name": str, "input": {}},
    "server_tool_use": {"id": str, "name": "web_search", "input": {}},
    "web_search_tool_result": {"tool_use_id": str, "content": (list, dict)},
}

# By which deltas a block of this type grows, and the field of the delta that holds the piece.
_GROWTH: dict[str, dict[str, str]] = {
    "text": {"text_delta": "text"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
    "redacted_thinking": {},
    "web_search_tool_result": {},
}


@dataclass
class Reading:
    """What the strict reader has seen. `ending` is "open", "whole" or "error"."""

    ending: str = "open"
    started: bool = False
    pings: int = 0
    blocks: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[tuple[str, str]] = field(default_factory=list)
    open: bool = False
    delta: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


def read(data: bytes) -> Reading:
    """Read a whole stream, or the beginning of one that ends between two frames."""
    reading = Reading()
    for frame in frames(data):
        assert reading.ending == "open", "a frame after the end"
        _ROWS[frame["type"]](reading, frame)
    return reading


def frames(data: bytes) -> list[dict[str, Any]]:
    """The JSON of each frame; each must have exactly an `event:` and a `data:` line that agree."""
    assert data.isascii(), "readers of lines may break a line at U+2028"
    assert b"\r" not in data
    assert not data or data.endswith(b"\n\n"), "the last frame is not whole"
    found = []
    for frame in data.decode().split("\n\n")[:-1]:
        event, _, rest = frame.partition("\n")
        assert event.startswith("event: "), "a frame without an event line"
        assert rest.startswith("data: "), "a frame without data"
        assert "\n" not in rest, "data is not one line"
        content = json.loads(rest.removeprefix("data: "))
        assert content["type"] == event.removeprefix("event: "), "event line and type disagree"
        assert content["type"] in _ROWS, "an unknown event"
        found.append(content)
    return found


def _message_start(reading: Reading, frame: dict[str, Any]) -> None:
    assert not reading.started, "message_start twice"
    reading.started = True
    message = frame["message"]
    assert message["id"]
    assert message["type"] == "message"
    assert message["role"] == "assistant"
    assert message["content"] == []
    assert isinstance(message["model"], str)
    assert message["stop_reason"] is None
    assert message["stop_sequence"] is None
    assert type(message["usage"]["input_tokens"]) is int
    assert type(message["usage"]["output_tokens"]) is int


def _content_block_start(reading: Reading, frame: dict[str, Any]) -> None:
    assert reading.started, "a block before message_start"
    assert not reading.open, "two blocks open at once"
    assert reading.delta is None, "a block after message_delta"
    assert frame["index"] == len(reading.blocks), "indices must count 0, 1, 2..."
    block = frame["content_block"]
    required = _STARTS[block["type"]]
    assert block.keys() == {"type", *required}, "a field too many or too few"
    for name, value in required.items():
        assert isinstance(block[name], value) if isinstance(value, type | tuple) else block[name] == value
    reading.blocks.append(block)
    reading.open, reading.pieces = True, []


def _content_block_delta(reading: Reading, frame: dict[str, Any]) -> None:
    assert reading.open, "a delta of no open block"
    assert frame["index"] == len(reading.blocks) - 1, "a delta of another block"
    delta = frame["delta"]
    name = _GROWTH[reading.blocks[-1]["type"]].get(delta["type"])
    assert name is not None, "a delta that does not fit its block"
    assert delta.keys() == {"type", name}
    assert "signature" not in dict(reading.pieces), "a delta behind the signature"
    reading.pieces.append((name, delta[name]))


def _content_block_stop(reading: Reading, frame: dict[str, Any]) -> None:
    assert reading.open, "a stop of no open block"
    assert frame["index"] == len(reading.blocks) - 1, "a stop of another block"
    reading.open = False
    block = reading.blocks[-1]
    for name in _GROWTH[block["type"]].values():
        grown = "".join(piece for field_name, piece in reading.pieces if field_name == name)
        if name == "partial_json":
            assert reading.pieces[0] == (name, ""), "the first piece of a tool's input must be empty"
            block["input"] = json.loads(grown)
            assert isinstance(block["input"], dict), "a tool's input is an object"
        else:
            assert grown or name == "thinking", f"a block with empty {name}"
            block[name] = grown


def _message_delta(reading: Reading, frame: dict[str, Any]) -> None:
    assert reading.started, "message_delta before message_start"
    assert not reading.open, "message_delta inside a block"
    assert reading.delta is None, "message_delta twice"
    delta = frame["delta"]
    assert delta["stop_reason"] in STOP_REASONS
    called = any(block["type"] == "tool_use" for block in reading.blocks)
    assert called or delta["stop_reason"] != "tool_use", "tool_use without a call"
    assert not called or delta["stop_reason"] not in {"end_turn", "stop_sequence", "pause_turn"}, (
        "a call, but not tool_use"
    )
    assert delta["stop_sequence"] is None or delta["stop_reason"] == "stop_sequence"
    assert all(type(count) is int for name, count in frame["usage"].items() if name.endswith("tokens"))
    assert "output_tokens" in frame["usage"]
    reading.delta = frame


def _message_stop(reading: Reading, frame: dict[str, Any]) -> None:
    assert frame == {"type": "message_stop"}
    assert reading.delta is not None, "message_stop without message_delta"
    reading.ending = "whole"


def _ping(reading: Reading, frame: dict[str, Any]) -> None:
    assert frame == {"type": "ping"}
    reading.pings += 1


def _error(reading: Reading, frame: dict[str, Any]) -> None:
    assert reading.delta is None, "an error after the message was whole"
    assert frame["error"].keys() == {"type", "message"}
    reading.error = frame["error"]
    reading.ending = "error"


_ROWS = {
    "message_start": _message_start,
    "content_block_start": _content_block_start,
    "content_block_delta": _content_block_delta,
    "content_block_stop": _content_block_stop,
    "message_delta": _message_delta,
    "message_stop": _message_stop,
    "ping": _ping,
    "error": _error,
}

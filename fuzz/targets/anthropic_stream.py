"""Any reply gives a stream that every client can read, in any batches, and the official SDK reads the same as in one piece.

A reply that breaks off ends in exactly one error, with nothing after it; signs of life change nothing; a stream that is held back
differs from a live one in nothing but the first count.
"""

from hypothesis import strategies as st

from fuzz.strategies import pieces, reply_events
from kiro_trio.conversation.reply import TextDelta
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.stream import HeldStream, MessageStream
from tests.dialects import grammar
from tests.dialects.anthropic import replies

BOUNDED = 120
EXAMPLES = st.tuples(reply_events.whole, pieces.cuts, st.integers(1, 500), st.integers(0, 8))
"""A whole reply, its batches, the size of a client's reads, and after how many events it breaks off."""

_ESTIMATE = 12


def check(example) -> None:
    events, cuts, chunk, length = example
    batches = pieces.cut(events, cuts)
    folded = _made(MessageFold)
    assert not any(folded.translate(batch) for batch in batches)
    message = replies.sdk_reading(folded.result())
    for manner in (MessageStream, HeldStream):
        whole = _made(manner).translate(events)
        one, other = _made(manner), _made(manner)
        assert b"".join(one.translate(batch) for batch in batches) + one.result() == whole
        lively = other.keepalive() + b"".join(
            other.translate([event]) + other.keepalive() for event in events
        )
        assert grammar.read(whole).ending == grammar.read(lively).ending == "whole"
        assert replies.sdk_message(whole, chunk) == replies.sdk_message(lively, chunk) == message
        _check_broken_off(_made(manner), pieces.cut(events[: min(length, len(events) - 2)], cuts))
    _check_held(events)


def _made(manner):
    return manner("msg_1", "claude-sonnet-4-5", _ESTIMATE)


def _check_broken_off(stream, batches) -> None:
    sent = b"".join(stream.translate(batch) + stream.keepalive() for batch in batches)
    sent += stream.error("api_error", "the connection broke")
    reading = grammar.read(sent)
    assert reading.ending == "error"
    assert reading.error == {"type": "api_error", "message": "the connection broke"}
    after = stream.translate([TextDelta("x")]) + stream.keepalive() + stream.error("api_error", "x")
    assert after + stream.result() == b""


def _check_held(events) -> None:
    live, held = (grammar.frames(_made(manner).translate(events)) for manner in (MessageStream, HeldStream))
    assert live[0]["message"].pop("usage") == {"input_tokens": _ESTIMATE, "output_tokens": 0}
    measured = events[-2].input_tokens
    counted = held[0]["message"].pop("usage")["input_tokens"]
    assert counted == (_ESTIMATE if measured is None else measured)
    held[-2]["usage"].pop("input_tokens")
    live[-2]["usage"].pop("input_tokens")
    assert held == live

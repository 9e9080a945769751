"""Any messages in any order and any batches give a grammatical reply with exactly one ending, and nothing after it.

A failure has no `Usage` and no `Finished`, a whole reply ends in them; the same whether messages come one by one, at once, or as
bytes in any chunking, and whether text goes the short way or the long one. No word of a whole reply is lost. In the client's dialect,
it is a stream that every client can read, and whole only if the reply was; then the official SDK reads the same as in one piece.
"""

import json
from contextlib import suppress

from hypothesis import strategies as st

from fuzz.strategies import kiro_messages, pieces
from kiro_trio.conversation.reply import TextDelta
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.stream import HeldStream, MessageStream
from kiro_trio.wire import EventStreamDecoder, Message, encode_message
from tests.dialects import grammar
from tests.dialects.anthropic import replies
from tests.kiro.replies import check_grammar, coalesced, read, reader, text

BOUNDED = 150
EXAMPLES = st.tuples(
    kiro_messages.ANYTHING | kiro_messages.REPLIES, kiro_messages.OPTIONS, pieces.cuts, pieces.steps
)


def check(example: tuple[list[Message], dict, list[int], int]) -> None:
    messages, options, places, step = example
    events, reading = read(messages, **options)
    failed = reading.failure is not None
    check_grammar(events, failed=failed)
    assert reading.read([text("more")]) == []
    assert reading.close() == []
    whole = (coalesced(events), reading.failure, reading.unknown, reading.answered_by, reading.cut)
    assert _in_batches(pieces.cut(messages, places), options) == whole
    assert _long_way(messages, options)[:2] == whole[:2]
    assert _as_bytes(messages, options, step) in (None, whole[:2])
    limited = options.get("stop_sequences") or options.get("max_tokens") is not None
    if not (failed or limited or options["thinking_tags"]):
        _check_words(messages, events)
    for manner in (MessageStream, HeldStream):
        _check_stream(manner, events, failed=failed)


def _in_batches(batches: list[list[Message]], options: dict) -> tuple:
    reading, events = reader(**options), []
    for batch in batches:
        events += reading.read(batch)
    events += reading.close()
    return coalesced(events), reading.failure, reading.unknown, reading.answered_by, reading.cut


def _as_bytes(messages: list[Message], options: dict, step: int) -> tuple | None:
    """Through the decoder; None if there is a header that has no type on the wire."""
    stream = b""
    for message in messages:
        try:
            stream += encode_message(message.headers, message.payload)
        except (TypeError, ValueError):
            return None
    decoder, reading, events = EventStreamDecoder(), reader(**options), []
    for piece in pieces.in_steps(stream, step):
        decoder.receive_data(piece)
        events += reading.read(decoder.messages())
    decoder.close()
    return coalesced(events + reading.close()), reading.failure


def _long_way(messages: list[Message], options: dict) -> tuple:
    """Without `:message-type` a message is an event all the same, but does not go the short way for text."""
    longer = [
        Message(
            {name: value for name, value in item.headers.items() if name != ":message-type"}, item.payload
        )
        if (item.headers.get(":event-type"), item.headers.get(":message-type"))
        == ("assistantResponseEvent", "event")
        else item
        for item in messages
    ]
    events, reading = read(longer, **options)
    return coalesced(events), reading.failure


def _check_words(messages: list[Message], events: list) -> None:
    """Text is not touched when neither tags nor limits are asked for, blank segments apart."""
    sent = ""
    for message in messages:
        if message.headers.get(":event-type") not in ("assistantResponseEvent", "codeEvent"):
            continue
        with suppress(ValueError, TypeError, KeyError):
            sent += json.loads(message.payload)["content"]
    heard = "".join(item.text for item in events if isinstance(item, TextDelta))
    assert "".join(heard.split()) == "".join(sent.split())


def _check_stream(manner, events: list, *, failed: bool) -> None:
    stream = manner("msg_1", "m", 12)
    sent = stream.translate(events) + (stream.error("api_error", "x") if failed else b"")
    assert grammar.read(sent).ending == ("error" if failed else "whole")
    if not failed:
        fold = MessageFold("msg_1", "m", 12)
        fold.translate(events)
        assert replies.sdk_message(sent, 4096) == replies.sdk_reading(fold.result())

"""A stream without words is read as the one with words was: as many frames, the same faults in the same places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.strategies.kiro_messages import ANYTHING, OPTIONS
from kiro_trio.captures.filler import Filler
from kiro_trio.captures.replies import fill_stream
from kiro_trio.conversation.reply import TextDelta, ThinkingDelta
from kiro_trio.telemetry import mask
from kiro_trio.wire import EventStreamDecoder, WireError, encode_message
from tests.captures.said import kiro_stream
from tests.captures.test_redaction import telling
from tests.kiro.replies import coalesced, reader


def decoded(stream):
    """The messages, and the kind of damage that ends them."""
    decoder, messages = EventStreamDecoder(), []
    decoder.receive_data(stream)
    try:
        messages.extend(decoder.messages())
        decoder.close()
    except WireError as error:
        return messages, type(error)
    return messages, None


def heard(stream, options):
    """What a client would be told, by kind and length, and why it broke off."""
    reading = reader(**options)
    messages, damage = decoded(stream)
    events = reading.read(messages)
    events += reading.close()
    lengths = [
        len(event.text) if isinstance(event, TextDelta | ThinkingDelta) else None
        for event in coalesced(events)
    ]
    fault = reading.failure and reading.failure.fault
    return [type(event) for event in coalesced(events)], lengths, fault, damage


def can_be_sent(messages):
    return all(isinstance(value, str | bytes) for message in messages for value in message.headers.values())


@given(
    ANYTHING.filter(can_be_sent),
    OPTIONS.filter(lambda options: not options.get("stop_sequences")),
    st.booleans(),
)
def test_any_reply_is_heard_the_same(messages, options, words) -> None:
    stream = b"".join(encode_message(message.headers, message.payload) for message in messages)
    filled = fill_stream(stream, Filler(mask, words=words, names={"a", "p", "path", "x"}))
    assert heard(filled, options) == heard(stream, options)


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999"])
@pytest.mark.parametrize("max_tokens", [0, None])
def test_a_number_that_is_none_is_heard_the_same(number, max_tokens) -> None:
    payload = b'{"toolUseId":"t1","name":"Read","input":{"n":%s}}' % number.encode()
    stream = encode_message({":message-type": "event", ":event-type": "toolUseEvent"}, payload)
    options = {"thinking_tags": False, "max_tokens": max_tokens}
    assert heard(fill_stream(stream, Filler(mask)), options) == heard(stream, options)


@given(st.integers(0, 7), st.data())
def test_damage_stays_where_it_is_and_what_it_is(piece, data) -> None:
    stream = bytearray(kiro_stream(telling("quaint"), piece=piece))
    for _ in range(data.draw(st.integers(0, 2))):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    cut = bytes(stream[: data.draw(st.integers(0, len(stream)))])
    filled = fill_stream(cut, Filler(mask))
    (messages, damage), (again, damage_again) = decoded(cut), decoded(filled)
    assert len(filled) == len(cut)
    assert damage_again is damage
    assert [message.headers for message in again] == [message.headers for message in messages]
    assert b"quaint" not in filled.lower()

"""The decoder and the encoder by example; `fuzz/targets/decoder_*` has their invariants."""

from collections.abc import Callable

import pytest

from fuzz.codec import INSTALLED
from kiro_trio.wire import (
    MAX_MESSAGE_SIZE,
    EventStreamDecoder,
    Message,
    StreamTruncated,
    WireError,
    encode_message,
)
from kiro_trio.wire.memory import REMEMBERED_FRAME_MAX
from tests.wire import reference
from tests.wire.builder import flipped, frame, kiro_block, kiro_frame, prelude, text
from tests.wire.feeding import run

GOOD = kiro_frame()
PAYLOAD = b'{"content":"hello world"}'


def test_a_stream_as_a_driver_reads_it() -> None:
    decoder = EventStreamDecoder()
    decoder.receive_data(GOOD + GOOD[:50])
    (message,) = decoder.messages()
    assert message.headers[":event-type"] == "assistantResponseEvent"
    assert message.payload == PAYLOAD
    assert list(decoder.messages()) == []
    assert [m.payload for m in decoder.receive_data(GOOD[50:])] == [PAYLOAD]
    decoder.close()


@pytest.mark.parametrize("before", [[], [GOOD], [GOOD, GOOD]], ids=len)
def test_any_flipped_bit_is_found(before: list[bytes]) -> None:
    for bit in range(len(GOOD) * 8):
        outcome = run(EventStreamDecoder(), [*before, flipped(GOOD, bit)], close=False)
        assert len(outcome.things) == len(before)
        assert outcome.fault is not None
        assert outcome.fault.category == ("prelude_crc" if bit < 96 else "message_crc")


def test_all_lengths_against_the_reference() -> None:
    """Lengths that are right for their checksum and impossible, or possible, for each other."""
    for total in range(34):
        for headers in (0, 1, *range(max(0, total - 18), total + 2), 0xFFFFFFF0, 0xFFFFFFFF):
            data = prelude(total, headers) + bytes(40)
            verdict = reference.decode(data, MAX_MESSAGE_SIZE)
            outcome = run(EventStreamDecoder(), [data], close=False)
            assert outcome.fault is not None
            assert verdict.broken is not None
            assert outcome.fault.category == verdict.broken.category


def test_a_stream_that_ends_inside_a_frame() -> None:
    for end in range(1, len(GOOD)):
        decoder = EventStreamDecoder()
        assert len(list(decoder.receive_data(GOOD + GOOD[:end]))) == 1
        with pytest.raises(StreamTruncated) as caught:
            decoder.close()
        assert (caught.value.held, caught.value.offset, caught.value.frame) == (end, len(GOOD), 1)
        with pytest.raises(StreamTruncated):
            next(decoder.messages())


def test_what_came_before_the_fault_comes_first_even_after_close() -> None:
    decoder = EventStreamDecoder()
    decoder.receive_data(GOOD * 2)
    decoder.receive_data(b"x" * 12)
    with pytest.raises(WireError) as closed:
        decoder.close()
    messages = decoder.messages()
    assert [next(messages).payload, next(messages).payload] == [PAYLOAD] * 2
    for _ in range(3):
        with pytest.raises(WireError) as caught:
            next(messages)
        assert caught.value is closed.value


def test_a_fault_that_is_raised_often_does_not_grow() -> None:
    decoder = EventStreamDecoder()
    decoder.receive_data(b"x" * 12)
    depths = []
    for _ in range(3):
        with pytest.raises(WireError) as caught:
            next(decoder.messages())
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


def test_a_frame_that_one_decoder_may_take_is_too_large_for_another() -> None:
    assert len(list(EventStreamDecoder().receive_data(GOOD))) == 1
    outcome = run(EventStreamDecoder(len(GOOD) - 1), [GOOD])
    assert outcome.fault is not None
    assert outcome.fault.category == "too_large"


@pytest.mark.parametrize("size", [REMEMBERED_FRAME_MAX - 1, REMEMBERED_FRAME_MAX, REMEMBERED_FRAME_MAX + 1])
def test_frames_at_the_edge_of_what_is_remembered(size: int) -> None:
    raw = frame(kiro_block(), bytes(size - 16 - len(kiro_block())))
    for _ in range(3):
        outcome = run(EventStreamDecoder(size), [raw, raw + raw, flipped(raw, size * 8 - 40)])
        assert len(outcome.things) == 3
        assert outcome.fault is not None
        assert outcome.fault.category == "message_crc"


def test_headers_of_any_size_are_read_without_being_remembered() -> None:
    blocks = [text("a", "x" * size) for size in (900, 1000, 1006, 1007, 1008, 1100, 3000)]
    for chunks in ([frame(block) for block in blocks] * 2, [b"".join(map(frame, blocks)) * 2]):
        outcome = run(EventStreamDecoder(), chunks)
        assert outcome.fault is None
        assert [len(m.headers["a"]) for m in outcome.things] == [900, 1000, 1006, 1007, 1008, 1100, 3000] * 2
    assert all(len(head) <= 1024 for head in INSTALLED.memory.SHARED.frames)


def test_kinds_of_headers_that_alternate() -> None:
    events = ["assistantResponseEvent", "toolUseEvent", "meteringEvent"] * 5
    frames = [kiro_frame(b"{}", event) for event in events]
    for chunks in (frames, [b"".join(frames)], [b"".join(frames)]):
        outcome = run(EventStreamDecoder(), chunks)
        assert [m.headers[":event-type"] for m in outcome.things] == events


@pytest.mark.parametrize("data", ["text", 5, None, [1, 2], object()])
@pytest.mark.parametrize("before", [b"", GOOD[:5]])
def test_what_is_not_bytes_is_a_mistake_of_the_driver(data: object, before: bytes) -> None:
    decoder = EventStreamDecoder()
    decoder.receive_data(before)
    with pytest.raises(TypeError):
        decoder.receive_data(data)
    assert len(list(decoder.receive_data(GOOD[len(before) :]))) == 1


BUFFERS = {
    "bytes": bytes,
    "bytearray": bytearray,
    "view": memoryview,
    "view of bytearray": lambda raw: memoryview(bytearray(raw)),
    "view of signed bytes": lambda raw: memoryview(raw).cast("b"),
    "part of a view": lambda raw: memoryview(b"<" + raw + b">")[1:-1],
}


@pytest.mark.parametrize("kind", BUFFERS.values(), ids=BUFFERS)
def test_buffers_of_any_kind(kind: Callable[[bytes], memoryview]) -> None:
    for chunks in ([GOOD * 3], [GOOD] * 3, [GOOD[:5], GOOD[5:] + GOOD[:7], GOOD[7:] + GOOD]):
        decoder = EventStreamDecoder()
        messages = [m for chunk in chunks for m in decoder.receive_data(kind(chunk))]
        assert [(type(m.payload), m.payload) for m in messages] == [(bytes, PAYLOAD)] * 3
        decoder.close()


def test_views_must_be_of_bytes() -> None:
    wide = memoryview(frame(b"", bytes(20))).cast("I")
    with pytest.raises(TypeError, match="one of bytes"):
        EventStreamDecoder().receive_data(wide)
    decoder = EventStreamDecoder()
    decoder.receive_data(frame(b"", bytes(20))[:4])
    decoder.receive_data(wide[1:2])
    with pytest.raises(TypeError, match="one of bytes"):
        decoder.receive_data(wide[2:])


def test_messages_compare_and_show_themselves_without_their_payload() -> None:
    (received,) = EventStreamDecoder().receive_data(frame(text("a", "b"), b"secret words"))
    assert received == Message({"a": "b"}, b"secret words")
    assert received != Message({"a": "b"}, b"other words")
    assert received != Message({"a": "c"}, b"secret words")
    assert received != "a message"
    assert repr(received) == "<Message {'a': 'b'}, payload of 12 bytes>"
    with pytest.raises(TypeError):
        hash(received)
    match received:
        case Message(headers, payload):
            assert (dict(headers), payload) == ({"a": "b"}, b"secret words")


def test_messages_do_not_share_what_could_be_changed() -> None:
    first, second = EventStreamDecoder().receive_data(GOOD * 2)
    with pytest.raises(TypeError):
        first.headers["x"] = "y"
    first.headers = {}
    assert second.headers[":message-type"] == "event"


def test_encodes_what_the_builder_builds() -> None:
    headers = {
        ":event-type": "assistantResponseEvent",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert encode_message(headers, PAYLOAD) == GOOD
    assert encode_message({}, b"") == frame()


def test_encodes_nothing_that_a_service_may_not_send() -> None:
    assert len(encode_message({}, bytes(MAX_MESSAGE_SIZE - 16))) == MAX_MESSAGE_SIZE
    with pytest.raises(ValueError, match=f"larger than {MAX_MESSAGE_SIZE}"):
        encode_message({}, bytes(MAX_MESSAGE_SIZE - 15))


def test_the_limit_is_what_the_specification_lets_a_service_send() -> None:
    assert MAX_MESSAGE_SIZE == 25_296_912

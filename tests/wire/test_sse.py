"""Server-sent events by example; `fuzz/targets/sse_*` has their invariants."""

import pytest

from kiro_trio.wire import ServerSentEvent, ServerSentEventDecoder, StreamTruncated, WireError, encode_event
from kiro_trio.wire.errors import EventNotUTF8, EventTooLarge
from tests.wire.feeding import chunkings, run

# The examples of the standard, "Server-sent events", and what it says they are.
STANDARD = {
    b"data: YHOO\ndata: +2\ndata: 10\n\n": ["YHOO\n+2\n10"],
    b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n": ["first event", "second event", " third event"],
    b"data\n\ndata\ndata\n\n": ["", "\n"],
    b"data:test\n\ndata: test\n\n": ["test", "test"],
}  # fmt: skip


@pytest.mark.parametrize("stream", STANDARD)
def test_examples_of_the_standard(stream: bytes) -> None:
    for ending in (b"\n", b"\r", b"\r\n"):
        raw = stream.replace(b"\n", ending)
        for how, chunks in chunkings(raw, []):
            outcome = run(ServerSentEventDecoder(), chunks)
            assert [event.data for event in outcome.things] == STANDARD[stream], how
            assert outcome.fault is None


@pytest.mark.parametrize(
    ("name", "data", "raw"),
    [
        ("ping", '{"type":"ping"}', b'event: ping\ndata: {"type":"ping"}\n\n'),
        ("ping", b"{}", b"event: ping\ndata: {}\n\n"),
        ("", "x", b"data: x\n\n"),
        ("e", "", b"event: e\ndata: \n\n"),
        ("e", "ü", b"event: e\ndata: \xc3\xbc\n\n"),
        ("e", "a\nb\r\nc\rd", b"event: e\ndata: a\ndata: b\ndata: c\ndata: d\n\n"),
        ("e", b"a\n", b"event: e\ndata: a\ndata: \n\n"),
    ],
    ids=str,
)
def test_encodes(name: str, data: str | bytes, raw: bytes) -> None:
    assert encode_event(name, data) == raw


@pytest.mark.parametrize("name", ["a\nb", "a\r", "\n"])
def test_a_name_has_one_line(name: str) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        encode_event(name, "x")


def test_id_retry_and_fields_that_mean_nothing() -> None:
    decoder = ServerSentEventDecoder()
    stream = b"id: 7\nretry: 1500\nretry: soon\nother: x\ndata: a\n\nid: \x00\nevent: named\ndata: b\n\n"
    assert list(decoder.receive_data(stream)) == [
        ServerSentEvent("message", "a", "7"),
        ServerSentEvent("named", "b", "7"),
    ]
    assert decoder.retry == 1500


def test_an_event_without_data_is_none() -> None:
    decoder = ServerSentEventDecoder()
    assert list(decoder.receive_data(b"event: a\n\ndata: b\n\n")) == [ServerSentEvent("message", "b")]
    decoder.close()


def test_an_event_comes_with_its_last_byte() -> None:
    decoder = ServerSentEventDecoder()
    assert list(decoder.receive_data(b"data: x\r\n")) == []
    assert len(list(decoder.receive_data(b"\r"))) == 1
    assert list(decoder.receive_data(b"\n")) == []
    decoder.close()


@pytest.mark.parametrize("rest", [b"d", b"data: x", b"data: x\n", b"event: x\n", b": comment", b"\xef"])
def test_a_stream_that_ends_inside_an_event(rest: bytes) -> None:
    decoder = ServerSentEventDecoder()
    assert len(list(decoder.receive_data(b"data: whole\n\n" + rest))) == 1
    with pytest.raises(StreamTruncated):
        decoder.close()
    with pytest.raises(StreamTruncated):
        next(decoder.events())


@pytest.mark.parametrize("rest", [b"", b": comment\n", b"\n\r\n", b"id: 1\n\n"])
def test_a_stream_that_ends_between_events(rest: bytes) -> None:
    decoder = ServerSentEventDecoder()
    assert len(list(decoder.receive_data(b"data: whole\n\n" + rest))) == 1
    decoder.close()


def test_events_before_a_fault_come_first() -> None:
    for _, chunks in chunkings(b"data: a\n\ndata: b\n\ndata: \xff\n\ndata: c\n\n", []):
        outcome = run(ServerSentEventDecoder(), chunks)
        assert [event.data for event in outcome.things] == ["a", "b"]
        assert isinstance(outcome.fault, EventNotUTF8)
        assert (outcome.fault.frame, outcome.fault.offset) == (2, 18)


@pytest.mark.parametrize(
    "event", [b"data: 12345\n\n", b"data:1\ndata:2\n\n", b"event: long\n\n", b": a long comment\n"]
)
def test_an_event_has_a_limit(event: bytes) -> None:
    for how, chunks in chunkings(b"data:x\n\n" + event, []):
        outcome = run(ServerSentEventDecoder(10), chunks)
        assert [e.data for e in outcome.things] == ["x"], how
        assert isinstance(outcome.fault, EventTooLarge), how
    whole = run(ServerSentEventDecoder(18), [event * 1000])
    assert whole.fault is None


def test_comments_and_blank_lines_are_not_held() -> None:
    decoder = ServerSentEventDecoder(20)
    for _ in range(1000):
        assert list(decoder.receive_data(b": keep-alive\n\r\n\n")) == []
    decoder.close()


def test_nothing_is_lost_by_a_driver_that_stops_half_way() -> None:
    decoder = ServerSentEventDecoder()
    first = next(decoder.receive_data(b"data: 1\n\ndata: 2\n\n"))
    decoder.receive_data(b"data: 3\n\n")
    decoder.receive_data(b"data: 4\n\n")
    assert [first.data, *(event.data for event in decoder.events())] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("data", ["text", 5, None])
def test_what_is_not_bytes_is_a_mistake_of_the_driver(data: object) -> None:
    with pytest.raises(TypeError):
        ServerSentEventDecoder().receive_data(data)


def test_any_buffer() -> None:
    for kind in (bytes, bytearray, memoryview):
        assert [event.data for event in ServerSentEventDecoder().receive_data(kind(b"data: x\n\n"))] == ["x"]


def test_after_a_fault_data_is_ignored() -> None:
    decoder = ServerSentEventDecoder(5)
    decoder.receive_data(b"data: too long")
    for _ in range(2):
        with pytest.raises(WireError):
            next(decoder.receive_data(b"\n\ndata\n\n"))

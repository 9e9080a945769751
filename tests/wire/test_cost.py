"""What decoding costs, counted: copies, steps, calls, and memory at its peak."""

import sys
import tracemalloc
from collections.abc import Callable

import pytest

from fuzz.counting import counted
from fuzz.targets.decoder_cost import check_stream
from kiro_trio.wire import EventStreamDecoder, ServerSentEventDecoder, WireError, encode_event
from tests.wire.builder import frame, kiro_frame, prelude

KIB = 1024


@pytest.mark.parametrize("size", [1000, 10_000, 100_000])
def test_a_frame_byte_by_byte(size: int) -> None:
    check_stream(frame(b"", bytes(size)), 1, 1, copies=3)


@pytest.mark.parametrize("count", [10, 1000, 10_000])
def test_many_frames_in_one_feed(count: int) -> None:
    check_stream(frame() * count, count, 1 << 30, copies=1)
    check_stream(kiro_frame() * count, count, 1 << 30)


def test_a_large_frame_in_reads() -> None:
    check_stream(frame(b"", bytes(1 << 20)) * 3, 3, 64 * KIB, copies=4)


def test_the_counters_count() -> None:
    codec, cost = counted()
    list(codec.eventstream.EventStreamDecoder().receive_data(kiro_frame(bytes(1000))))
    assert cost.copied >= 1000
    assert cost.checked >= 1100
    assert cost.steps >= 5


def test_a_driver_that_takes_nothing_does_not_pay_for_what_is_left() -> None:
    def feed(count: int) -> Callable[[], None]:
        def work() -> None:
            decoder = EventStreamDecoder()
            for _ in range(count):
                decoder.receive_data(frame())
            assert len(list(decoder.messages())) == count

        return work

    assert calls(feed(4000)) < 2.2 * calls(feed(2000))


def test_a_long_line_of_server_sent_events_byte_by_byte() -> None:
    def feed(size: int) -> Callable[[], None]:
        def work() -> None:
            decoder = ServerSentEventDecoder()
            count = sum(
                len(list(decoder.receive_data(bytes((byte,))))) for byte in encode_event("e", "x" * size)
            )
            assert count == 1

        return work

    assert calls(feed(4000)) < 2.2 * calls(feed(2000))


def test_what_is_held_is_what_was_fed() -> None:
    raw = frame(b"", bytes(4096 * KIB))
    decoder = EventStreamDecoder()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for at in range(0, len(raw) - 1, 64 * KIB):
            decoder.receive_data(raw[at : min(at + 64 * KIB, len(raw) - 1)])
            held = tracemalloc.get_traced_memory()[0] - before
            assert held <= (at + 64 * KIB) * 9 // 8 + 16 * KIB  # a bytearray grows an eighth ahead
        decoder.receive_data(raw[-1:])
        assert tracemalloc.get_traced_memory()[1] - before <= 2 * len(raw) + len(raw) // 8 + 128 * KIB
        assert [len(message.payload) for message in decoder.messages()] == [4096 * KIB]
        assert tracemalloc.get_traced_memory()[0] - before < 64 * KIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("total", [1 << 24, 1 << 31, 0xFFFFFFFF])
def test_a_claimed_length_reserves_nothing(total: int) -> None:
    tracemalloc.start()
    try:
        decoder = EventStreamDecoder()
        decoder.receive_data(prelude(total, 0) + bytes(100))
        assert tracemalloc.get_traced_memory()[1] < 32 * KIB
    finally:
        tracemalloc.stop()


def test_a_fault_lets_go_of_the_data() -> None:
    tracemalloc.start()
    try:
        decoder = EventStreamDecoder()
        with pytest.raises(WireError):
            list(decoder.receive_data(bytes(1 << 20)))
        assert tracemalloc.get_traced_memory()[0] < 32 * KIB
        decoder.receive_data(bytes(1 << 20))
        assert tracemalloc.get_traced_memory()[0] < 32 * KIB
    finally:
        tracemalloc.stop()


def calls(work: Callable[[], None]) -> int:
    """How many calls `work` makes, into Python and into C."""
    count = 0

    def profile(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    previous = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(previous)
    return count

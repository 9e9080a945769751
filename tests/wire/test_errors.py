"""The tree of faults: categories, words, evidence."""

from collections.abc import Iterator

import pytest

from kiro_trio.wire import EventStreamDecoder, WireError, errors
from kiro_trio.wire.errors import HEAD_SIZE, MessageChecksumMismatch, MessageTooLarge, PreludeChecksumMismatch
from tests.wire.builder import flipped, frame, kiro_frame, prelude
from tests.wire.feeding import run

EXAMPLES = {
    errors.PreludeChecksumMismatch: (0xAB, 0xCDEF0123),
    errors.TotalLengthInvalid: (15,),
    errors.HeadersLengthInvalid: (100, 50),
    errors.MessageTooLarge: (17, 16),
    errors.MessageChecksumMismatch: (1, 2),
    errors.HeaderTruncated: (5,),
    errors.HeaderNameEmpty: (5,),
    errors.HeaderTypeUnknown: (5, 77),
    errors.HeaderNotUTF8: (5,),
    errors.HeaderDuplicate: (5,),
    errors.EventTooLarge: (10,),
    errors.EventNotUTF8: (),
    errors.StreamTruncated: (3,),
}


def kinds(of: type[WireError] = WireError) -> Iterator[type[WireError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_kind_has_an_example_here_and_a_line_in_the_picture() -> None:
    leaves = {kind for kind in kinds() if not kind.__subclasses__()}
    assert leaves == set(EXAMPLES)
    for kind in leaves:
        assert f"{kind.__name__} " in (errors.__doc__ or "")
        assert f" {kind.category}" in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", EXAMPLES)
def test_says_what_and_where(kind: type[WireError]) -> None:
    fault = kind(*EXAMPLES[kind])
    fault.offset, fault.frame = 700, 3
    assert str(fault).endswith(" (frame 3, at byte 700 of the stream)")
    assert "{" not in str(fault)
    assert fault.evidence | {"category": kind.category, "offset": 700, "frame": 3} == fault.evidence


def test_checksums_are_hexadecimal() -> None:
    fault = PreludeChecksumMismatch(0xAB, 0xCDEF0123)
    assert fault.evidence["expected"] == fault.expected == "000000ab"
    assert fault.evidence["actual"] == fault.actual == "cdef0123"
    assert "checksum is cdef0123, the frame says 000000ab" in str(fault)


def test_a_message_checksum_shows_both() -> None:
    good = kiro_frame()
    fault = run(EventStreamDecoder(), [good, flipped(good, 900)]).fault
    assert isinstance(fault, MessageChecksumMismatch)
    assert fault.expected == good[-4:].hex()
    assert fault.actual != fault.expected
    assert (fault.frame, fault.offset) == (1, len(good))


@pytest.mark.parametrize("size", [12, 100, HEAD_SIZE, HEAD_SIZE + 1, 5000])
def test_what_was_never_an_event_stream_shows_its_beginning(size: int) -> None:
    body = (b'{"message":"' + b"x" * size)[:size]
    fault = run(EventStreamDecoder(), [body]).fault
    assert isinstance(fault, PreludeChecksumMismatch)
    assert fault.head == body[:HEAD_SIZE]
    assert body[:12].decode() not in str(fault) + repr(fault) + str(fault.evidence)


def test_as_much_of_the_beginning_as_has_come() -> None:
    fault = run(EventStreamDecoder(), [b'{"mess', b'age":null}']).fault
    assert isinstance(fault, PreludeChecksumMismatch)
    assert fault.head == b'{"message":null}'


def test_no_beginning_of_a_stream_that_was_one() -> None:
    fault = run(EventStreamDecoder(), [kiro_frame() + b"x" * 20]).fault
    assert isinstance(fault, PreludeChecksumMismatch)
    assert fault.head == b""


def test_a_limit_says_both_numbers() -> None:
    fault = run(EventStreamDecoder(1000), [frame(), prelude(1001, 0)]).fault
    assert isinstance(fault, MessageTooLarge)
    assert (fault.total, fault.limit, fault.offset, fault.frame) == (1001, 1000, 16, 1)
    assert "1001 bytes is over our limit of 1000" in str(fault)

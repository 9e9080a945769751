"""Header values: ten types there and back, and what cannot be written."""

from collections.abc import MutableMapping
from enum import IntEnum
from uuid import UUID

import pytest
from hypothesis import given, settings

from fuzz.strategies.frames import header_maps, odd_blocks
from kiro_trio.wire.errors import HeaderDuplicate, HeaderError, HeaderTruncated, HeaderTypeUnknown
from kiro_trio.wire.headers import (
    HEADER_TYPES,
    Int8,
    Int16,
    Int32,
    Int64,
    Timestamp,
    decode_headers,
    encode_headers,
)
from tests.wire import reference
from tests.wire.builder import header, text

ONE_OF_EACH = (
    (header("t", 0), True),
    (header("f", 1), False),
    (header("1", 2, b"\x80"), Int8(-128)),
    (header("2", 3, b"\x7f\xff"), Int16(32_767)),
    (header("4", 4, b"\xff\xff\xff\xfe"), Int32(-2)),
    (header("8", 5, b"\x80" + bytes(7)), Int64(-(1 << 63))),
    (header("b", 6, b"\x00\xff"), b"\x00\xff"),
    (header("s", 7, "ü🦀".encode()), "ü🦀"),
    (header("w", 8, b"\x00\x00\x01\x8c\xc2Q\xf4\x00"), Timestamp(1_704_067_200_000)),
    (header("u", 9, bytes(range(16))), UUID("00010203-0405-0607-0809-0a0b0c0d0e0f")),
)


@settings(max_examples=100, deadline=None)
@given(header_maps)
def test_there_and_back(headers: dict) -> None:
    block = encode_headers(headers)
    decoded = decode_headers(block)
    assert [(name, type(value), value) for name, value in decoded.items()] == [
        (name, type(value), value) for name, value in headers.items()
    ]
    assert encode_headers(decoded) == block


@settings(max_examples=150, deadline=None)
@given(odd_blocks())
def test_agrees_with_the_reference_on_any_block(block: bytes) -> None:
    category = reference.judge_block(block)
    if category is None:
        assert encode_headers(decode_headers(block)) == block
        return
    with pytest.raises(HeaderError) as caught:
        decode_headers(block)
    assert caught.value.category == category


@pytest.mark.parametrize(("raw", "value"), ONE_OF_EACH, ids=[row.name for row in HEADER_TYPES])
def test_each_type(raw: bytes, value: object) -> None:
    (decoded,) = decode_headers(raw).values()
    assert (type(decoded), decoded) == (type(value), value)
    assert encode_headers(decode_headers(raw)) == raw


def test_a_types_place_is_its_code() -> None:
    assert [row.code for row in HEADER_TYPES] == list(range(10))


@pytest.mark.parametrize(("raw", "_value"), ONE_OF_EACH)
def test_a_block_cut_anywhere_is_truncated(raw: bytes, _value: object) -> None:
    for size in range(1, len(raw)):
        with pytest.raises(HeaderTruncated):
            decode_headers(raw[:size])


def test_the_order_is_that_of_the_wire() -> None:
    assert list(decode_headers(text("b", "") + text("a", "") + text("c", ""))) == ["b", "a", "c"]


def test_is_read_only() -> None:
    assert not isinstance(decode_headers(text("a", "b")), MutableMapping)


def test_a_fault_says_where_the_header_begins() -> None:
    with pytest.raises(HeaderTypeUnknown) as unknown:
        decode_headers(text("ab", "cd") + header("x", 200))
    assert (unknown.value.position, unknown.value.code) == (8, 200)
    with pytest.raises(HeaderDuplicate) as duplicate:
        decode_headers(text("a", "") + text("b", "") + text("a", ""))
    assert duplicate.value.position == 10


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize("value", [1, 1.5, None, [], Colour.RED, bytearray(b"x")], ids=repr)
def test_only_ten_types_can_be_written(value: object) -> None:
    with pytest.raises(TypeError, match="'name'"):
        encode_headers({"name": value})


@pytest.mark.parametrize(
    "value",
    [Int8(128), Int8(-129), Int16(1 << 15), Int32(1 << 31), Int64(1 << 63), Timestamp(1 << 63)],
    ids=lambda value: f"{type(value).__name__} {value}",
)
def test_numbers_that_do_not_fit(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit into"):
        encode_headers({"n": value})


@pytest.mark.parametrize("name", ["", "x" * 256, "é" * 128])
def test_names_that_do_not_fit(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        encode_headers({name: True})


@pytest.mark.parametrize("value", ["x" * 65_536, b"x" * 65_536, "\ud800"])
def test_values_that_do_not_fit(value: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"at most 65535 bytes|surrogates"):
        encode_headers({"v": value})

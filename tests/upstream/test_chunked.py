import pytest

from fuzz.targets.chunked_body import decode
from kiro_trio.upstream.chunked import BodyError, BodyTruncated, ChunkedDecoder


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n",
        b"\n",
        b"x\r\n",
        b"-1\r\nx",
        b"+1\r\nx",
        b"0x1\r\nx",
        b"1_0\r\n",
        b" 1\r\nx",
        b"1\nx",
        b"1\rx",
        b"1 ;x\r\n",
        b"1;\0\r\n",
        b"1;a\rb\r\n",
        b"10000000000000000\r\n",  # 17 digits
        b"\xef\xbc\x91\r\n",
        b"1\r\nxy\r\n",
        b"1\r\nx\n",
        b"1\r\nx\rx",
        b"0\r\n\n",
        b"0\r\nfolded: a\r\n b\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nspace : x\r\n\r\n",
        b"0\r\na: b\nc: d\r\n\r\n",
        b"0\r\nTransfer-encoding: chunked\r\n\r\n",
        b"0\r\na: b\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_malformed(raw):
    assert decode([raw])[1] == "error"
    assert decode([bytes([byte]) for byte in raw])[1] == "error"


def test_a_bad_chunk_behind_good_ones_gives_the_good_ones_first_and_stays_bad():
    decoder = ChunkedDecoder()
    decoder.receive_data(b"1\r\na\r\n2\r\nbc\r\nnonsense\r\n")
    assert decoder.read() == b"abc"
    for _ in range(2):
        with pytest.raises(BodyError):
            decoder.read()
    decoder.receive_data(b"0\r\n\r\n")
    with pytest.raises(BodyError):
        decoder.read()
    assert not decoder.done


@pytest.mark.parametrize("raw", [b"", b"5\r\nab", b"2\r\nab\r\n", b"2\r\nab\r\n0\r\n"])
@pytest.mark.parametrize("looked_at", [True, False])
def test_an_end_inside_the_body_is_told_behind_what_had_come(raw, looked_at):
    decoder, words = ChunkedDecoder(), b""
    decoder.receive_data(raw or b"2")
    if looked_at:
        words = decoder.read()
    decoder.receive_data(b"")
    if not looked_at and b"ab" in raw:
        words = decoder.read()
    for _ in range(2):
        with pytest.raises(BodyTruncated):
            decoder.read()
    assert words == (b"ab" if b"ab" in raw else b"")


def test_part_of_a_chunk_is_handed_out_as_it_comes():
    decoder = ChunkedDecoder()
    decoder.receive_data(b"ffffffffffffffff\r\nab")
    assert decoder.read() == b"ab"
    assert decoder.read() == b""
    decoder.receive_data(b"cd")
    assert decoder.read() == b"cd"


@pytest.mark.parametrize(
    ("start", "filler", "limit"), [(b"1;", b"x" * 100, 4096 + 200), (b"0\r\n", b"a: b\r\n" * 20, 16384 + 200)]
)
def test_a_line_or_trailers_without_end_are_refused(start, filler, limit):
    allowed = limit // len(filler)
    assert decode([start, *[filler] * allowed])[1] == "error"
    assert decode([start, *[filler] * (allowed // 2)])[1] == "open"


def test_complete_trailers_have_a_limit_too():
    assert decode([b"0\r\n" + b"a: b\r\n" * 3000 + b"\r\n"])[1] == "error"

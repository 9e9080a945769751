from itertools import pairwise

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiro_trio.upstream.chunked import BodyError, BodyTruncated, ChunkedDecoder

EXTENSIONS = st.sampled_from([b"", b";x", b";name=value", b';q="a;b"', b";\t\xe9", b" ", b"\t \t"])
TRAILERS = st.lists(st.sampled_from([b"X-Sum: 1", b"a:", b"b:\tc d\t", b"Expires: x, y"]), max_size=3)


@st.composite
def chunk(draw):
    payload = draw(st.binary(min_size=1, max_size=40))
    size = f"{len(payload):x}" if draw(st.booleans()) else f"{len(payload):04X}"
    return size.encode() + draw(EXTENSIONS) + b"\r\n" + payload + b"\r\n", payload


@st.composite
def body(draw):
    chunks = draw(st.lists(chunk(), max_size=6))
    end = draw(st.sampled_from([b"0", b"000"])) + draw(EXTENSIONS) + b"\r\n"
    end += b"".join(line + b"\r\n" for line in draw(TRAILERS)) + b"\r\n"
    return b"".join(raw for raw, _ in chunks) + end, b"".join(payload for _, payload in chunks)


@st.composite
def mutated(draw):
    raw, _ = draw(body())
    position = draw(st.integers(0, len(raw)))
    width = draw(st.integers(0, 2))
    piece = draw(
        st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"0", b"g", b" ", b";", b":", b"\0", b"-1", b"0x", b"_"])
    )
    return raw[:position] + piece + raw[position + width :]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def decode(pieces: list[bytes]) -> tuple[bytes, str, bytes]:
    decoder, data, state = ChunkedDecoder(), b"", "open"
    for piece in pieces:
        decoder.receive_data(piece)
        try:
            data += decoder.read()
            decoder.read()  # an error that had to wait for the data before it
        except BodyError as error:
            state = "truncated" if isinstance(error, BodyTruncated) else "error"
            break
    return data, "done" if decoder.done else state, decoder.unused


def decode_h11(raw: bytes) -> tuple[bytes, str, bytes]:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=65536)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    http.send(h11.EndOfMessage())
    http.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + raw)
    data = b""
    try:
        while (event := http.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Data):
                data += event.data
            elif isinstance(event, h11.EndOfMessage):
                return data, "done", http.trailing_data[0]
    except h11.RemoteProtocolError:
        return data, "error", b""
    return data, "open", b""


@given(body(), st.binary(max_size=10), st.lists(st.integers(0, 10_000), max_size=6))
def test_any_chunking_gives_the_payload_and_what_follows(case, after, cuts):
    raw, payload = case
    assert decode(pieces_of(raw + after, cuts)) == (payload, "done", after)


@settings(max_examples=50)
@given(body(), st.binary(max_size=3))
def test_byte_by_byte(case, after):
    raw, payload = case
    assert decode([bytes([byte]) for byte in raw + after]) == (payload, "done", after)


@given(body(), st.binary(max_size=10))
def test_h11_agrees_on_what_is_valid(case, after):
    raw, _ = case
    assert decode([raw + after]) == decode_h11(raw + after)


@settings(max_examples=400)
@given(mutated(), st.lists(st.integers(0, 10_000), max_size=3))
@example(b"5 ;x\r\nhello\r\n0\r\n\r\n", [])
@example(b"1_0\r\n", [])
@example(b"0\r\nContent-Length: 5\r\n\r\n", [])
def test_never_more_lenient_than_h11(raw, cuts):
    data, state, unused = decode(pieces_of(raw, cuts))
    their_data, their_state, their_unused = decode_h11(raw)
    assert their_data.startswith(data)
    if state != "error":
        assert (data, state, unused) == (their_data, their_state, their_unused)
    assert (data, state, unused) == decode([raw] if raw else [])


@settings(max_examples=30)
@given(body())
def test_cut_anywhere_is_truncated_and_keeps_what_came(case):
    raw, payload = case
    for cut in range(len(raw)):
        data, state, _ = decode([*([raw[:cut]] if cut else []), b""])
        assert state == "truncated"
        assert payload.startswith(data)
        assert data == decode_h11(raw[:cut])[0]


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

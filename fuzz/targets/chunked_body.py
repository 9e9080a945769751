"""A chunked body in any pieces is what is in it and what follows it; where h11 refuses, so do we, and where we agree it is the same.

We are stricter than h11 in what nobody needs, never more lenient. A body that ends early is truncated, at whatever byte, and gives
what came before; one that is wrong gives what is right before the error, and never a byte after it.
"""

import h11
from hypothesis import strategies as st

from fuzz.strategies import chunked_bodies, pieces
from kiro_trio.upstream.chunked import BodyError, BodyTruncated, ChunkedDecoder

BOUNDED = 200
EXAMPLES = st.tuples(chunked_bodies.bodies(), chunked_bodies.odd_bodies, st.binary(max_size=10), pieces.cuts)


def check(example: tuple[tuple[bytes, bytes], bytes, bytes, list[int]]) -> None:
    (raw, payload), odd, after, cuts = example
    whole = (payload, "done", after)
    assert decode_h11(raw + after) == whole
    for parts in (pieces.cut(raw + after, cuts), pieces.in_steps(raw + after, 1)):
        assert decode(parts) == whole
    _check_cut(raw, payload, cuts)
    _check_odd(odd, cuts)


def check_bytes(data: bytes) -> None:
    _check_odd(data, [3, 17])


def decode(parts: list[bytes]) -> tuple[bytes, str, bytes]:
    """What is in it, how it ended (open, done, error, truncated), and what was not used."""
    decoder, data, state = ChunkedDecoder(), b"", "open"
    for piece in filter(None, parts):
        decoder.receive_data(piece)
        try:
            data += decoder.read()
            decoder.read()  # an error that had to wait for the data before it
        except BodyError:
            state = "error"
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


def _check_cut(raw: bytes, payload: bytes, cuts: list[int]) -> None:
    for place in {0, len(raw) - 1, *(cut % len(raw) for cut in cuts)}:
        decoder, data, truncated = ChunkedDecoder(), b"", False
        for piece in (raw[:place], b""):
            if piece or place == 0 or truncated is False:
                decoder.receive_data(piece)
            try:
                data += decoder.read()
                decoder.read()
            except BodyTruncated:
                truncated = True
        assert truncated
        assert not decoder.done
        assert payload.startswith(data)
        assert data == decode_h11(raw[:place])[0]


def _check_odd(raw: bytes, cuts: list[int]) -> None:
    data, state, unused = decode(pieces.cut(raw, cuts))
    their_data, their_state, their_unused = decode_h11(raw)
    assert their_data.startswith(data)
    if state != "error":
        assert (data, state, unused) == (their_data, their_state, their_unused)
    assert (data, state, unused) == decode([raw])

"""Chunked bodies of HTTP/1.1: right ones, with whatever the standard allows, and ones that are wrong somewhere."""

from hypothesis import strategies as st

from fuzz.strategies.damage import damaged

_EXTENSIONS = st.sampled_from([b"", b";x", b";name=value", b';q="a;b"', b";\t\xe9", b" ", b"\t \t"])
_TRAILERS = st.lists(st.sampled_from([b"X-Sum: 1", b"a:", b"b:\tc d\t", b"Expires: x, y"]), max_size=3)
_PIECES = (b"", b"\r", b"\n", b"\r\n", b"0", b"g", b" ", b";", b":", b"\0", b"-1", b"0x", b"_", b"0\r\n\r\n")


@st.composite
def _chunks(draw) -> tuple[bytes, bytes]:
    payload = draw(st.binary(min_size=1, max_size=40))
    size = f"{len(payload):x}" if draw(st.booleans()) else f"{len(payload):04X}"
    return size.encode() + draw(_EXTENSIONS) + b"\r\n" + payload + b"\r\n", payload


@st.composite
def bodies(draw) -> tuple[bytes, bytes]:
    """A body as it is sent, and what is in it."""
    chunks = draw(st.lists(_chunks(), max_size=6))
    end = draw(st.sampled_from([b"0", b"000"])) + draw(_EXTENSIONS) + b"\r\n"
    end += b"".join(line + b"\r\n" for line in draw(_TRAILERS)) + b"\r\n"
    return b"".join(raw for raw, _ in chunks) + end, b"".join(payload for _, payload in chunks)


odd_bodies = damaged(bodies().map(lambda body: body[0]), _PIECES)

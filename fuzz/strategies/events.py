"""Server-sent event streams: whole events mostly, lines of every kind with every ending, and what is not an event stream."""

from hypothesis import strategies as st

_ENDS = st.sampled_from((b"\n", b"\r", b"\r\n"))
_TEXTS = st.sampled_from(
    (b"", b" ", b"x", b"  x", b"a:b", b"{}", "ü🦀".encode(), b"12", b"12 s", b"1\x00", b"9" * 20)
)
_KEYS = st.sampled_from(
    (b"data", b"data", b"data", b"event", b"id", b"retry", b"", b"other", b"\xef\xbb\xbfdata")
)
_FIELDS = st.tuples(_KEYS, st.sampled_from((b":", b": ", b": ", b"")), _TEXTS).map(b"".join)
_ODD = st.sampled_from((b"", b"data: \xff", b"event: \xed\xa0\x80", b"data: \xc3", b": \xff"))


@st.composite
def _groups(draw) -> bytes:
    """An event, or some lines that are none; one kind of line end, or any."""
    lines = [*draw(st.lists(_FIELDS, max_size=4)), *([b""] if draw(st.integers(0, 5)) else [])]
    if not draw(st.integers(0, 8)):
        lines.insert(0, draw(_ODD))
    same = draw(st.none() | _ENDS)
    return b"".join(line + (same or draw(_ENDS)) for line in lines)


@st.composite
def streams(draw) -> bytes:
    mark = draw(st.sampled_from((b"", b"", b"", b"\xef\xbb\xbf")))
    rest = draw(st.sampled_from((b"", b"", b"", b"data: x", b"d")))
    return mark + b"".join(draw(st.lists(_groups(), max_size=5))) + rest


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=20)
data = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ("\n", "\r", "\r\n", "a\n", "\na", "a\r\nb\rc\nd", ": x")
)

"""Corruptions of bytes: some of them changed, lost, doubled or put in; and ends that are missing."""

from hypothesis import strategies as st


@st.composite
def damaged(
    draw,
    originals: st.SearchStrategy[bytes],
    pieces: tuple[bytes, ...] = (b"", b"\0", b"\xff"),
    most: int = 3,
) -> bytes:
    """Bytes out of `originals` with up to `most` places in them replaced by one of `pieces` or by any bytes."""
    data = draw(originals)
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(data)))
        width = draw(st.sampled_from((0, 0, 1, 1, 2, 16)))
        piece = draw(st.sampled_from(pieces) | st.binary(max_size=2))
        data = data[:at] + piece + data[at + width :]
    return data[: draw(st.integers(0, len(data)))] if not draw(st.integers(0, 5)) else data


JSON_PIECES = (b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"1e999", b"9" * 5000, b"\\ud800", b"NaN", b"\xef\xbb\xbf")  # fmt: skip
"""What changes the meaning of JSON where it is put."""

"""Work is linear: however a stream is cut, few copies and CRCs per byte, few steps per frame and feed.

Counted, not timed (`fuzz/counting.py`). Payload is copied three times at most: into what is held, out of it, and into its message; heads of
frames that are not known yet a few times more.
"""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.counting import counted
from tests.wire.builder import frame, kiro_block

_SIZES = st.sampled_from((0, 1, 30, 150, 1000, 5000))
EXAMPLES = st.tuples(
    st.sampled_from((b"", kiro_block())),
    st.lists(_SIZES, min_size=1, max_size=60)
    | st.builds(lambda size, count: [size] * count, _SIZES, st.integers(1, 60)),
    st.sampled_from((1, 7, 100, 139, 1460, 65_536)),
)


def check(example: tuple[bytes, list[int], int], codec: Codec = INSTALLED) -> None:
    block, sizes, feed = example
    data = b"".join(frame(block, bytes(size)) for size in sizes)
    check_stream(data, len(sizes), feed, codec=codec)


def check_stream(data: bytes, frames: int, feed: int, *, copies: int = 8, codec: Codec = INSTALLED) -> None:
    codec, cost = counted(codec)
    decoder = codec.eventstream.EventStreamDecoder()
    feeds = [data[i : i + feed] for i in range(0, len(data), feed)]
    count = sum(len(list(decoder.receive_data(chunk))) for chunk in feeds)
    decoder.close()
    assert count == frames
    assert cost.copied <= copies * len(data) + 512 * frames
    assert cost.checked <= len(data) + 16 * frames
    assert cost.steps <= 40 * frames + 8 * len(feeds)

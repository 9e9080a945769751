"""Up to three flipped bits anywhere in a frame, seven in its prelude, or a burst of 32, are always found, by the right checksum.

CRC-32 has a Hamming distance of 4 up to 91,607 bits and of 8 within a prelude; no burst of its own width escapes it. The frame follows others that are
the same, or nearly: what a decoder remembers must not hide a fault.
"""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from tests.wire.builder import flipped
from tests.wire.feeding import Outcome, take

_SCATTERED = st.lists(st.integers(0, 1 << 16), min_size=1, max_size=3, unique=True)
_BURSTS = st.tuples(st.integers(0, 1 << 16), st.sets(st.integers(1, 31))).map(
    lambda burst: [burst[0], *(burst[0] + n for n in burst[1])]
)
_IN_PRELUDE = st.sets(st.integers(0, 95), min_size=1, max_size=7)
EXAMPLES = st.tuples(
    st.sampled_from(frames.GOOD),
    st.lists(st.sampled_from(frames.GOOD), max_size=2),
    st.integers(0, 3),
    _SCATTERED | _BURSTS | _IN_PRELUDE,
    st.booleans(),
)


def check(example, codec: Codec = INSTALLED) -> None:
    good, others, repeats, places, alone = example
    bits = sorted({place % (len(good) * 8) for place in places})
    before = [*others, *[good] * repeats]
    decoder = codec.eventstream.EventStreamDecoder()
    outcome = Outcome()
    for raw in (*before, flipped(good, *bits) + (b"" if alone else good), good):
        take(decoder.receive_data(raw), outcome)
    # A frame that claims to be longer than it is does not wait for more: its prelude is wrong as well.
    assert len(outcome.things) == len(before)
    assert outcome.fault is not None
    assert outcome.fault.category == ("prelude_crc" if bits[0] < 96 else "message_crc")
    assert (outcome.fault.offset, outcome.fault.frame) == (sum(map(len, before)), len(before))

"""Whatever bytes come, nothing but a `WireError` leaves the decoder, and it agrees with the reference.

The bytes as they are, as a header block, and as a payload of a frame whose checksums are right; so that coverage-guided fuzzing does not
have to find a CRC.
"""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from fuzz.targets import decoder_reference
from tests.wire.builder import frame

BOUNDED = 50
EXAMPLES = st.binary(max_size=200) | frames.odd_blocks() | frames.odd_frames()


def check(data: bytes, codec: Codec = INSTALLED) -> None:
    check_bytes(data, codec)


def check_bytes(data: bytes, codec: Codec = INSTALLED) -> None:
    for stream in (data, frame(data, b"payload") + frames.GOOD[0], frame(b"", data) + data):
        decoder_reference.check_bytes(stream, codec)

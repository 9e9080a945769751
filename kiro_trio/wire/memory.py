"""What earlier frames have taught: why decoding is fast, and why that hides no fault.

A stream repeats itself: the same few header blocks, the same few hundred lengths. So all that comes before the payload,
prelude and headers, is the key under which is kept what it means: the size of the frame, a `Struct` that cuts payload and
checksum out of it in one call, the headers, and the CRC state in which the payload begins. A frame that begins like an
earlier one then costs a slice, a lookup, a cut, and one CRC over its payload: a quarter of the time of opening it the long
way. Nothing is taken on trust:

- To be found, a frame must begin with exactly the bytes of one that has passed every check. So its lengths, their
  checksum and its headers are right, by equality. (To let the message CRC cover the lengths instead would not do: it
  continues from the *sender's* prelude CRC, so it says nothing about the 8 bytes before.)
- How long the beginning is, is only guessed: as long as that of the frame before, or as the frame claims. A wrong guess
  finds nothing, for a key is as long as its own first bytes say.
- The payload's CRC continues from the state behind the key, so it is the CRC of the whole message.
- Whatever is not exactly as remembered, a wrong checksum too, takes the long way, and only that can raise.

Memory is shared by all decoders, for one reply is too short to learn much: with a memory of its own, a decoder of a
300-frame stream is half as fast. It is bounded, read-only to its users, and holds no payload. A decoder whose limit is
below the size of the frames remembered here needs a memory of its own: in the shared one it might find a frame that
another decoder was allowed to accept.
"""

from struct import Struct
from typing import Final

from kiro_trio.wire.headers import Headers, decode_headers

# Text deltas have 30 to 200 bytes, tool input up to a few thousand. Above 4 KiB the CRC over the payload is most of the
# work, and lengths hardly repeat. Header blocks are of 80 to 100 bytes. 2,048 frames take 1.5 MB.
REMEMBERED_FRAME_MAX = 4096
REMEMBERED_FRAMES = 2048
REMEMBERED_HEAD_MAX = 1024
REMEMBERED_BLOCKS = 256

Known = tuple[int, Struct, Headers, int, complex]
"""Size of the frame, how to cut payload and checksum out of it, its headers, the CRC state before the payload, the step.

The step leads to the next frame: it is the size and a 1. A complex number is a pair that is added in one operation, and
so keeps two counters for the price of one. Both are exact up to 2**53.
"""


class Memory:
    """Frames that were right, by all that comes before their payload; header blocks, by themselves.

    Both parts are emptied when they are full: the next frames fill them again, and no order of eviction is better for
    lengths that come at random.
    """

    __slots__ = ("blocks", "frames")

    def __init__(self) -> None:
        self.frames: dict[bytes, Known] = {}
        self.blocks: dict[bytes, Headers] = {}

    def headers(self, block: bytes) -> Headers:
        """What a block says; raises `HeaderError`."""
        headers = self.blocks.get(block)
        if headers is None:
            headers = decode_headers(block)
            if len(block) <= REMEMBERED_HEAD_MAX:
                if len(self.blocks) >= REMEMBERED_BLOCKS:
                    self.blocks.clear()
                self.blocks[block] = headers
        return headers

    def learn(self, head: bytes, headers: Headers, payload_size: int, state: int) -> None:
        """Remember a frame of at most `REMEMBERED_FRAME_MAX` bytes that has passed every check.

        Args:
            head: Its prelude and header block.
            headers: What the block says.
            payload_size: In bytes.
            state: The CRC of the head.
        """
        if len(head) > REMEMBERED_HEAD_MAX:
            return
        if len(self.frames) >= REMEMBERED_FRAMES:
            self.frames.clear()
        layout = Struct(f">{len(head)}x{payload_size}sI")
        self.frames[head] = (layout.size, layout, headers, state, complex(layout.size, 1))


SHARED: Final = Memory()
NOTHING_KNOWN: Final[dict[bytes, Known]] = {}

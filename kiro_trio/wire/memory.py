"""What earlier frames have taught: why decoding is fast, and why that hides no fault.

A stream repeats itself: the same few header blocks, the same few hundred lengths. So everything that a prelude tells is
worked out once and kept under the prelude's own 12 bytes: the size of the frame, a `Struct` that cuts it into block,
payload and checksum in one call, the block that came with this prelude last, what that block says, and the CRC state
behind it. A frame like an earlier one then costs a slice, a lookup, a cut, a comparison, and one CRC over its payload:
a quarter of the time of opening it the long way. Nothing is taken on trust:

- To find an entry, all 12 bytes must be those of a frame that has passed every check, so the lengths and their checksum
  are right, by equality. (To let the message CRC cover them instead would not do: it continues from the *sender's*
  prelude CRC, so it says nothing about the 8 bytes before.)
- The block is compared with the remembered one byte by byte. If it differs, the frame is opened the long way, which
  then remembers the new block.
- The payload's CRC continues from the state behind prelude and block, so it is the CRC of the whole message.
- Whatever is not exactly as remembered, a wrong checksum too, takes the long way, and only that can raise.

Memory is shared by all decoders, for one reply is too short to learn much: with a memory of its own, a decoder of a
300-frame stream is half as fast. It is bounded, read-only to its users, and holds no payload. A decoder whose limit is
below the size of the frames remembered here needs a memory of its own: in the shared one it might find a frame that
another decoder was allowed to accept.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final

from kiro_trio.wire.headers import Headers, decode_headers

# Text deltas have 30 to 200 bytes, tool input up to a few thousand. Above 4 KiB the CRC over the payload is most of the
# work, and lengths hardly repeat. 2,048 preludes take 1.5 MB.
REMEMBERED_FRAME_MAX = 4096
REMEMBERED_PRELUDES = 2048
REMEMBERED_BLOCK_MAX = 1024
REMEMBERED_BLOCKS = 256

ONE_FRAME = 1 << 64
"""Two counters in one number, and so in one addition: frames from bit 64 on, bytes below."""

_LENGTHS = Struct(">II")

Cut = Callable[..., tuple[bytes, bytes, int]]
Known = tuple[int, Cut, bytes, Headers, int, int]
"""Size of the frame, how to cut it, its block, what that says, the CRC state behind it, `ONE_FRAME` plus the size."""


class Memory:
    """Preludes and header blocks of frames that were right.

    Both parts are emptied when they are full: the next frames fill them again, and no order of eviction is better for
    lengths that come at random.
    """

    __slots__ = ("blocks", "preludes")

    def __init__(self) -> None:
        self.preludes: dict[bytes, Known] = {}
        self.blocks: dict[bytes, Headers] = {}

    def headers(self, block: bytes) -> Headers:
        """What a block says; raises `HeaderError`."""
        headers = self.blocks.get(block)
        if headers is None:
            headers = decode_headers(block)
            if len(block) <= REMEMBERED_BLOCK_MAX:
                if len(self.blocks) >= REMEMBERED_BLOCKS:
                    self.blocks.clear()
                self.blocks[block] = headers
        return headers

    def learn(self, prelude: bytes, block: bytes, headers: Headers, state: int) -> None:
        """Remember a frame that has passed every check; `state` is the CRC of its prelude and block."""
        total, headers_size = _LENGTHS.unpack_from(prelude)
        if total > REMEMBERED_FRAME_MAX:
            return
        if len(self.preludes) >= REMEMBERED_PRELUDES:
            self.preludes.clear()
        cut = Struct(f">12x{headers_size}s{total - headers_size - 16}sI").unpack_from
        self.preludes[prelude] = (total, cut, block, headers, state, ONE_FRAME + total)


SHARED: Final = Memory()
NOTHING_KNOWN: Final[dict[bytes, Known]] = {}

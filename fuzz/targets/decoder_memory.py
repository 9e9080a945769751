"""What a decoder has seen before changes nothing: not what comes out, not what is refused; and it remembers boundedly.

The memory here is so small that it is emptied all the time, and so is the size of the frames that it may hold.
"""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec, load
from fuzz.strategies import frames
from fuzz.strategies.frames import Fed
from fuzz.targets import decoder_reference

BOUNDED = 60
EXAMPLES = st.tuples(st.lists(frames.fed_streams(), max_size=3), frames.fed_streams())

_NUMBERS = (
    ("FRAME_MAX = 4096", "FRAME_MAX = 150"),
    ("FRAMES = 2048", "FRAMES = 3"),
    ("BLOCKS = 256", "BLOCKS = 2"),
)


def check(example: tuple[list[Fed], Fed], codec: Codec = INSTALLED) -> None:
    before, fed = example
    for each in (codec, _small(codec)):
        each.forget()
        for other in before:
            decoder_reference.check((other, "bytes"), each)
        decoder_reference.check((fed, "bytes"), each)
        memory = each.memory
        assert len(memory.SHARED.frames) <= memory.REMEMBERED_FRAMES
        assert len(memory.SHARED.blocks) <= memory.REMEMBERED_BLOCKS
        assert all(known[0] <= memory.REMEMBERED_FRAME_MAX for known in memory.SHARED.frames.values())


def _small(codec: Codec) -> Codec:
    if codec not in _smaller:
        text = codec.source("memory")
        for number, smaller in _NUMBERS:
            assert text.count(f"REMEMBERED_{number}\n") == 1
            text = text.replace(f"REMEMBERED_{number}\n", f"REMEMBERED_{smaller}\n")
        _smaller[codec] = load({**codec.changed, "memory": text})
    return _smaller[codec]


_smaller: dict[Codec, Codec] = {}

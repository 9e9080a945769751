"""An event that is encoded is decoded again, whatever text it carries; only the kind of its line ends is lost."""

import re

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import events

EXAMPLES = st.tuples(
    st.lists(st.tuples(events.names, events.data), max_size=4), st.booleans(), st.integers(1, 9)
)


def check(example, codec: Codec = INSTALLED) -> None:
    pairs, raw, feed = example
    stream = b"".join(codec.sse.encode_event(name, data.encode() if raw else data) for name, data in pairs)
    decoder = codec.sse.ServerSentEventDecoder()
    found = [
        event for at in range(0, len(stream), feed) for event in decoder.receive_data(stream[at : at + feed])
    ]
    decoder.close()
    assert [(event.name, event.data) for event in found] == [
        # One space after the colon belongs to the format, so a name may not begin with it unharmed; ours is written with one.
        (name, re.sub("\r\n|\r", "\n", data))
        for name, data in pairs
    ]

"""Where botocore has an opinion, ours is the same: messages, values, and whether there is a fault.

It has none where it is known to be lax: empty names, values that reach beyond the block, a length of 12, an end inside a
frame; those streams are left out by what the reference says of them.
"""

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from fuzz.strategies.frames import Fed
from tests.wire import reference
from tests.wire.feeding import cut, run

EXAMPLES = frames.fed_streams()

_LAX = frozenset({"header_name_empty", "header_truncated", "total_length", "headers_length"})


def check(fed: Fed, codec: Codec = INSTALLED) -> None:
    from botocore.eventstream import EventStreamBuffer  # noqa: PLC0415  # only this target needs it, and it is slow to import

    verdict = reference.decode(fed.data, 25_296_912)
    if verdict.broken and verdict.broken.category in _LAX:
        return
    ours = run(codec.eventstream.EventStreamDecoder(), cut(fed.data, fed.cuts), close=False)
    theirs, failed = [], False
    buffer = EventStreamBuffer()
    for chunk in cut(fed.data, fed.cuts):
        buffer.add_data(chunk)
        try:
            theirs.extend(buffer)
        except Exception:  # noqa: BLE001  # it raises KeyError, struct.error and UnicodeDecodeError as well as its own
            failed = True
            break
    assert failed == (ours.fault is not None)
    assert [message.payload for message in ours.things] == [message.payload for message in theirs]
    for our, their in zip(ours.things, theirs, strict=True):
        assert {name: _plain(value) for name, value in our.headers.items()} == their.headers


def _plain(value):
    """As botocore has it: a UUID is its 16 bytes."""
    return getattr(value, "bytes", value)

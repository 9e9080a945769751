"""Where AWS's newer `smithy-aws-event-stream` has an opinion, ours is the same: messages, values, and whether there is a fault.

It has none where it is known to be lax (values that reach beyond the block, empty names, lengths that are too small), and fails on timestamps
beyond the year 9999. It needs Python 3.12; where it is not installed, this target is skipped.
"""

from io import BytesIO

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from fuzz.strategies.frames import Fed
from kiro_trio.wire.headers import Timestamp
from tests.wire import reference
from tests.wire.feeding import cut, run

NEEDS = "smithy_aws_event_stream"
EXAMPLES = frames.fed_streams()

_LAX = frozenset({"header_name_empty", "header_truncated", "total_length", "headers_length"})


def check(fed: Fed, codec: Codec = INSTALLED) -> None:
    from smithy_aws_event_stream.events import Event  # noqa: PLC0415  # optional

    verdict = reference.decode(fed.data, 25_296_912)
    if verdict.broken and verdict.broken.category in _LAX:
        return
    ours = run(codec.eventstream.EventStreamDecoder(), cut(fed.data, fed.cuts))
    if any(type(value) is Timestamp for message in ours.things for value in message.headers.values()):
        return
    theirs, failed, source = [], False, BytesIO(fed.data)
    try:
        while (event := Event.decode(source)) is not None:
            theirs.append(event.message)
    except Exception:  # noqa: BLE001  # it raises KeyError, ValueError and UnicodeDecodeError as well as its own
        failed = True
    assert failed == (ours.fault is not None)
    assert [(dict(m.headers), m.payload) for m in ours.things] == [
        (dict(m.headers), m.payload) for m in theirs
    ]

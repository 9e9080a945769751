"""A stream of server-sent events gives the events that the standard says, in any chunking, and they come with their last byte.

The bytes beyond that are an error here: what is not UTF-8, what is too large, and an event that is not finished at the end.
"""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import events
from kiro_trio.wire import WireError
from tests.wire import sse_reference
from tests.wire.feeding import Outcome, take

BOUNDED = 200
EXAMPLES = st.tuples(
    events.streams(),
    st.sampled_from((0, 1, 2, 3, 7)),
    st.sampled_from((4, 8, 9, 12, 30, 1000, 1000, 1000, 1000)),
    st.sampled_from((1, 1, 3)),
)


def bytes_of(example: tuple[bytes, int, int, int]) -> bytes:
    return example[0]


def check(example: tuple[bytes, int, int, int], codec: Codec = INSTALLED) -> None:
    stream, feed, limit, patience = example
    verdict = sse_reference.decode(stream, limit)
    decoder = codec.sse.ServerSentEventDecoder(limit)
    outcome, fed = Outcome(), 0
    for at in range(0, len(stream), feed or len(stream) or 1):
        chunk = stream[at : at + (feed or len(stream))]
        ready = decoder.receive_data(chunk)
        fed += len(chunk)
        if at // len(chunk) % patience:
            continue
        take(ready, outcome)
        assert len(outcome.things) == sum(_known(end, stream) <= fed for *_, end in verdict.events)
    take(decoder.events(), outcome)
    assert [(event.name, event.data, event.id) for event in outcome.things] == [
        event[:3] for event in verdict.events
    ]
    assert decoder.retry == verdict.retry
    try:
        decoder.close()
    except WireError as error:
        outcome.fault = outcome.fault or error
    found = outcome.fault and (outcome.fault.category, outcome.fault.offset, outcome.fault.frame)
    assert found == (verdict.broken and (*verdict.broken, len(verdict.events)))
    if verdict.broken:
        _check_sticky(decoder, outcome)


def check_bytes(data: bytes, codec: Codec = INSTALLED) -> None:
    for feed in (0, 1, 5):
        check((data, feed, 1 << 20, 1), codec)


def _known(end: int, stream: bytes) -> int:
    """A CR ends a line at once, whether or not a LF follows."""
    return end - 1 if stream[end - 2 : end] == b"\r\n" else end


def _check_sticky(decoder, outcome: Outcome) -> None:
    again = Outcome()
    take(decoder.receive_data(b"\n\ndata: more\n\n"), again)
    assert (again.things, again.fault) == ([], outcome.fault)

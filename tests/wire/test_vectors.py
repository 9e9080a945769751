"""Every conformance vector, fed in every chunking: what comes out, what is raised, and that it is raised at once."""

from collections import Counter
from collections.abc import Collection
from hashlib import sha256

import pytest

from fuzz.codec import INSTALLED, Codec
from kiro_trio.wire import EventStreamDecoder, Message
from tests.wire import vectors
from tests.wire.feeding import chunkings, run
from tests.wire.vectors import Expected, Vector

OWN = vectors.own()
SHARED = vectors.shared()

needs_vectors = pytest.mark.skipif(
    not SHARED, reason="needs the recorded vectors (folder shared/ beside the checkout)"
)


def by_family(everything: list[Vector]) -> list:
    families = dict.fromkeys(vector.family for vector in everything)
    return [pytest.param([v for v in everything if v.family == family], id=family) for family in families]


@pytest.mark.parametrize("family", by_family(OWN))
def test_own_vectors(family: list[Vector]) -> None:
    for vector in family:
        check(vector)


@needs_vectors
@pytest.mark.parametrize("family", by_family(SHARED))
def test_shared_vectors(family: list[Vector]) -> None:
    for vector in family:
        check(vector)


@needs_vectors
def test_own_vectors_cover_every_class_of_the_shared_ones() -> None:
    names = {
        "aws-published-positive": "header-type",
        "aws-published-negative": "message-crc",
        "warm-cache": "warm",
    }
    assert {names.get(vector.family, vector.family) for vector in SHARED} <= {vector.family for vector in OWN}
    ours, theirs = Counter(v.category for v in OWN), Counter(v.category for v in SHARED)
    assert set(theirs) <= set(ours)
    assert len(SHARED) == 233


def check(vector: Vector, codec: Codec = INSTALLED, ways: Collection[str] = ()) -> None:
    decoder = codec.eventstream.EventStreamDecoder
    edges = [message.end for message in vector.messages]
    for how, chunks in chunkings(vector.data, edges, ways=ways):
        outcome = run(decoder(vector.limit), chunks)
        where = f"{vector.id}, fed {how}"
        assert len(outcome.things) == len(vector.messages), where
        for message, expected in zip(outcome.things, vector.messages, strict=True):
            assert same(message, expected), where
        found = outcome.fault and (outcome.fault.category, outcome.fault.offset, outcome.fault.frame)
        assert found == (vector.category and (vector.category, vector.offset, len(vector.messages))), where
    if vector.category not in {None, "truncated"} and (not ways or "1 bytes" in ways):
        check_promptness(vector, decoder)


def check_promptness(vector: Vector, decoder: type[EventStreamDecoder]) -> None:
    """The byte that decides it raises it, and no byte before."""
    assert run(decoder(vector.limit), [vector.data[: vector.known_at - 1]], close=False).fault is None, (
        vector.id
    )
    for chunks in (
        [vector.data[: vector.known_at]],
        [bytes((byte,)) for byte in vector.data[: vector.known_at]],
    ):
        assert run(decoder(vector.limit), chunks, close=False).fault is not None, vector.id


def same(message: Message, expected: Expected) -> bool:
    """Values and their types: to Python, `Int8(1)` and `True` are equal."""
    headers = tuple(message.headers.items())
    types = [type(value).__name__ for _, value in headers]
    if headers != expected.headers or types != [type(value).__name__ for _, value in expected.headers]:
        return False
    if isinstance(expected.payload, tuple):
        return (len(message.payload), sha256(message.payload).hexdigest()) == expected.payload
    return type(message.payload) is bytes and message.payload == expected.payload

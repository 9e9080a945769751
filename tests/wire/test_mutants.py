"""The bounded run finds every decoder that is broken on purpose, and nothing in the one that is not."""

import pytest
from hypothesis import Phase

from fuzz import run
from fuzz.codec import Codec, load
from tests.wire import vectors
from tests.wire.mutants import MUTANTS, Mutant
from tests.wire.test_vectors import check

TARGETS = (
    "decoder_memory",
    "decoder_driver",
    "decoder_round_trip",
    "decoder_corruption",
    "decoder_reference",
    "decoder_bytes",
    "decoder_cost",
)
TARGETS_OF_SSE = ("sse_round_trip", "sse_reference")
EXAMPLES = 40
EXAMPLES_OF_SSE = 250
WAYS = (("frame by frame", "whole"), ("1 bytes", "13 bytes"))
SMALL = [vector for vector in vectors.own() if len(vector.data) < 3000]


def bounded_run(codec: Codec, *, sse: bool = False) -> None:
    for ways in () if sse else WAYS:
        for vector in SMALL:
            check(vector, codec, ways=ways)
    for name in TARGETS_OF_SSE if sse else TARGETS:
        examples = EXAMPLES_OF_SSE if sse else EXAMPLES
        run.bounded(run.target(name), examples=examples, phases=(Phase.explicit, Phase.generate), codec=codec)


def test_there_are_enough() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 19


def test_the_bounded_run_finds_nothing_in_the_codec_as_it_is() -> None:
    bounded_run(load())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_bounded_run_finds(mutant: Mutant) -> None:
    codec = mutant.load()
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever shows it: an assertion, a leaked exception, a shrunk example
        bounded_run(codec, sse=mutant.module == "sse")

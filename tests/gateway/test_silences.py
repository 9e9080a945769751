"""Silences are counted as a histogram of the library counts them."""

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from kiro_trio.gateway.silences import Silences

BOUNDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


@given(st.lists(st.floats(min_value=0, max_value=1000) | st.sampled_from(BOUNDS), max_size=20))
@example([])
@example([*BOUNDS, 301.0, 0.0])
def test_the_page_is_the_one_that_a_histogram_gives(seconds) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    silences = Silences()
    ours.register(silences)
    histogram = Histogram(
        "kiro_trio_event_gap_seconds",
        "Kiro's silences between two reads that brought events.",
        registry=theirs,
        buckets=BOUNDS,
    )
    for one in seconds:
        silences.note(one)
        histogram.observe(one)
    assert page(ours) == page(theirs)
    assert len(page(ours)) == len(BOUNDS) + 1 + 2 + 2


def page(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]

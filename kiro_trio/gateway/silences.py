"""Kiro's silences, as a histogram for Prometheus that costs nothing to speak of.

Every event ends one. A histogram of the library takes two locks for each, which is as much as to find the event's frame;
this one counts in plain numbers, for it belongs to one event loop, and becomes a histogram when somebody reads the page.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import INF, floatToGoString

_BOUNDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, INF)


class Silences(Collector):
    """Seconds between two reads that brought events, without the time that a client took."""

    def __init__(self) -> None:
        self._counts = [0] * len(_BOUNDS)
        self._sum = 0.0

    def note(self, seconds: float) -> None:
        """Count one silence."""
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[Metric]:
        """All silences so far."""
        names = map(floatToGoString, _BOUNDS)
        yield HistogramMetricFamily(
            "kiro_trio_event_gap_seconds",
            "Kiro's silences between two reads that brought events.",
            buckets=list(zip(names, accumulate(self._counts), strict=True)),
            sum_value=self._sum,
        )

"""Gauges over time, and whether they stayed flat."""

from dataclasses import dataclass, field
from statistics import fmean, linear_regression, median, stdev


@dataclass
class Gauge:
    """One figure, sampled; `noise` is what it may drift over a run without being a leak."""

    name: str
    unit: str
    noise: float
    samples: list[tuple[float, float]] = field(default_factory=list)

    def note(self, at: float, value: float) -> None:
        self.samples.append((at, value))

    def settled(self) -> list[tuple[float, float]]:
        """Without the first third: pools fill up, caches and the allocator's arenas too."""
        return self.samples[len(self.samples) // 3 :]

    def drift(self) -> float:
        """How far the line through the samples rises over the settled part of the run."""
        samples = self.settled()
        if len(samples) < 4:
            return 0.0
        slope = linear_regression(*zip(*samples, strict=True)).slope
        return slope * (samples[-1][0] - samples[0][0])

    def allowance(self) -> float:
        """The noise, or three standard errors of a drift, if traffic makes the figure swing by more."""
        values = [value for _, value in self.settled()]
        if len(values) < 4:
            return self.noise
        # A line's rise over its whole length has an error of sqrt(12/n) standard deviations; samples of one second
        # are not independent, hence n / 4.
        return max(self.noise, 3 * stdev(values) * (12 / (len(values) / 4)) ** 0.5)

    def flat(self) -> bool:
        return self.drift() <= self.allowance()

    def line(self) -> str:
        values = [value for _, value in self.settled()] or [0.0]
        verdict = "flat" if self.flat() else "RISES"
        return (
            f"{verdict:6} {self.name}: median {median(values):.0f} {self.unit}, mean {fmean(values):.0f}, "
            f"most {max(values):.0f}; drift {self.drift():+.1f} (noise {self.allowance():.1f})"
        )

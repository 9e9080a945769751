"""How far the token estimates are off, per model, learnt from what Kiro reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# The first samples count as their average, later ones as a moving one over about ten replies.
_SLOWEST = 0.1

# Kiro's percentage has a few digits only, and small prompts are mostly Kiro's own preamble: neither teaches anything.
_SMALLEST_SAMPLE = 1000

# Outside of this we rather doubt the sample. The span is wide because Kiro's percentage is of a window that is not
# always the published one (0.44 and 1.47 of it were reported).
_RATIOS = (0.25, 4.0)

_MOST_MODELS = 256


@dataclass(frozen=True, slots=True)
class Learnt:
    """`ratio` is real tokens over estimated ones; `samples` is how often it was measured."""

    ratio: float
    samples: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learnt about each model; a value: `learn` gives a new one.

    Bounded to 256 models; the one that was learnt about longest ago leaves first. `ratios` is plain data to be stored.
    """

    models: Mapping[str, Learnt] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_ratios(cls, ratios: Mapping[str, float]) -> "Calibration":
        """Take up what an earlier process stored; ratios out of bounds are pulled into them."""
        newest = list(ratios.items())[-_MOST_MODELS:]
        return cls(MappingProxyType({model: Learnt(_bounded(ratio), 10) for model, ratio in newest}))

    @property
    def ratios(self) -> dict[str, float]:
        """Real tokens over estimated ones by model, the model learnt about last at the end."""
        return {model: learnt.ratio for model, learnt in self.models.items()}

    def apply(self, model: str, estimate: int) -> int:
        """Correct the estimate; monotonic in it, and unchanged for a model of which nothing is known."""
        learnt = self.models.get(model)
        return estimate if learnt is None else max(1, round(estimate * learnt.ratio))

    def learn(self, model: str, *, estimated: int, measured: int) -> "Calibration":
        """Take in one reply: what we estimated for its prompt (uncorrected), and what Kiro then measured."""
        if min(estimated, measured) < _SMALLEST_SAMPLE:
            return self
        before = self.models.get(model, Learnt(1.0, 0))
        samples = before.samples + 1
        weight = max(1 / samples, _SLOWEST)
        ratio = before.ratio + weight * (_bounded(measured / estimated) - before.ratio)
        models = {name: learnt for name, learnt in self.models.items() if name != model}
        models[model] = Learnt(_bounded(ratio), samples)
        newest = list(models.items())[-_MOST_MODELS:]
        return Calibration(MappingProxyType(dict(newest)))


def _bounded(ratio: float) -> float:
    low, high = _RATIOS
    return min(high, max(low, ratio))

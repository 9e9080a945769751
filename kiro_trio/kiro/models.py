"""The models that Kiro is known to have, as data.

Kiro's catalogue grows several times a year: `kiro_trio.kiro.catalog` lays configuration and the service's own list over
this table. Source: docs/wire.md, "Models".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

EffortPath = Literal["", "output_config", "reasoning"]

UNKNOWN_DATE = "1970-01-01"
"""What Anthropic's list of models says when a model's date is not known."""

_1M = 1_000_000


@dataclass(frozen=True, slots=True)
class Model:
    """A model of Kiro's.

    `window` and `max_output` are in tokens, `rate` is its multiplier of credits (None: not known). `effort` is the key of
    `additionalModelRequestFields` that switches its native thinking on ("" if it has none). `created` is a date.
    """

    id: str
    name: str = ""
    window: int = 200_000
    max_output: int = 64_000
    rate: float | None = None
    effort: EffortPath = ""
    created: str = UNKNOWN_DATE

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return self.name or self.id

    @property
    def knows_tags(self) -> bool:
        """Whether tags in the system text make it think: Claude knows them, and `auto` is mostly Claude."""
        return self.id == "auto" or self.id.startswith("claude")


MODELS: tuple[Model, ...] = (
    Model("auto", "Auto", rate=1.0),
    Model("claude-opus-5", "Claude Opus 5", _1M, effort="output_config"),
    Model("claude-sonnet-5", "Claude Sonnet 5", _1M, rate=1.3, effort="output_config"),
    Model("claude-opus-4.8", "Claude Opus 4.8", _1M, rate=2.2, effort="output_config"),
    Model("claude-opus-4.7", "Claude Opus 4.7", _1M, rate=2.2, effort="output_config"),
    Model("claude-opus-4.6", "Claude Opus 4.6", _1M, rate=2.2, effort="output_config", created="2026-02-04"),
    Model(
        "claude-sonnet-4.6", "Claude Sonnet 4.6", _1M, rate=1.3, effort="output_config", created="2026-02-17"
    ),
    Model("claude-opus-4.5", "Claude Opus 4.5", rate=2.2, created="2025-11-24"),
    Model("claude-sonnet-4.5", "Claude Sonnet 4.5", rate=1.3, created="2025-09-29"),
    Model("claude-haiku-4.5", "Claude Haiku 4.5", rate=0.4, created="2025-10-15"),
    Model("claude-sonnet-4", "Claude Sonnet 4", rate=1.3, created="2025-05-14"),
    Model("gpt-5.6-sol", "GPT-5.6 Sol", 272_000, effort="reasoning"),
    Model("gpt-5.6-terra", "GPT-5.6 Terra", 272_000),
    Model("gpt-5.6-luna", "GPT-5.6 Luna", 272_000),
    Model("deepseek-3.2", "DeepSeek 3.2", 128_000, rate=0.25),
    Model("minimax-m2.5", "MiniMax M2.5", rate=0.25),
    Model("minimax-m2.1", "MiniMax M2.1", rate=0.15),
    Model("glm-5", "GLM-5", rate=0.5),
    Model("qwen3-coder-next", "Qwen3 Coder Next", 256_000, rate=0.05),
)

ALIASES: Mapping[str, str] = MappingProxyType({"default": "auto"})
"""Other names, as clients write them. What the rules of `kiro_trio.kiro.model_names` read needs no row here."""

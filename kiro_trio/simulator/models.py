"""The models that the simulated Kiro has.

A table of its own, so that a slip in the gateway's catalogue shows. Source: docs/wire.md, "Models".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """One model: `window` in tokens, `rate` in credits, `effort` the field of native thinking effort ("" is none)."""

    id: str
    window: int
    rate: float
    effort: str = ""
    images: bool = True

    @property
    def name(self) -> str:
        """The name for people."""
        return self.id.replace("-", " ").title()


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.id: model
        for model in (
            Model("auto", 200_000, 1.0),
            Model("claude-opus-5", 1_000_000, 2.2, "output_config"),
            Model("claude-sonnet-5", 1_000_000, 1.3, "output_config"),
            Model("claude-opus-4.8", 1_000_000, 2.2, "output_config"),
            Model("claude-opus-4.7", 1_000_000, 2.2, "output_config"),
            Model("claude-opus-4.6", 1_000_000, 2.2, "output_config"),
            Model("claude-opus-4.5", 200_000, 2.2),
            Model("claude-sonnet-4.6", 1_000_000, 1.3, "output_config"),
            Model("claude-sonnet-4.5", 200_000, 1.3),
            Model("claude-sonnet-4", 200_000, 1.3),
            Model("claude-haiku-4.5", 200_000, 0.4),
            Model("gpt-5.6-sol", 272_000, 1.0, "reasoning"),
            Model("deepseek-3.2", 128_000, 0.25, images=False),
            Model("minimax-m2.5", 200_000, 0.25, images=False),
            Model("minimax-m2.1", 200_000, 0.15, images=False),
            Model("glm-5", 200_000, 0.5, images=False),
            Model("qwen3-coder-next", 256_000, 0.05, images=False),
        )
    }
)


def listed(models: Mapping[str, Model]) -> dict[str, Any]:
    """The answer of `ListAvailableModels`."""
    rows = [_row(model) for model in models.values()]
    return {"defaultModel": rows[0] if rows else None, "models": rows, "nextToken": None}


def _row(model: Model) -> dict[str, Any]:
    return {
        "modelId": model.id,
        "modelName": model.name,
        "description": f"{model.name}, simulated",
        "rateMultiplier": model.rate,
        "rateUnit": "Credit",
        "supportedInputTypes": ["TEXT", "IMAGE"] if model.images else ["TEXT"],
        "tokenLimits": {"maxInputTokens": model.window, "maxOutputTokens": 64_000},
        "promptCaching": {"supportsPromptCaching": False},
    }

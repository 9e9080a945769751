"""What a message cost, in Anthropic's fields and one of our own. Nothing is made up: what Kiro did not say is left out."""

from math import isfinite
from typing import Any

from kiro_trio.conversation.reply import Usage
from kiro_trio.dialects.anthropic.blocks import Ending


def final_usage(ending: Ending, estimate: int) -> dict[str, Any]:
    """`usage` of a whole message; `estimate` stands for input tokens that Kiro did not count.

    Source: docs/wire.md, "Usage".
    """
    usage = ending.usage
    counts = {
        "input_tokens": estimate if usage.input_tokens is None else usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.output_tokens,
        "server_tool_use": {"web_search_requests": ending.searches} if ending.searches else None,
    }
    return {name: count for name, count in counts.items() if count is not None}


def kiro_usage(usage: Usage) -> dict[str, float]:
    """What Kiro reports in its own units, for the field `kiro`, which Anthropic's clients do not look at."""
    figures = {"credits": usage.credits, "context_percentage": usage.context_percentage}
    return {name: figure for name, figure in figures.items() if figure is not None and isfinite(figure)}

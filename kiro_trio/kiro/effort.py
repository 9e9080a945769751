"""Effort: how a model is asked to think, natively where it can, by tags in the system text where not.

Source: docs/wire.md, "Thinking and effort".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from kiro_trio.conversation.prompt import ThinkingMode, ThinkingWish
from kiro_trio.kiro.catalog import Resolution
from kiro_trio.kiro.models import Model
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.kiro.tally import Tally

DEFAULT_EFFORT = "high"
_TAGS = ("<thinking_mode>", "<max_thinking_length>")

# Up to which budget, in tokens, a client that speaks of budgets is content with less than high effort.
_EFFORT_BY_BUDGET: tuple[tuple[int, str], ...] = ((4_096, "low"), (12_288, "medium"))

# The GPT models know less words than Claude's for the upper end.
_REASONING_EFFORTS: Mapping[str, str] = MappingProxyType({"max": "xhigh"})


@dataclass(frozen=True, slots=True)
class ThinkingPlan:
    """How thinking is asked for: `fields` for `additionalModelRequestFields` (None: none), `tags` for the system text.

    `by_tags` says that the model will write its thinking between tags into its text, `native` that it comes in events
    of its own.
    """

    fields: Mapping[str, Any] | None = None
    tags: str = ""
    by_tags: bool = False
    native: bool = False


def named_wish(wish: ThinkingWish, resolution: Resolution) -> ThinkingWish:
    """What the client asks for, with what the model's name asks for on top (`-thinking`, `-high`)."""
    if resolution.effort:
        wish = replace(wish, effort=resolution.effort)
    if (resolution.thinking or resolution.effort) and wish.mode is ThinkingMode.OFF:
        mode = ThinkingMode.ADAPTIVE if resolution.effort or resolution.model.effort else ThinkingMode.ENABLED
        wish = replace(wish, mode=mode)
    return wish


def plan_thinking(
    wish: ThinkingWish,
    model: Model,
    system: str,
    max_tokens: int | None,
    options: RequestOptions,
    tally: Tally,
) -> ThinkingPlan:
    """Decide how to ask `model` for the thinking that the client wishes; `system` is the client's system text."""
    if any(tag in system for tag in _TAGS):
        return ThinkingPlan(by_tags=True)  # the client asks by itself
    if wish.mode is ThinkingMode.OFF:
        tally.note("effort without thinking left out", int(wish.effort is not None))
        return ThinkingPlan()
    if model.effort and options.native_effort:
        return ThinkingPlan(fields=_native(wish, model, options), native=True)
    if model.knows_tags:
        return ThinkingPlan(tags=_tags(wish, max_tokens, options, tally), by_tags=True)
    tally.note("thinking not available for this model")
    return ThinkingPlan()


def _native(wish: ThinkingWish, model: Model, options: RequestOptions) -> Mapping[str, Any]:
    effort = wish.effort or _effort_of_budget(wish)
    if model.effort == "reasoning":
        return {"reasoning": {"effort": _REASONING_EFFORTS.get(effort, effort)}}
    fields: dict[str, Any] = {"output_config": {"effort": effort}}
    if options.thinking_display:
        fields["thinking"] = {"type": "adaptive", "display": options.thinking_display}
    return fields


def _effort_of_budget(wish: ThinkingWish) -> str:
    if wish.mode is ThinkingMode.ENABLED:
        for most, effort in _EFFORT_BY_BUDGET:
            if wish.budget <= most:
                return effort
    return DEFAULT_EFFORT


def _tags(wish: ThinkingWish, max_tokens: int | None, options: RequestOptions, tally: Tally) -> str:
    if wish.mode is ThinkingMode.ADAPTIVE:
        effort = wish.effort or DEFAULT_EFFORT
        return f"<thinking_mode>adaptive</thinking_mode><thinking_effort>{effort}</thinking_effort>"
    budget = min(wish.budget, options.thinking_budget or wish.budget)
    if max_tokens:
        budget = min(
            budget, max_tokens - 1
        )  # thinking is a part of the answer: it must leave room for the rest
    budget = max(budget, 1)
    if budget != wish.budget:
        tally.note("thinking budget lowered")
    return f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{budget}</max_thinking_length>"

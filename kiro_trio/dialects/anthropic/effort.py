"""What a request asks of the model's thinking and of the form of its answer."""

from collections.abc import Mapping
from typing import Any

from kiro_trio.conversation.prompt import ThinkingMode, ThinkingWish
from kiro_trio.dialects.anthropic.fields import Fields
from kiro_trio.dialects.anthropic.warnings import Warnings, label

_EFFORTS = {"low", "medium", "high", "xhigh", "max"}
_MODES = {mode.value: mode for mode in ThinkingMode}
_DEFAULT_BUDGET = ThinkingWish().budget


def read_thinking(body: Fields, turn_effort: str | None, warnings: Warnings) -> ThinkingWish:
    """`thinking` and `output_config.effort`; `turn_effort`, which a message carried, outranks the latter.

    A kind of thinking that we do not know is taken as `adaptive`: the model decides.
    """
    effort = turn_effort or read_effort(body, warnings)
    fields = body.child("thinking")
    if fields is None:
        return ThinkingWish(effort=effort)
    kind = fields.required("type", str)
    if kind not in _MODES:
        warnings.add(f"thinking {label(kind)} taken as adaptive")
    budget = fields.optional("budget_tokens", int)
    return ThinkingWish(
        mode=_MODES.get(kind, ThinkingMode.ADAPTIVE),
        budget=_DEFAULT_BUDGET if budget is None else budget,
        effort=effort,
    )


def read_effort(fields: Fields, warnings: Warnings) -> str | None:
    """`output_config.effort` of a body or a message."""
    config = fields.child("output_config")
    effort = config.optional("effort", str) if config else None
    if effort and effort not in _EFFORTS:
        warnings.add(f"effort {label(effort)} ignored")
        return None
    return effort or None


def read_json_schema(body: Fields, warnings: Warnings) -> Mapping[str, Any] | None:
    """The schema of `output_config.format`, or of `output_format` as it was called before."""
    config = body.child("output_config")
    fields = (config.child("format") if config else None) or body.child("output_format")
    if fields is None:
        return None
    kind = fields.required("type", str)
    if kind != "json_schema":
        warnings.add(f"output format {label(kind)} ignored")
        return None
    return fields.required("schema", dict)

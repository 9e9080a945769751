"""What Kiro wants of a chat request, as a table: every invariant, how it is refused, and how to see it broken.

The simulated service is as strict as the real one is known or suspected to be, so that a conversion which
passes here passes there. Invariants that are only suspected are optional: they hold when they are asked for.
Source: docs/wire.md, "History rules", "Tools", "Images and documents" and "Limits".
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import msgspec

from kiro_trio.simulator import filerules as files
from kiro_trio.simulator import toolrules as tools
from kiro_trio.simulator import turnrules as turns
from kiro_trio.simulator.models import Model
from kiro_trio.simulator.question import Question

MAX_BODY = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant: `refusal` is a row of `refusals.REFUSALS`, `evidence` says where and what."""

    invariant: str
    refusal: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that must hold; `broken` gives the evidence when it does not."""

    name: str
    refusal: str
    broken: Callable[[Question], str | None]
    optional: bool = False


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("trigger", "improper-body", turns.trigger),
    Invariant("conversation-id", "conversation-id", turns.conversation_id),
    Invariant("alternates", "improper", turns.alternates),
    Invariant("origin", "improper-body", turns.origin),
    Invariant("sizes", "improper", turns.sizes),
    Invariant("user-speaks", "improper", turns.user_speaks),
    Invariant("assistant-speaks", "improper", turns.assistant_speaks),
    Invariant("call-ids", "tools", turns.call_ids),
    Invariant("call-inputs", "improper", turns.call_inputs),
    Invariant("call-names", "tools", turns.call_names),
    Invariant("calls-have-tools", "tool-config", turns.calls_have_tools),
    Invariant("results-answer-calls", "tool-result", turns.results_answer_calls),
    Invariant("results-speak", "improper", turns.results_speak),
    Invariant("tool-names", "tools", tools.tool_names),
    Invariant("tools-unique", "tool-duplicate", tools.specifications_are_unique),
    Invariant("tools-described", "improper", tools.specification_is_described),
    Invariant("tool-schemas", "tools", tools.specification_schema),
    Invariant("image-formats", "image-format", files.image_formats),
    Invariant("image-data", "image-mime", files.image_data),
    Invariant("image-count", "image-count", files.image_count),
    Invariant("image-size", "image-size", files.image_size),
    Invariant("document-formats", "improper-body", files.document_formats),
    Invariant("document-names", "document-name", files.document_names),
    Invariant("plain-schemas", "tools", tools.schema_is_plain, optional=True),
    Invariant("no-agent-fields", "improper-body", turns.agent_fields_absent, optional=True),
    Invariant("results-alone", "improper", turns.results_stand_alone, optional=True),
)
INVARIANT_NAMES: AbstractSet[str] = {invariant.name for invariant in INVARIANTS} | {"model", "effort"}


def examine(
    body: bytes,
    models: Mapping[str, Model],
    *,
    also: AbstractSet[str] = frozenset(),
    without: AbstractSet[str] = frozenset(),
) -> Question | Violation:
    """Read a request body, and hold it against the table.

    `also` names optional invariants that hold too, `without` names invariants that do not. Gives the first
    violation in the order of the table. Size, JSON, shape and a current message of the user's always hold.
    """
    if len(body) > MAX_BODY:
        return Violation("body-size", "improper", f"{len(body)} bytes")
    try:
        question = msgspec.json.decode(body, type=Question)
    except msgspec.ValidationError as error:
        return Violation("shape", "improper-body", str(error))
    except msgspec.DecodeError as error:
        return Violation("json", "improper-json", str(error))
    if evidence := turns.current_is_user(question):
        return Violation("current-is-user", "improper", evidence)
    for invariant in INVARIANTS:
        if invariant.name in without or (invariant.optional and invariant.name not in also):
            continue
        if evidence := invariant.broken(question):
            return Violation(invariant.name, invariant.refusal, evidence)
    return _model_fits(question, models, without) or question


def _model_fits(
    question: Question, models: Mapping[str, Model], without: AbstractSet[str]
) -> Violation | None:
    model = models.get(question.current.model_id or "auto")
    if model is None:
        found = Violation("model", "model", repr(question.current.model_id))
        return None if "model" in without else found
    fields = question.additional_model_request_fields
    if not fields or "effort" in without:
        return None
    if not model.effort:
        return Violation("effort", "effort", f"{model.id} got {', '.join(fields)}")
    if strange := fields.keys() - {model.effort, "thinking"}:
        return Violation("effort", "effort-schema", f"{model.id} got {', '.join(sorted(strange))}")
    return None

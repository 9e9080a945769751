"""Payloads of Kiro's event stream, as a table by `:event-type`.

Reading is lenient in form: a payload may stand bare or below its event's name, and fields that we do not know are
counted and left alone. It is strict in substance: a payload that is not JSON, or whose words are not where words
belong, is damage, and never skipped. Source: docs/wire.md, "Event types".
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import msgspec

# Names come from outside: at most so many are kept, cut to this length.
_MOST_NAMES = 64
_LONGEST_NAME = 80


class UndecodablePayload(Exception):
    """The payload of an event that we know cannot be read. Its text has no byte of the payload."""


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Words(_Payload):
    """A piece of the answer; `modelId` is the model that really speaks. The other fields are of old shapes."""

    content: str | None = None
    modelId: str | None = None  # noqa: N815 - Kiro's spelling, here and below
    conversationId: Any = None  # noqa: N815
    messageId: Any = None  # noqa: N815
    messageStatus: Any = None  # noqa: N815
    followupPrompt: Any = None  # noqa: N815


class ReasoningText(msgspec.Struct):
    """Reasoning as the history of a request has it."""

    text: str | None = None
    signature: str | None = None


class Reasoning(_Payload):
    """A piece of native reasoning, or the signature that ends it, or a piece that only its maker can read."""

    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None  # noqa: N815
    reasoningText: ReasoningText | None = None  # noqa: N815


class ToolUse(_Payload):
    """A piece of a tool call: `input` is a piece of JSON text, or the whole object."""

    toolUseId: str | None = None  # noqa: N815
    name: str | None = None
    input: str | dict[str, Any] | None = None
    stop: bool | None = None


class ContextUsage(_Payload):
    """The share of the model's window that input and output take, in percent."""

    contextUsagePercentage: Any = None  # noqa: N815


class Metering(_Payload):
    """What the reply costs."""

    usage: Any = None
    unit: Any = None
    unitPlural: Any = None  # noqa: N815


class Metadata(_Payload):
    """How and why the reply ended, and what it took."""

    tokenUsage: Any = None  # noqa: N815
    stopReason: Any = None  # noqa: N815
    contextUsagePercentage: Any = None  # noqa: N815
    refusal: Any = None
    stopDetails: Any = None  # noqa: N815


class Metrics(_Payload):
    """Token counts, as one gateway has seen them."""

    inputTokens: Any = None  # noqa: N815
    outputTokens: Any = None  # noqa: N815


Event = Words | Reasoning | ToolUse | ContextUsage | Metering | Metadata | Metrics

TEXT_EVENT = "assistantResponseEvent"

EVENTS: Mapping[str, type[Event]] = MappingProxyType({
    TEXT_EVENT: Words,
    "codeEvent": Words,
    "reasoningContentEvent": Reasoning,
    "toolUseEvent": ToolUse,
    "contextUsageEvent": ContextUsage,
    "meteringEvent": Metering,
    "metadataEvent": Metadata,
    "messageStopEvent": Metadata,
    "metricsEvent": Metrics,
})  # fmt: skip

IGNORED = frozenset({
    "initial-response",
    "messageMetadataEvent",
    "codeReferenceEvent",
    "supplementaryWebLinksEvent",
    "followupPromptEvent",
    "intentsEvent",
    "interactionComponentsEvent",
    "citationEvent",
    "toolResultEvent",
    "dryRunSucceedEvent",
})  # fmt: skip
"""Events that say nothing to a client. `initial-response` is how the RPC binding begins every event stream."""

ERRORS = frozenset({"invalidStateEvent", "error"})
"""Events whose payload is that of an exception."""

_DECODERS = {name: msgspec.json.Decoder(payload) for name, payload in EVENTS.items()}

decode_words = msgspec.json.Decoder(Words).decode
"""The short way for the event that a reply mostly consists of; raises what msgspec raises."""

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,60}")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for payloads that are not what they should be."""


def decode_event(kind: str, payload: bytes, unknown: Counter[str]) -> Event:
    """Read the payload of an event of `EVENTS`; unknown fields are counted in `unknown` as `event.field`.

    Raises:
        UndecodablePayload: It is not a JSON object, or a field that carries words has another type.
    """
    try:
        return _DECODERS[kind].decode(payload)
    except UNREADABLE:
        found = _decode_any(payload)
    if found is None:
        raise UndecodablePayload(f"the payload of a {kind} is not JSON")
    return _convert(kind, found, unknown)


def word(name: object) -> str:
    """What Kiro calls something, if it is a word and not a text, in which there could be anything; else "?"."""
    return name if isinstance(name, str) and _WORD.fullmatch(name) else "?"


def count_name(unknown: Counter[str], name: str) -> None:
    """Count something that we do not know, within bounds."""
    name = "".join(character if character.isprintable() else "?" for character in name[:_LONGEST_NAME])
    if name in unknown or len(unknown) < _MOST_NAMES:
        unknown[name] += 1


def _decode_any(payload: bytes) -> Any:
    """Any JSON, also with halves of surrogate pairs, which msgspec does not take; None if it is none."""
    with suppress(*UNREADABLE):
        return msgspec.json.decode(payload)
    with suppress(ValueError, RecursionError):
        return json.loads(payload)
    return None


def _convert(kind: str, found: object, unknown: Counter[str]) -> Event:
    struct = EVENTS[kind]
    try:
        data = msgspec.convert(found, dict[str, Any])
        nested = data.get(kind)
        if isinstance(nested, dict):
            data = nested
        for name in data.keys() - set(struct.__struct_fields__):
            count_name(unknown, f"{kind}.{word(name)}")
            del data[name]
        return msgspec.convert(data, struct)
    except UNREADABLE as error:
        raise UndecodablePayload(f"the payload of a {kind} has another shape") from error

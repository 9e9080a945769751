"""Steps of a reply as the frames that Kiro sends.

Source: docs/wire.md, "Frames" and "Event types".
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from kiro_trio.simulator.delivery import Act, End, Wait, Write
from kiro_trio.simulator.script import (
    Began,
    Break,
    CallTool,
    ContextUsage,
    Error,
    Event,
    Metadata,
    Metering,
    Pause,
    Raw,
    Say,
    Step,
    Steps,
    Think,
    Throw,
)
from kiro_trio.wire import encode_message

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Voice:
    """What a reply knows of its request: `window` and `input_tokens` in tokens; `seed` makes ids unlike others."""

    conversation_id: str = "00000000-0000-4000-8000-000000000000"
    model_id: str = "claude-sonnet-4.5"
    window: int = 200_000
    input_tokens: int = 0
    seed: str = ""

    def identifier(self, number: int, length: int = 22) -> str:
        """An id that looks drawn, and is the same for the same seed and number."""
        digest = hashlib.sha256(f"{self.conversation_id}/{self.seed}/{number}".encode()).hexdigest()
        return digest[:length]


@dataclass(slots=True)
class _Said:
    """What was said so far, for the figures at the end."""

    characters: int = 0
    calls: int = 0


def perform(steps: Sequence[Steps], voice: Voice, *, bare: bool = False) -> list[Act]:
    """Turn steps into acts: one `Write` of one frame per event, and `Wait` and `End` where the steps say so.

    Unless `bare`, the events with which Kiro begins and ends a reply are put round the steps.
    """
    said = _Said()
    acts: list[Act] = []
    for step in steps if bare else _framed(steps):
        acts.extend(_PERFORM[type(step)](step, voice, said))
    return acts


def event(name: str, payload: Any) -> bytes:
    """One event frame, with the three headers that Kiro sends."""
    headers = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    return encode_message(headers, msgspec.json.encode(payload))


def _framed(steps: Sequence[Steps]) -> list[Steps]:
    kinds = {type(step) for step in steps}
    framed: list[Steps] = [*steps]
    if Began not in kinds and not (steps and isinstance(steps[0], Throw | Error | Raw | Break)):
        framed.insert(0, Began())
    if not kinds & {Throw, Error, Break}:
        closing: tuple[Steps, ...] = (Metering(), ContextUsage(), Metadata())
        framed.extend(step for step in closing if type(step) not in kinds)
    return framed


def _say(step: Say, voice: Voice, said: _Said) -> Iterator[Act]:
    for piece in _spaced(step.text, step.piece, step.every):
        if isinstance(piece, str):
            said.characters += len(piece)
            yield Write((_words(piece, voice.model_id),))
        else:
            yield piece


def _think(step: Think, voice: Voice, said: _Said) -> Iterator[Act]:
    if step.tags:
        text = (step.text,) if isinstance(step.text, str) else step.text
        whole = "<thinking>\n" + "".join(text) + "\n</thinking>\n\n"
        yield from _say(
            Say(whole if isinstance(step.text, str) else _tagged(text), step.piece, step.every), voice, said
        )
        return
    for piece in _spaced(step.text, step.piece, step.every):
        if isinstance(piece, str):
            said.characters += len(piece)
            yield _written("reasoningContentEvent", {"text": piece})
        else:
            yield piece
    for field, value in (("signature", step.signature), ("redactedContent", step.redacted)):
        if value:
            yield _written("reasoningContentEvent", {field: value})


def _tagged(pieces: tuple[str, ...]) -> tuple[str, ...]:
    return ("<thinking>\n", *pieces, "\n</thinking>\n\n")


def _call_tool(step: CallTool, voice: Voice, said: _Said) -> Iterator[Act]:
    said.calls += 1
    call = {"name": step.name, "toolUseId": step.id or f"tooluse_{voice.identifier(said.calls)}"}
    if step.whole:
        yield _written("toolUseEvent", {**call, "input": step.input, "stop": step.stop})
        return
    yield _written("toolUseEvent", call)
    text = step.input if isinstance(step.input, str) else msgspec.json.encode(step.input).decode()
    for piece in _spaced(text, step.piece, step.every):
        if isinstance(piece, str):
            said.characters += len(piece)
            yield _written("toolUseEvent", {"input": piece, **call})
        else:
            yield piece
    if step.stop:
        yield _written("toolUseEvent", {**call, "stop": True})


def _began(_: Began, voice: Voice, __: _Said) -> Iterator[Act]:
    ids = {"conversationId": voice.conversation_id, "utteranceId": voice.identifier(0)}
    yield _written("messageMetadataEvent", ids)


def _metering(step: Metering, _: Voice, __: _Said) -> Iterator[Act]:
    yield _written("meteringEvent", {"unit": "credit", "unitPlural": "credits", "usage": step.credits})


def _context_usage(step: ContextUsage, voice: Voice, said: _Said) -> Iterator[Act]:
    percentage = step.percentage
    if percentage is None:
        tokens = voice.input_tokens + -(-said.characters // CHARACTERS_PER_TOKEN)
        percentage = min(100.0, 100 * tokens / voice.window)
    yield _written("contextUsageEvent", {"contextUsagePercentage": percentage})


def _metadata(step: Metadata, _: Voice, said: _Said) -> Iterator[Act]:
    payload: dict[str, Any] = {"stopReason": step.stop or ("TOOL_USE" if said.calls else "END_TURN")}
    if step.usage is not None:
        payload["tokenUsage"] = step.usage
    yield _written("metadataEvent", payload)


def _event(step: Event, _: Voice, __: _Said) -> Iterator[Act]:
    yield _written(step.name, step.payload)


def _throw(step: Throw, _: Voice, __: _Said) -> Iterator[Act]:
    headers = {
        ":message-type": "exception",
        ":exception-type": step.type,
        ":content-type": "application/json",
    }
    payload = msgspec.json.encode({"message": step.message, "reason": step.reason})
    yield Write((encode_message(headers, payload),))


def _error(step: Error, _: Voice, __: _Said) -> Iterator[Act]:
    headers = {":message-type": "error", ":error-code": step.code, ":error-message": step.message}
    yield Write((encode_message(headers, b""),))


def _raw(step: Raw, _: Voice, __: _Said) -> Iterator[Act]:
    yield Write((step.data,))


def _pause(step: Pause, _: Voice, __: _Said) -> Iterator[Act]:
    yield Wait(step.seconds)


def _break(step: Break, _: Voice, __: _Said) -> Iterator[Act]:
    yield End(step.how)


def _spaced(text: str | tuple[str, ...], size: int, every: float) -> Iterator[str | Wait]:
    """The pieces of a text, with the pauses between them."""
    pieces: Iterable[str] = text
    if isinstance(text, str):
        step = size or len(text) or 1
        pieces = (text[start : start + step] for start in range(0, len(text), step))
    for number, piece in enumerate(pieces):
        if number and every:
            yield Wait(every)
        yield piece


@lru_cache(maxsize=8192)  # a bench says the same ten thousand words to every request
def _words(content: str, model_id: str) -> bytes:
    return event("assistantResponseEvent", {"content": content, "modelId": model_id})


def _written(name: str, payload: Any) -> Write:
    return Write((event(name, payload),))


_PERFORM: dict[type[Step], Callable[[Any, Voice, _Said], Iterator[Act]]] = {
    Say: _say,
    Think: _think,
    CallTool: _call_tool,
    Began: _began,
    Metering: _metering,
    ContextUsage: _context_usage,
    Metadata: _metadata,
    Event: _event,
    Throw: _throw,
    Error: _error,
    Raw: _raw,
    Pause: _pause,
    Break: _break,
}

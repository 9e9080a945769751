"""Kiro's messages in few words, and ways to read replies from them."""

import json
from itertools import pairwise

from kiro_trio.conversation.reply import (
    Finished,
    ReplyEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingRedacted,
    ThinkingSigned,
    ToolCall,
    Usage,
)
from kiro_trio.kiro.response import ReplyReader
from kiro_trio.wire import Message

WINDOW = 200_000


class Names:
    """Tool names as Kiro knows them have a tail that the client's have not."""

    def original(self, short: str) -> str:
        return short.removesuffix("_short")


def reader(**options) -> ReplyReader:
    asked = {"model_id": "claude-sonnet-4.5", "window": WINDOW, "tool_names": Names(), "thinking_tags": False}
    return ReplyReader(**(asked | options))


def raw(kind: str, payload: bytes) -> Message:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return Message(headers, payload)


def event(kind: str, **fields) -> Message:
    return raw(kind, json.dumps(fields).encode())


def text(content: str) -> Message:
    return event("assistantResponseEvent", content=content)


def reasoning(**fields) -> Message:
    return event("reasoningContentEvent", **fields)


def tool(identity: str | None = "t1", name: str | None = "Read", **fields) -> Message:
    known = {"toolUseId": identity, "name": name}
    return event(
        "toolUseEvent", **{key: value for key, value in known.items() if value is not None}, **fields
    )


def call(identity: str, name: str, *pieces: str) -> list[Message]:
    """A call as Kiro sends it: nothing, pieces, and a stop."""
    return [
        tool(identity, name),
        *(tool(identity, name, input=piece) for piece in pieces),
        tool(identity, name, stop=True),
    ]


def stop(reason: str, **fields) -> Message:
    return event("metadataEvent", stopReason=reason, **fields)


def context(percentage: object) -> Message:
    return event("contextUsageEvent", contextUsagePercentage=percentage)


def exception(name: str, **fields) -> Message:
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return Message(headers, json.dumps(fields).encode())


def error(code: str, message: str) -> Message:
    return Message({":message-type": "error", ":error-code": code, ":error-message": message}, b"")


def read(messages: list[Message], **options) -> tuple[list[ReplyEvent], ReplyReader]:
    """Read a whole reply: all events, and the reader for what else it knows."""
    reading = reader(**options)
    events = reading.read(messages)
    return events + reading.close(), reading


def said(events: list[ReplyEvent]) -> list[ReplyEvent]:
    """The events without the two that end them."""
    return [item for item in events if not isinstance(item, Usage | Finished)]


def coalesced(events: list[ReplyEvent]) -> list[ReplyEvent]:
    """Adjacent deltas joined, whoever has cut them."""
    joined: list[ReplyEvent] = []
    for item in events:
        last = joined[-1] if joined else None
        if isinstance(item, TextDelta | ThinkingDelta) and type(last) is type(item):
            joined[-1] = type(item)(last.text + item.text)
        else:
            joined.append(item)
    return joined


def check_grammar(events: list[ReplyEvent], *, failed: bool) -> None:
    """What `kiro_trio.conversation.reply` promises of a reply."""
    kinds = [type(item) for item in events]
    if failed:
        assert Usage not in kinds
        assert Finished not in kinds
    else:
        assert kinds[-2:] == [Usage, Finished]
        assert kinds.count(Usage) == kinds.count(Finished) == 1
    for item in events:
        match item:
            case TextDelta(words) | ThinkingDelta(words):
                assert words
            case ThinkingSigned(opaque) | ThinkingRedacted(opaque):
                assert opaque
            case ToolCall(identity, name, input_json):
                assert identity
                assert name
                assert isinstance(json.loads(input_json), dict)
    calls = [item.id for item in events if isinstance(item, ToolCall)]
    assert len(set(calls)) == len(calls)
    for before, after in pairwise(kinds):
        assert not (before is after and before in (Usage, Finished))

"""Kiro's messages to read replies from, and strategies for any sequence of them."""

import json
from itertools import pairwise

from hypothesis import strategies as st

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


WORDS = st.sampled_from(
    [
        "Hello",
        " world",
        "\n",
        "\n\n",
        " ",
        "<thinking>",
        "</thinking>",
        "<thi",
        "nking>",
        "`",
        "```",
        "a.",
        "STOP",
        "ST",
        "é",
        "😀",
    ]
)
PIECES = st.sampled_from(
    ['{"a":', '"b"', "}", '{"a":1}', "{}", "", '{"x":"', '"}', " ", "[1]", '{"a":[', "]}", "\\"]
)
IDENTITIES = st.sampled_from(["t1", "t2", "t3", None, ""])
NAMES = st.sampled_from(["Read", "Write_short", None, ""])
ODDITIES = st.sampled_from([None, 1, -1, 0, 3.5, "12.5", "x", [], {}, True, 1e308, 99.5, 100, 250])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
STOP_REASONS = st.sampled_from(
    [
        "END_TURN", "TOOL_USE", "STOP_SEQUENCE", "MAX_TOKENS", "MODEL_CONTEXT_WINDOW_EXCEEDED", "CONTENT_FILTERED",
        "GUARDRAIL_INTERVENED", "MALFORMED_TOOL_USE", "MALFORMED_MODEL_OUTPUT", "SOMETHING_NEW", "end_turn",
    ]
)  # fmt: skip
KINDS = [
    "assistantResponseEvent", "codeEvent", "reasoningContentEvent", "toolUseEvent", "contextUsageEvent", "meteringEvent",
    "metadataEvent", "messageStopEvent", "metricsEvent", "messageMetadataEvent", "citationEvent", "initial-response",
    "brandNewEvent", "",
]  # fmt: skip

USUAL = st.one_of(
    WORDS.map(text),
    WORDS.map(text),
    st.builds(reasoning, text=WORDS),
    st.builds(reasoning, signature=st.just("c2ln+/=")),
    st.builds(reasoning, redactedContent=st.just("AAECAw==")),
    st.builds(tool, IDENTITIES, NAMES, input=PIECES),
    st.builds(tool, IDENTITIES, NAMES, input=st.sampled_from([{}, {"path": "a"}, None])),
    st.builds(tool, IDENTITIES, NAMES),
    st.builds(tool, IDENTITIES, NAMES, stop=st.booleans()),
    st.builds(call, st.sampled_from(["t1", "t2"]), st.just("Read"), st.just('{"p":'), st.just("1}")),
)
CLOSING = st.one_of(
    STOP_REASONS.map(stop),
    ODDITIES.map(context),
    st.builds(event, st.just("meteringEvent"), usage=ODDITIES, unit=st.sampled_from(["credit", "token"])),
    st.builds(event, st.just("metricsEvent"), inputTokens=ODDITIES, outputTokens=ODDITIES),
    st.builds(event, st.just("metadataEvent"), tokenUsage=st.fixed_dictionaries({}, optional={
        "uncachedInputTokens": ODDITIES, "outputTokens": ODDITIES, "totalTokens": ODDITIES,
        "cacheReadInputTokens": ODDITIES, "cacheWriteInputTokens": ODDITIES, "contextUsagePercentage": ODDITIES,
    }) | ODDITIES),
)  # fmt: skip
BROKEN = st.one_of(
    st.builds(raw, st.sampled_from(KINDS), st.binary(max_size=12)),
    st.builds(raw, st.sampled_from(KINDS), JSON.map(lambda value: json.dumps(value).encode())),
    st.builds(
        exception,
        st.sampled_from(["ThrottlingException", "ContentLengthExceededException", "", "x#Y"]),
        message=st.just("no"),
    ),
    st.builds(error, st.sampled_from(["InternalError", ""]), st.just("no")),
    st.builds(
        Message,
        st.dictionaries(
            st.sampled_from([":message-type", ":event-type", ":exception-type", ":error-code"]),
            st.sampled_from(["event", "exception", "error", "toolUseEvent", "?"])
            | st.integers()
            | st.binary(max_size=3),
        ),
        st.binary(max_size=4),
    ),
)


def _flat(items: list[Message | list[Message]]) -> list[Message]:
    return [message for item in items for message in (item if isinstance(item, list) else [item])]


REPLIES = st.builds(
    lambda usual, closing: _flat([*usual, *closing]),
    st.lists(USUAL, max_size=12),
    st.lists(CLOSING, max_size=3),
)
"""Replies of known events in any order."""

ANYTHING = st.lists(st.one_of(USUAL, USUAL, CLOSING, BROKEN), max_size=14).map(_flat)
"""Any messages at all."""

OPTIONS = st.fixed_dictionaries(
    {"thinking_tags": st.booleans()},
    optional={
        "max_tokens": st.sampled_from([0, 1, 20]),
        "stop_sequences": st.sampled_from([("STOP",), ("\n\n", "STOP"), ("o w", "")]),
        "window": st.sampled_from([0, WINDOW]),
    },
)

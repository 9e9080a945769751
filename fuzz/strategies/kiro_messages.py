"""Kiro's messages in any order: replies as they should be, endings of all kinds, and what is no reply at all."""

import json

from hypothesis import strategies as st

from fuzz.strategies.json_values import JSON
from kiro_trio.wire import Message
from tests.kiro.replies import (
    WINDOW,
    call,
    context,
    error,
    event,
    exception,
    raw,
    reasoning,
    stop,
    text,
    tool,
)

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
    [
        '{"a":', '"b"', "}", '{"a":1}', "{}", "", '{"x":"', '"}', " ", "[1]", '{"a":[', "]}", "\\",
        "\ud83d", "\ude00", "\\ud83d", "\\ude00", "x" * 4096,
    ]
)  # fmt: skip
OBJECTS = st.sampled_from([{}, {"path": "a"}, {"\ud83d": 10**30}, {"n": 1e999}, None])
IDENTITIES = st.sampled_from(["t1", "t2", "t3", None, ""])
NAMES = st.sampled_from(["Read", "Write_short", None, ""])
ODDITIES = st.sampled_from([None, 1, -1, 0, 3.5, "12.5", "x", [], {}, True, 1e308, 99.5, 100, 250])
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
    st.builds(tool, IDENTITIES, NAMES, input=OBJECTS),
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

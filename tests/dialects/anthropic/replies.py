"""Hypothesis strategies for what a model says back, in any order, and ways to read an answer as clients do."""

import json
from typing import Any

from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types.parsed_message import ParsedMessage
from hypothesis import strategies as st

from kiro_trio.conversation.reply import (
    Finished,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingRedacted,
    ThinkingSigned,
    ToolCall,
    Usage,
    WebPage,
    WebSearchCall,
    WebSearchFound,
)

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
tokens = st.integers(0, 2_000_000)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
inputs = st.dictionaries(words, json_values, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
pages = st.builds(WebPage, title=words, url=words, snippet=st.just("") | words, page_age=st.none() | words)

said = st.one_of(
    st.builds(TextDelta, words),
    st.builds(ThinkingDelta, words),
    st.builds(ThinkingSigned, words),
    st.builds(ThinkingRedacted, words),
    st.builds(ToolCall, id=words, name=words, input_json=inputs),
    st.builds(WebSearchCall, id=words, query=words),
    st.builds(
        WebSearchFound,
        id=words,
        pages=st.lists(pages, max_size=2).map(tuple),
        error=st.sampled_from(["", "unavailable"]),
    ),
)
usages = st.builds(
    Usage,
    input_tokens=st.none() | tokens,
    output_tokens=tokens,
    cache_read_tokens=st.none() | tokens,
    cache_write_tokens=st.none() | tokens,
    credits=st.none() | st.floats(0, 10),
    context_percentage=st.none() | st.floats(),
)
endings = st.builds(Finished, st.sampled_from(StopReason), st.none() | words)
broken_off = st.lists(said, max_size=8)
whole = st.builds(lambda events, usage, end: [*events, usage, end], broken_off, usages, endings)


@st.composite
def batches(draw: st.DrawFn, events: list[Any]) -> list[list[Any]]:
    """The same events in any batches, empty ones among them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    return [events[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]


def sdk_message(stream: bytes, chunk: int = 64) -> dict[str, Any]:
    """What the official SDK's decoder and accumulator make of a stream."""
    snapshot: ParsedMessage[None] | None = None
    buffers: dict[int, bytes] = {}
    for sse in SSEDecoder().iter_bytes(iter([stream[i : i + chunk] for i in range(0, len(stream), chunk)])):
        assert sse.event != "error"
        if sse.event != "ping":
            snapshot = accumulate_event(event=sse.json(), current_snapshot=snapshot, json_bufs=buffers)
    assert snapshot is not None
    return snapshot.model_dump()


def sdk_reading(message: bytes) -> dict[str, Any]:
    """What the official SDK makes of a JSON answer; without our own field, which streams carry elsewhere."""
    body = json.loads(message)
    body.pop("kiro", None)
    return ParsedMessage.construct(**body).model_dump()

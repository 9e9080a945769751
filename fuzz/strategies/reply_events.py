"""What a model says back, in nobody's dialect and in any order."""

import json

from hypothesis import strategies as st

from fuzz.strategies.json_values import values
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
inputs = st.dictionaries(words, values(words), max_size=3).map(
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

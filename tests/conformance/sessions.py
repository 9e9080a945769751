"""Long agent sessions, made of what clients really sent: the head of one recorded request, and turns of all of them.

Without the recorded corpus the same is made of our own samples.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import chain, cycle, islice
from typing import Any

from tests.dialects.anthropic.requests import SAMPLES
from tests.shared import messages_corpus

SESSION = "0b4445e1-f5be-49e1-87ce-62bbc28ad705"


@cache
def _bodies() -> tuple[dict[str, Any], ...]:
    recorded = [
        record["body"]
        for name, record in messages_corpus().items()
        if name.startswith("claude-code-2.1.330") and len(record["body"]["messages"]) > 2
    ]
    return tuple(recorded) or tuple(json.loads(body) for body in SAMPLES.values())


def head() -> dict[str, Any]:
    """A main request without its messages: system, tools, thinking and the rest."""
    body = max(_bodies(), key=lambda body: len(json.dumps([body.get("system"), body.get("tools")])))
    return {name: value for name, value in body.items() if name != "messages"}


def _said() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Pairs of (assistant's words, results of its calls), over and over."""
    texts = [
        block["text"]
        for body in _bodies()
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "text" and block.get("text")
    ]
    results = [
        block["content"]
        for body in _bodies()
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_result" and block.get("content")
    ]
    return zip(cycle(texts), cycle(results), strict=False)


def turns(count: int, *, filler: int = 4000) -> list[dict[str, Any]]:
    """The messages of a session after so many turns: a wish, then calls and their results, `filler` bytes each."""
    first = {"role": "user", "content": "Refactor the module, please."}
    return [first, *chain.from_iterable(islice(_pairs(filler), count))]


def _pairs(filler: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for number, (words, content) in enumerate(_said()):
        call_id = f"toolu_{number:04}"
        said = {"type": "text", "text": f"Step {number}. {words[:200]}"}
        call = {
            "type": "tool_use",
            "id": call_id,
            "name": "Bash",
            "input": {"command": f"sed -n {number},9p a"},
        }
        output = content if isinstance(content, str) else json.dumps(content)
        text = (output * (1 + filler // max(1, len(output))))[:filler]
        result = {"type": "tool_result", "tool_use_id": call_id, "content": text}
        yield {"role": "assistant", "content": [said, call]}, {"role": "user", "content": [result]}


def body_of(messages: list[dict[str, Any]]) -> bytes:
    """A whole request of this session, as clients write JSON: no blanks, and only what must be is escaped."""
    user_id = json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": SESSION})
    whole = {**head(), "messages": messages, "metadata": {"user_id": user_id}, "stream": True}
    whole.setdefault("max_tokens", 32000)
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

"""What is left of a request, in one line."""

from collections.abc import Iterator
from typing import Any

from kiro_trio.shrinking.parts import keywords, texts
from kiro_trio.shrinking.places import Path, at, dotted, places

_LONG = 32
"""From so many characters on, a text is as long as it is because it has to be."""

_MOST = 8
_ROUTINE = frozenset({"max_tokens", "messages", "model", "stream", "tools"})
_KIROS_ROUTINE = frozenset({"chatTriggerType", "conversationId", "currentMessage", "history"})


def needed(body: Any) -> str:
    """The parts of a shrunk request that it cannot do without."""
    found = [*_messages(body), *_tools(body), *_fields(body), *_long_texts(body)]
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return "; ".join(found[:_MOST]) + more


def _messages(body: Any) -> Iterator[str]:
    turns = list(_turns(body))
    if len(turns) > 1 or any(what != "text" for _, what in turns):
        yield f"{len(turns)} message{'s' * (len(turns) > 1)} ({', '.join(f'{who}: {what}' for who, what in turns)})"


def _turns(body: Any) -> Iterator[tuple[str, str]]:
    state = body.get("conversationState")
    if state is None:
        for message in body["messages"]:
            content = message["content"]
            kinds = ["text"] if isinstance(content, str) else [str(block.get("type")) for block in content]
            yield str(message["role"]), " and ".join(kinds) or "nothing"
        return
    for message in (*(state.get("history") or ()), state["currentMessage"]):
        said = message.get("userInputMessage") or message["assistantResponseMessage"]
        inner = {**said, **(said.get("userInputMessageContext") or {})}
        kinds = [name for name in ("toolResults", "toolUses", "images", "documents") if inner.get(name)]
        yield "user" if "userInputMessage" in message else "assistant", " and ".join(kinds) or "text"


def _tools(body: Any) -> Iterator[str]:
    listed: dict[Path, list[str]] = {}
    for path, node in places(body):
        if path[-2:-1] == ("tools",) and isinstance(node, dict):
            listed[path] = []
    for part in keywords(body):
        path = min(part, key=len)
        owner = next(tool for tool in listed if path[: len(tool)] == tool)
        inner = path[len(owner) :]
        listed[owner].append(
            dotted(tuple(step for step in inner if step not in {"toolSpecification", "json"}))
        )
    for path, schema in listed.items():
        tool = at(body, path)
        name = tool.get("toolSpecification", tool).get("name", "?")
        yield f"tool {name!r}" + (f" with {', '.join(_leaves(schema))}" if schema else "")


def _leaves(words: list[str]) -> list[str]:
    return [word for word in words if not any(other.startswith((f"{word}.", f"{word}[")) for other in words)]


def _fields(body: Any) -> Iterator[str]:
    state = body.get("conversationState")
    if state is None:
        yield from sorted(body.keys() - _ROUTINE)
    else:
        yield from sorted({*body, *state} - _KIROS_ROUTINE - {"conversationState"})


def _long_texts(body: Any) -> Iterator[str]:
    for part, text in texts(body):
        if len(text) >= _LONG:
            yield f"{dotted(min(part, key=str))} of {len(text)} characters"

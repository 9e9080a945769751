"""What a request is taken apart into, be it Anthropic's or Kiro's: both are known by the names of their fields.

A part is a set of places that go together. The coarse parts come first: what goes with them need not be tried.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from kiro_trio.shrinking.places import Path, places

Part = frozenset[Path]

_TURNS = {"messages", "history"}
_BLOCKS = {
    "content",
    "system",
    "toolUses",
    "toolResults",
    "images",
    "documents",
    "stop_sequences",
    "supplementalContexts",
}
_SCHEMAS = {"input_schema", "inputSchema"}
_INPUTS = {"input"}
_NAMED = {"properties", "$defs", "definitions", "patternProperties"}
_IDS = {"id", "tool_use_id", "toolUseId"}
_LABELS = {*_IDS, "name", "conversationId"}

NEEDED = frozenset({
    # Anthropic's
    "content", "data", "id", "input", "input_schema", "max_tokens", "media_type", "messages", "model", "name", "role",
    "source", "text", "thinking", "tool_use_id", "type",
    # Kiro's
    "assistantResponseMessage", "bytes", "chatTriggerType", "conversationState", "currentMessage", "description",
    "format", "inputSchema", "json", "modelId", "status", "toolSpecification", "toolUseId", "userInputMessage",
})  # fmt: skip
"""Fields without which a request is another kind of wrong, wherever they stand."""

_TOP = {"conversationState", "max_tokens", "messages", "model"}

_WORDS = {"content", "description", "stop_sequences", "system", "text", "thinking", "title", "user_id"}


def exchanges(first: int) -> Callable[[Any], list[Part]]:
    """Two messages in a row each, from the one of this number on, and those that are left alone."""

    def find(body: Any) -> list[Part]:
        turns = _items(body, _TURNS)
        pairs = [turns[:first], *(turns[start : start + 2] for start in range(first, len(turns), 2))]
        return [frozenset(pair) for pair in pairs if pair]

    return find


def turns(body: Any) -> list[Part]:
    """Single messages."""
    return [frozenset({path}) for path in _items(body, _TURNS)]


def tools(body: Any) -> list[Part]:
    """Tools."""
    return [frozenset({path}) for path in _items(body, {"tools"})]


def blocks(body: Any) -> list[Part]:
    """Blocks of messages; a call and its result go together."""
    together: dict[Any, set[Path]] = defaultdict(set)
    for path in _items(body, _BLOCKS):
        together[_call_id(body, path) or path].add(path)
    return [frozenset(paths) for paths in together.values()]


def fields(body: Any) -> list[Part]:
    """Fields that a request need not have."""
    return [
        frozenset({path})
        for path, _ in places(body)
        if path
        and isinstance(path[-1], str)
        and path[-1] not in (NEEDED if path[1:] else _TOP)
        and not _inside(path, _SCHEMAS | _INPUTS)
    ]


def keywords(body: Any) -> list[Part]:
    """Keywords and parameters of the tools' schemas; a parameter goes with the word that it is required."""
    found = []
    for path, node in places(body):
        if not _is_schema_key(path):
            continue
        required = _required_as(body, path)
        found.append(frozenset({path, required} if required else {path}))
        if isinstance(node, list):
            found += [frozenset({(*path, number)}) for number in range(len(node))]
    return found


def inputs(body: Any) -> list[Part]:
    """What is in the inputs of tool calls."""
    return [frozenset({path}) for path, _ in places(body) if _inside(path[:-1], _INPUTS)]


def texts(body: Any) -> Iterator[tuple[Part, str]]:
    """Texts of more than a letter, the longest first; names that must stay equal go together."""
    labels: dict[tuple[str, str], set[Path]] = defaultdict(set)
    found: list[tuple[Part, str]] = []
    for path, value in places(body):
        if not path or not isinstance(value, str) or len(value) < 2:  # noqa: PLR2004
            continue
        if path[-1] in _LABELS and not _inside(path, _SCHEMAS | _INPUTS):
            labels["id" if path[-1] in _IDS else str(path[-1]), value].add(path)
        elif _name(path) in _WORDS or _inside(path, _INPUTS):
            found.append((frozenset({path}), value))
    found += [(frozenset(paths), value) for (_, value), paths in labels.items()]
    return iter(sorted(found, key=lambda one: -len(one[1])))


def _items(body: Any, lists: set[str]) -> list[Path]:
    return [
        (*path, number)
        for path, node in places(body)
        if path and path[-1] in lists and isinstance(node, list) and not _inside(path, _SCHEMAS | _INPUTS)
        for number in range(len(node))
    ]


def _name(path: Path) -> str:
    """The field that a place is in; a list has the name of its field."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _inside(path: Path, roots: set[str]) -> bool:
    return any(step in roots for step in path)


def _call_id(body: Any, path: Path) -> str | None:
    for step in path:
        body = body[step]
    if not isinstance(body, dict):
        return None
    known = body.get("tool_use_id") or body.get("toolUseId")
    return known or (body.get("id") if body.get("type") == "tool_use" else None)


def _is_schema_key(path: Path) -> bool:
    """Whether the last step is a key of a schema, and not what every tool's schema must have."""
    root = next((number for number, step in enumerate(path) if step in _SCHEMAS), None)
    if root is None or not isinstance(path[-1], str):
        return False
    inner = path[root + 1 :]
    inner = inner[1:] if inner[:1] == ("json",) else inner
    return bool(inner) and inner != ("type",)


def _required_as(body: Any, path: Path) -> Path | None:
    """Where a schema says that the parameter at `path` is required."""
    if len(path) < 2 or path[-2] not in _NAMED:  # noqa: PLR2004
        return None
    schema = body
    for step in path[:-2]:
        schema = schema[step]
    required = schema.get("required") if isinstance(schema, dict) else None
    if isinstance(required, list) and path[-1] in required:
        return (*path[:-2], "required", required.index(path[-1]))
    return None

"""A plausible value for a JSON Schema, made of the user's words: tool inputs and answers that must be JSON."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

MAX_DEPTH = 12
MAX_PADDING = 10_000
FORMATS: Mapping[str, str] = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_Kind = TypeVar("_Kind")
_KEBAB = re.compile(r"[^a-z0-9]+")
_SEARCH = re.compile(r"^perform a web search for the query:\s*", re.IGNORECASE)
_PROPER = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w-]+")


def sample(schema: Any, words: str) -> Any:
    """A value that fits `schema`, as far as the usual keywords go; whatever is no schema stands for a string."""
    return _Sampler(schema if isinstance(schema, dict) else {}, words).value(schema, "", 0)


def title_of(words: str, most: int = 6) -> str:
    """The first few words, as a title."""
    return (
        " ".join(word.strip(".,:;!?`'\"") for word in words.split()[:most]).strip().capitalize() or "Untitled"
    )


class _Sampler:
    def __init__(self, root: dict[str, Any], words: str) -> None:
        self._root = root
        self._words = words

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return None
        schema = self._resolved(schema) if isinstance(schema, dict) else {}
        for keyword in ("const", "default"):
            if keyword in schema:
                return schema[keyword]
        if choices := _of(schema, "enum", list):
            return choices[0]
        for keyword in ("anyOf", "oneOf", "allOf"):
            if choices := _of(schema, keyword, list):
                return self.value(choices[0], name, depth + 1)
        return self._of_type(schema, name, depth)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        reference = _of(schema, "$ref", str)
        if not reference.startswith("#/"):
            return schema
        found: Any = self._root
        for part in reference[2:].split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _of_type(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        otherwise = "object" if "properties" in schema else "string"
        kinds = [
            kind
            for kind in (schema.get("type"), *_of(schema, "type", list), otherwise)
            if isinstance(kind, str)
        ]
        makers: Mapping[str, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: [self.value(schema.get("items"), name, depth + 1)],
            "boolean": lambda: True,
            "integer": lambda: int(_least(schema, 1)),
            "number": lambda: _least(schema, 1),
            "string": lambda: self._string(schema, name),
        }
        made = next((kind for kind in kinds if kind in makers), otherwise)
        return None if kinds[0] == "null" and made == otherwise else makers[made]()

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = _of(schema, "properties", dict)
        wanted = _of(schema, "required", list) or list(properties)
        keys = [key for key in wanted if isinstance(key, str)]
        return {key: self.value(properties.get(key), key, depth + 1) for key in keys}

    def _string(self, schema: dict[str, Any], name: str) -> str:
        if known := FORMATS.get(_of(schema, "format", str)):
            return known
        text = self._named(name)
        most, least = _of(schema, "maxLength", int), min(_of(schema, "minLength", int), MAX_PADDING)
        return (text[:most] if "maxLength" in schema and most >= 0 else text).ljust(least, ".")

    def _named(self, name: str) -> str:
        words = self._words.strip()
        if name in _NAMED:
            return _NAMED[name](words)
        return words or "simulated"


def _place(words: str) -> str:
    proper = _PROPER.search(words)
    return proper.group() if proper else "Paris"


_NAMED: Mapping[str, Callable[[str], str]] = {
    "name": lambda words: _KEBAB.sub("-", title_of(words, 4).lower()).strip("-"),
    "title": title_of,
    "city": _place,
    "location": _place,
    "query": lambda words: _SEARCH.sub("", words) or "simulated",
    "command": lambda _: "echo simulated",
    "file_path": lambda _: "README.md",
    "path": lambda _: "README.md",
}


def _of(schema: dict[str, Any], keyword: str, kind: type[_Kind]) -> _Kind:
    """The keyword's value if it is of this kind, else the kind's empty one."""
    value = schema.get(keyword)
    return value if isinstance(value, kind) else kind()


def _least(schema: dict[str, Any], otherwise: float) -> float:
    """The smallest number that the bounds allow, if they are above `otherwise`."""
    bounds = {key: value for key, value in schema.items() if type(value) in {int, float}}
    least = max(
        otherwise, bounds.get("minimum", otherwise), bounds.get("exclusiveMinimum", otherwise - 1) + 1
    )
    return float(min(least, bounds.get("maximum", least)))

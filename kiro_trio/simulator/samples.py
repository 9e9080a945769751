"""A plausible value for a JSON Schema, made of the user's words: tool inputs and answers that must be JSON."""

import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 12
FORMATS: Mapping[str, str] = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_KEBAB = re.compile(r"[^a-z0-9]+")
_PROPER = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w-]+")


def sample(schema: Any, words: str) -> Any:
    """A value that fits `schema`, as far as the usual keywords go."""
    return _Sampler(schema if isinstance(schema, Mapping) else {}, words).value(schema, "", 0)


def title_of(words: str, most: int = 6) -> str:
    """The first few words, as a title."""
    return (
        " ".join(word.strip(".,:;!?`'\"") for word in words.split()[:most]).strip().capitalize() or "Untitled"
    )


class _Sampler:
    def __init__(self, root: Mapping[str, Any], words: str) -> None:
        self._root = root
        self._words = words

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
            return None
        schema = self._resolved(schema)
        for keyword in ("const", "default"):
            if keyword in schema:
                return schema[keyword]
        if schema.get("enum"):
            return schema["enum"][0]
        for keyword in ("anyOf", "oneOf", "allOf"):
            if schema.get(keyword):
                return self.value(schema[keyword][0], name, depth + 1)
        return self._of_type(schema, name, depth)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        found: Any = self._root
        for part in reference[2:].split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def _of_type(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return [self.value(schema.get("items", {}), name, depth + 1)]
        makers: Mapping[str, Callable[[], Any]] = {
            "boolean": lambda: True,
            "integer": lambda: int(_least(schema, 1)),
            "number": lambda: _least(schema, 1),
            "string": lambda: self._string(schema, name),
        }
        return makers[kind]() if kind in makers else None

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        wanted = schema.get("required") or list(properties)
        return {key: self.value(properties.get(key, {}), key, depth + 1) for key in wanted}

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        text = self._named(name)
        return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), ".")

    def _named(self, name: str) -> str:
        if name == "name":
            return _KEBAB.sub("-", title_of(self._words, 4).lower()).strip("-")
        if name == "title":
            return title_of(self._words)
        if name in {"city", "location", "place", "country"}:
            proper = _PROPER.search(self._words)
            return proper.group() if proper else "Paris"
        return self._words.strip() or "simulated"


def _least(schema: Mapping[str, Any], otherwise: float) -> float:
    """The smallest number that the bounds allow, if they are above `otherwise`."""
    least = schema.get("minimum", otherwise)
    if isinstance(bound := schema.get("exclusiveMinimum"), int | float):
        least = max(least, bound + 1)
    return float(min(max(least, otherwise), schema.get("maximum", max(least, otherwise))))

"""The strict level: a tool's schema without anything that Kiro was ever seen to refuse.

Types, properties, items, enumerations, descriptions and what is required stay. References are written out.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import msgspec

from kiro_trio.kiro.schema_root import Schema, flattened_root, resolve

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})

# References that are written out may grow exponentially; no honest schema has more parts than this.
_MOST_NODES = 4_000
_DEEPEST = 24


def strict_schema(schema: Mapping[str, Any]) -> Schema:
    """`schema` at the strict level, an object's."""
    root = _Reducer(schema).reduce(flattened_root(schema), frozenset())
    reduced = {
        "type": "object",
        "properties": root.get("properties", {}),
        "required": root.get("required", []),
    }
    return _with_known_required(reduced)


class _Reducer:
    """Reduces the parts of one document, with a budget for all of them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._nodes = 0

    def reduce(self, schema: object, inside: frozenset[str], depth: int = 0) -> Schema:
        """The part `schema` at the strict level; `inside` are the references that are being written out."""
        self._nodes += 1
        if not isinstance(schema, Mapping) or depth > _DEEPEST or self._nodes > _MOST_NODES:
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = None if reference in inside else resolve(reference, self._document)
            here = {key: value for key, value in schema.items() if key != "$ref"}
            whole = {**target, **here} if isinstance(target, Mapping) else here
            return self.reduce(whole, inside | {reference}, depth + 1)

        def inner(part: object) -> Schema:
            return self.reduce(part, inside, depth + 1)

        reduced: Schema = {}
        for word, join in _JOINS.items():
            if isinstance(variants := schema.get(word), list):
                reduced = _both(reduced, join([inner(variant) for variant in variants]))
        return _with_known_required(_both(reduced, _own(schema, inner)))


def _own(schema: Mapping[str, Any], inner: Callable[[object], Schema]) -> Schema:
    """What `schema` says by itself, without its compositions."""
    own: Schema = {}
    if kind := _one_type(schema.get("type")):
        own["type"] = kind
    if isinstance(text := schema.get("description"), str):
        own["description"] = text
    if values := _values(schema):
        own["enum"] = values
    if isinstance(properties := schema.get("properties"), Mapping):
        own["properties"] = {name: inner(entry) for name, entry in properties.items()}
    if "items" in schema or kind == "array":
        items = schema.get("items")
        own["items"] = inner(items[0] if isinstance(items, list) and items else items)
    if isinstance(required := schema.get("required"), list):
        own["required"] = [name for name in required if isinstance(name, str)]
    return own


def _both(left: Schema, right: Schema) -> Schema:
    """One schema for values that fit `left` and `right`; where they speak of the same thing, `right` is heard."""
    both = {**left, **right}
    if "properties" in left and "properties" in right:
        both["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        both["required"] = [*left["required"], *right["required"]]
    return both


def _all(variants: Iterable[Schema]) -> Schema:
    empty: Schema = {}
    return reduce(_both, variants, empty)


def _any(variants: Iterable[Schema]) -> Schema:
    """One schema for values that fit any of `variants`: what they have in common."""
    known = [
        {key: value for key, value in variant.items() if key != "required"} for variant in variants if variant
    ]
    if len(known) == 1:
        return known[0]
    kinds = {variant.get("type") for variant in known}
    if len(kinds) != 1 or None in kinds:
        return {}
    common: Schema = {"type": kinds.pop()}
    if all("enum" in variant for variant in known):
        common["enum"] = _unique(value for variant in known for value in variant["enum"])
    if common["type"] == "object":
        parts = [variant.get("properties", {}) for variant in known]
        common["properties"] = {name: entry for part in parts for name, entry in part.items()}
    if common["type"] == "array":
        common["items"] = known[0].get("items", {})
    return common


_JOINS: Mapping[str, Callable[[Iterable[Schema]], Schema]] = {"allOf": _all, "anyOf": _any, "oneOf": _any}


def _with_known_required(reduced: Schema) -> Schema:
    """Keep `required` only as far as it names properties, and not at all if it is empty."""
    properties = reduced.get("properties", {})
    required = [name for name in dict.fromkeys(reduced.get("required", ())) if name in properties]
    rest = {key: value for key, value in reduced.items() if key != "required"}
    return {**rest, "required": required} if required else rest


def _one_type(kind: object) -> str:
    kinds = kind if isinstance(kind, list) else [kind]
    return next((word for word in kinds if isinstance(word, str) and word in _TYPES), "")


def _values(schema: Mapping[str, Any]) -> list[Any]:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return _unique(value for value in values if value is not None) if isinstance(values, list) else []


def _unique(values: Iterable[Any]) -> list[Any]:
    return list({msgspec.json.encode(value): value for value in values}.values())

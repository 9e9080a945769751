"""Invariants of tool specifications.

Each function gives the evidence when its invariant is broken, else None. `rules.INVARIANTS` says what follows.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from kiro_trio.simulator.question import Question
from kiro_trio.simulator.turnrules import NAME

MAX_DESCRIPTION = 10_024
COMBINATORS = ("oneOf", "anyOf", "allOf")
NOT_PLAIN = frozenset(
    {
        "$schema",
        "additionalProperties",
        "contains",
        "contentEncoding",
        "contentMediaType",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "if",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "patternProperties",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
"""Keywords that some models refuse; Claude models take at least two of them."""


def tool_names(question: Question) -> str | None:
    """At most 64 letters, digits, underscores and hyphens."""
    for tool in question.current.tools:
        if not NAME.fullmatch(tool.name):
            return f"tool {tool.name[:80]!r}"
    return None


def specifications_are_unique(question: Question) -> str | None:
    """No two tools of one name; case is ignored."""
    names = sorted(tool.name.lower() for tool in question.current.tools)
    for name, following in pairwise(names):
        if name == following:
            return f"tool {name} is there twice"
    return None


def specification_is_described(question: Question) -> str | None:
    """A description is not blank, and of limited length."""
    for tool in question.current.tools:
        description = tool.description or ""
        if not description.strip():
            return f"tool {tool.name} has no description"
        if len(description) > MAX_DESCRIPTION:
            return f"description of {tool.name} has {len(description)} characters"
    return None


def specification_schema(question: Question) -> str | None:
    """The root is an object schema without combinators; `properties` and `required` are what they should be."""
    for tool in question.current.tools:
        if fault := _root_fault(tool.input_schema.json):
            return f"schema of {tool.name}: {fault}"
    return None


def _root_fault(schema: Any) -> str | None:
    if not isinstance(schema, dict):
        return f"is {type(schema).__name__}"
    if schema.get("type") != "object":
        return f"root type {schema.get('type')!r}"
    for keyword in COMBINATORS:
        if keyword in schema:
            return f"{keyword} at the root"
    if not isinstance(schema.get("properties", {}), dict):
        return "properties is no object"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return "required is no list of names"
    return None


def schema_is_plain(question: Question) -> str | None:
    """No keyword that some models refuse, at any depth, and no empty `required`."""
    for tool in question.current.tools:
        for schema in _schemas(tool.input_schema.json):
            if strange := NOT_PLAIN & schema.keys():
                return f"schema of {tool.name} has {', '.join(sorted(strange))}"
            if schema.get("required") == []:
                return f"schema of {tool.name} has an empty required"
    return None


def _schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and all below it; names of properties are not keywords."""
    if isinstance(schema, list):
        for item in schema:
            yield from _schemas(item)
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        if keyword in {"properties", "$defs", "definitions"} and isinstance(value, dict):
            for below in value.values():
                yield from _schemas(below)
        elif keyword in {"items", "anyOf", "oneOf", "allOf", "not", "additionalProperties"}:
            yield from _schemas(value)

"""Requests without words: Anthropic's and Kiro's. Whatever is not known to be structure counts as words."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kiro_trio.captures.filler import Filler
from kiro_trio.captures.pictures import without_content

STRUCTURE = frozenset({
    "agentTaskType", "anthropic_beta", "betas", "chatTriggerType", "effort", "format", "id", "media_type", "model",
    "modelId", "name", "origin", "reason", "role", "service_tier", "speed", "status", "stopReason",
    "stop_reason", "toolUseId", "tool_name", "tool_use_id", "ttl", "type", "unit", "unitPlural",
})  # fmt: skip
"""Keys whose texts say how a request or an answer is built. Secrets in them go all the same."""

_FIELD = re.compile(r"[A-Za-z_$][\w$.-]{0,63}")
"""What the name of a field looks like; words do not."""

_SCHEMAS = frozenset({"input_schema", "inputSchema", "schema", "json_schema"})
_SCHEMA_STRUCTURE = frozenset({"$ref", "$schema", "format", "pattern", "required", "type"})
_SCHEMA_PROSE = frozenset({"$comment", "$id", "description", "title"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA = frozenset({"input", "user_id", "json"})
_FILES = frozenset({"documents", "document"})


def fill_body(body: Any, filler: Filler) -> Any:
    """A body as parsed JSON, filled."""
    return _node(body, "", filler)


def names_in(body: Any) -> Iterator[str]:
    """The names of tools and parameters in a body: structure, wherever they turn up again."""
    if isinstance(body, list):
        for item in body:
            yield from names_in(item)
    if not isinstance(body, dict):
        return
    for key, value in body.items():
        if key in _SCHEMAS:
            yield from _parameters(value)
            if isinstance(name := body.get("name"), str):
                yield name
        else:
            yield from names_in(value)


def _parameters(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _parameters(item)
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in _NAMED and isinstance(value, dict):
                yield from value
            yield from _parameters(value)


def _node(value: Any, key: str, filler: Filler) -> Any:
    match value:
        case str():
            return filler.mask(value) if key in STRUCTURE else filler.prose(value)
        case list():
            return [_node(item, key, filler) for item in value]
        case dict():
            return _object(value, filler)
        case _:
            return value


def _object(node: Mapping[str, Any], filler: Filler) -> dict[str, Any]:
    is_file = node.get("type") in _FILES or ("source" in node and "name" in node)
    return {
        key if _FIELD.fullmatch(key) else filler.label(key): _member(key, value, filler, is_file=is_file)
        for key, value in node.items()
    }


def _member(key: str, value: Any, filler: Filler, *, is_file: bool) -> Any:
    if key in _SCHEMAS:
        return _schema(value, key, filler)
    if key == "source" and isinstance(value, dict):
        return {name: _source(name, item, value, filler) for name, item in value.items()}
    if key in _DATA:
        return _data(value, filler)
    if is_file and key in {"name", "title"} and isinstance(value, str):
        return filler.label(value)
    if key == "profileArn" and isinstance(value, str):
        arn, colon, profile = value.rpartition(":")
        return f"{filler.mask(arn + colon)}{filler.prose(profile)}"
    if key in {"conversationId", "agentContinuationId"} and isinstance(value, str):
        return filler.label(value)
    return _node(value, key, filler)


def _source(key: str, value: Any, source: Mapping[str, Any], filler: Filler) -> Any:
    is_bytes = key == "bytes" or (key == "data" and source.get("type") == "base64")
    if is_bytes and isinstance(value, str):
        return without_content(value)
    return _node(value, key, filler)


def _data(value: Any, filler: Filler) -> Any:
    """Somebody's own data: its keys may be words too."""
    match value:
        case str():
            return _nested(value, filler)
        case bool() | None:
            return value
        case int() | float():
            return filler.number(value)
        case list():
            return [_data(item, filler) for item in value]
        case dict():
            return {filler.label(key): _data(item, filler) for key, item in value.items()}
        case _:
            return value


def _nested(text: str, filler: Filler) -> str:
    """A text, which may be JSON itself, as Claude Code's `user_id` is."""
    if not text.startswith("{"):
        return filler.prose(text)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return filler.prose(text)
    return filler.json_text(text)


def _schema(value: Any, key: str, filler: Filler) -> Any:
    match value:
        case str() if key in _SCHEMA_STRUCTURE:
            return filler.mask(value)
        case str() if key in _SCHEMA_PROSE:
            return filler.prose(value)
        case str():
            return filler.label(value)
        case list():
            return [_schema(item, key, filler) for item in value]
        case dict():
            # Below `properties` a key is a name, and says nothing of its value.
            named = key in _NAMED
            return {name: _schema(item, "" if named else name, filler) for name, item in value.items()}
        case bool() | None:
            return value
        case _ if key in {"enum", "const", "default", "examples"}:
            return filler.number(value)
        case _:
            return value

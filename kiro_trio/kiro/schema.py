"""JSON Schemas of tools, cleaned up to what Kiro accepts.

Two levels. The normal one mends what is known to be refused and leaves the rest as the client wrote it. The strict one
keeps nothing but types, properties, items, enumerations and descriptions: it says less about the arguments, and is for the
second try after a refusal. Both are deterministic and idempotent. Source: docs/wire.md, "Tools".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from kiro_trio.kiro.schema_root import COMPOSITIONS, flattened_root
from kiro_trio.kiro.schema_strict import strict_schema

_SUBSCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_SUBSCHEMA_LISTS = (*COMPOSITIONS, "prefixItems", "items")
_SUBSCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")

# Looking for these bytes is much faster than walking through every schema of every request.
_SUSPECT = (
    b'"required":n',
    b'"required":t',
    b'"required":f',
    b'"required":{',
    b'"required":"',
    b'"properties":n',
)


def clean_schema(schema: Mapping[str, Any], *, strict: bool = False) -> bytes:
    """The JSON text of `schema` in a form that Kiro accepts, at the root always an object's."""
    if strict:
        return msgspec.json.encode(strict_schema(schema))
    root = flattened_root(schema)
    required, extra = root.get("required"), root.get("additionalProperties")
    root["type"] = "object"
    if not isinstance(root.get("properties"), Mapping):
        root["properties"] = {}
    root["required"] = (
        [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    )
    if not isinstance(extra, bool | Mapping):
        root["additionalProperties"] = True
    encoded = msgspec.json.encode(root)
    if any(suspect in encoded for suspect in _SUSPECT):
        encoded = msgspec.json.encode(_mended(root))
    return encoded


def _mended(schema: Any) -> Any:
    """`schema` with every `required` that is no list and every `properties` that is no object left out."""
    if not isinstance(schema, Mapping):
        return schema
    mended = dict(schema)
    if not isinstance(schema.get("required", []), list):
        del mended["required"]
    if not isinstance(schema.get("properties", {}), Mapping):
        del mended["properties"]
    for key in _SUBSCHEMA_MAPS:
        if isinstance(entries := mended.get(key), Mapping):
            mended[key] = {name: _mended(entry) for name, entry in entries.items()}
    for key in _SUBSCHEMAS:
        if isinstance(mended.get(key), Mapping):
            mended[key] = _mended(mended[key])
    for key in _SUBSCHEMA_LISTS:
        if isinstance(mended.get(key), list):
            mended[key] = [_mended(entry) for entry in mended[key]]
    return mended

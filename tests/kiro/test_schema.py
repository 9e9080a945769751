import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.kiro.schema import clean_schema
from tests.kiro.wire_rules import check_root

REFUSED_AT_THE_STRICT_LEVEL = {
    "$schema", "$ref", "$defs", "additionalProperties", "pattern", "format", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "multipleOf", "uniqueItems", "const", "default", "anyOf", "oneOf", "allOf", "not", "if", "then",
    "else", "contains", "propertyNames", "patternProperties", "unevaluatedProperties", "dependentRequired", "title",
}  # fmt: skip

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, "", "string", "object", "array", "#", "#/$defs/A", "https://x"]
)
KEYS = st.sampled_from([
    "type", "properties", "required", "items", "enum", "description", "$ref", "$defs", "definitions", "A", "a", "",
    *sorted(REFUSED_AT_THE_STRICT_LEVEL),
])  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
SCHEMAS = st.dictionaries(KEYS, ANYTHING, max_size=6)


def clean(schema, **level):
    return json.loads(clean_schema(schema, **level))


@settings(max_examples=60)
@given(SCHEMAS, st.booleans())
def test_whatever_the_schema_its_root_is_an_objects_and_cleaning_again_changes_nothing(schema, strict):
    once = clean(schema, strict=strict)
    check_root(once)
    assert clean(once, strict=strict) == once
    assert clean_schema(schema, strict=strict) == clean_schema(schema, strict=strict)


def keywords(schema):
    """All keywords of a schema at the strict level, at any depth."""
    yield from schema
    for part in (*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])):
        yield from keywords(part)


@settings(max_examples=60)
@given(SCHEMAS)
def test_the_strict_level_has_none_of_what_was_ever_refused(schema):
    strict = clean(schema, strict=True)
    assert not REFUSED_AT_THE_STRICT_LEVEL & set(keywords(strict))
    assert strict.get("required") != []
    assert set(strict.get("required", [])) <= set(strict["properties"])


@settings(max_examples=40)
@given(SCHEMAS)
def test_the_clients_schema_is_not_touched(schema):
    before = json.dumps(schema)
    clean_schema(schema)
    clean_schema(schema, strict=True)
    assert json.dumps(schema) == before


BARE = {"type": "object", "properties": {}, "required": [], "additionalProperties": True}


class TestNormalLevel:
    @pytest.mark.parametrize(
        "schema",
        [
            {},
            {"type": "string"},
            {"type": ["object", "null"]},
            {"required": None, "properties": None},
            {"properties": [], "required": "a", "additionalProperties": None},
        ],
    )
    def test_a_root_without_sense_takes_anything(self, schema):
        assert clean(schema) == BARE

    def test_the_rest_stays_as_the_client_wrote_it(self):
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "a": {"anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}], "default": None}
            },
            "required": ["a"],
            "additionalProperties": False,
        }
        assert clean(schema) == schema
        assert list(clean(schema)) == list(schema)

    def test_required_keeps_its_names_only(self):
        assert clean({"required": ["a", 1, None]})["required"] == ["a"]

    def test_compositions_at_the_root_become_one_object(self):
        schema = {
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "oneOf": [
                {"properties": {"b": {}}, "required": ["b"]},
                {"properties": {"a": {"type": "number"}}},
            ],
            "allOf": [{"properties": {"c": {}}, "required": ["c", "a"]}, "nonsense"],
        }
        assert clean(schema) == BARE | {
            "properties": {"a": {"type": "string"}, "b": {}, "c": {}},
            "required": ["a", "c"],
        }

    def test_a_reference_at_the_root_is_followed(self):
        schema = {
            "$ref": "#/$defs/T",
            "$defs": {"T": {"type": "object", "properties": {"n": {"$ref": "#/$defs/T"}}}},
        }
        assert clean(schema) == BARE | {"properties": {"n": {"$ref": "#/$defs/T"}}, "$defs": schema["$defs"]}

    def test_required_and_properties_below_are_mended_and_namesakes_left_alone(self):
        schema = {
            "type": "object",
            "properties": {
                "required": {"type": "object", "properties": None, "required": True},
                "properties": {"items": {"required": None}, "default": {"required": None}},
            },
        }
        assert clean(schema)["properties"] == {
            "required": {"type": "object"},
            "properties": {"items": {}, "default": {"required": None}},
        }


class TestStrictLevel:
    def test_an_mcp_tools_schema(self):
        schema = {
            "$schema": "x",
            "type": "object",
            "properties": {
                "pattern": {"type": ["string", "null"], "pattern": "^a", "description": "What to find."},
                "mode": {"const": "fast"},
                "limit": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
                "kind": {
                    "oneOf": [{"enum": ["a"], "type": "string"}, {"enum": ["b", "a"], "type": "string"}]
                },
                "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
                "tree": {"$ref": "#/$defs/Tree"},
                "list": {"type": "array", "items": [{"type": "string"}, {"type": "number"}], "minItems": 1},
                "base": {"allOf": [{"$ref": "#/$defs/Tree"}, {"properties": {"x": {}}, "required": ["x"]}]},
                "yes": True,
            },
            "required": ["pattern", "ghost"],
            "additionalProperties": False,
            "$defs": {
                "Tree": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "below": {"$ref": "#/$defs/Tree"}},
                    "required": ["name"],
                }
            },
        }
        tree = {"name": {"type": "string"}, "below": {}}
        assert clean(schema, strict=True) == {
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "description": "What to find."},
                "mode": {"enum": ["fast"]},
                "limit": {"type": "integer"},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "either": {},
                "tree": {"type": "object", "properties": tree, "required": ["name"]},
                "list": {"type": "array", "items": {"type": "string"}},
                "base": {"type": "object", "properties": tree | {"x": {}}, "required": ["name", "x"]},
                "yes": {},
            },
            "required": ["pattern"],
        }

    def test_nothing_required_leaves_the_key_out(self):
        assert clean({}, strict=True) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#"}] * 9},
        {"properties": {"a": {"anyOf": [{"$ref": "#"}] * 9}}},
        {"$ref": "#"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}},
        {
            "$defs": {
                f"d{n}": {"properties": {c: {"$ref": f"#/$defs/d{n + 1}"} for c in "abcdefgh"}}
                for n in range(20)
            },
            "properties": {"a": {"$ref": "#/$defs/d0"}},
        },
    ],
    ids=["all of itself", "any of itself", "itself", "circle", "growth"],
)
def test_schemas_that_grow_without_end_are_bounded(schema, strict):
    began = time.process_time()
    assert len(clean_schema(schema, strict=strict)) < 300_000
    assert time.process_time() - began < 1

from typing import Any

import pytest

from kiro_trio.conversation.prompt import ThinkingMode, ThinkingWish
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.request import parse_messages
from tests.dialects.anthropic.requests import body

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def prompt(**fields: Any):
    return parse_messages(body(**fields)).prompt


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        ({}, ThinkingWish()),
        ({"thinking": {"type": "disabled"}}, ThinkingWish()),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 31999, "display": "updates"}},
            ThinkingWish(ThinkingMode.ENABLED, 31999),
        ),
        ({"thinking": {"type": "enabled"}}, ThinkingWish(ThinkingMode.ENABLED, 20000)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, ThinkingWish(ThinkingMode.ADAPTIVE)),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
            ThinkingWish(ThinkingMode.ADAPTIVE, effort="xhigh"),
        ),
        ({"output_config": {"effort": "low"}}, ThinkingWish(effort="low")),
        ({"output_config": {"effort": None}}, ThinkingWish()),
    ],
)
def test_thinking_and_effort(fields, wish):
    assert prompt(**fields).thinking == wish
    assert prompt(**fields).warnings == ()


def test_an_unknown_kind_of_thinking_is_adaptive():
    parsed = prompt(thinking={"type": "between_tools"})
    assert parsed.thinking.mode is ThinkingMode.ADAPTIVE
    assert parsed.warnings == ("thinking between_tools taken as adaptive",)


def test_an_unknown_effort_is_ignored():
    parsed = prompt(output_config={"effort": "heroic"})
    assert parsed.thinking.effort is None
    assert parsed.warnings == ("effort heroic ignored",)


@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": FORMAT}},
        {"output_format": FORMAT},
        {"output_config": {"format": None}, "output_format": FORMAT},
    ],
)
def test_structured_output_under_both_of_its_names(fields):
    assert prompt(**fields).json_schema == SCHEMA


def test_other_output_formats_are_ignored():
    parsed = prompt(output_config={"format": {"type": "yaml"}})
    assert parsed.json_schema is None
    assert parsed.warnings == ("output format yaml ignored",)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"thinking": "on"}, "thinking: expected object, got string"),
        ({"thinking": {}}, "thinking.type: Field required"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": "many"}},
            "thinking.budget_tokens: expected integer, got string",
        ),
        ({"output_config": []}, "output_config: expected object, got array"),
        ({"output_config": {"effort": 1}}, "output_config.effort: expected string, got integer"),
        (
            {"output_config": {"format": {"type": "json_schema"}}},
            "output_config.format.schema: Field required",
        ),
        (
            {"output_format": {"type": "json_schema", "schema": "x"}},
            "output_format.schema: expected object, got string",
        ),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(fields, complaint):
    with pytest.raises(InvalidRequest) as caught:
        prompt(**fields)
    assert str(caught.value) == complaint

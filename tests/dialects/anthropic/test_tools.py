from typing import Any, get_args

import pytest
from anthropic.types.beta.beta_memory_tool_20250818_command import BetaMemoryTool20250818Command

from kiro_trio.conversation.prompt import Choice, Tool, ToolChoice, WebSearch
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.request import parse_messages
from tests.dialects.anthropic.requests import WEB_SEARCH, body, tool


def prompt(**fields: Any):
    return parse_messages(body(**fields)).prompt


def test_tools_keep_their_order_and_their_schemas():
    schema = {"type": "object", "$defs": {"a": {}}, "properties": {"x": {"$ref": "#/$defs/a"}}, "anyOf": []}
    tools = [tool("B", input_schema=schema), tool("A", type="custom", eager_input_streaming=True)]
    assert prompt(tools=tools).tools == (
        Tool("B", "Runs B", schema),
        Tool("A", "Runs A", tool("A")["input_schema"]),
    )


def test_examples_of_input_are_a_part_of_the_description():
    examples = [{"a": 1}, {"a": "é"}]
    (both,) = prompt(tools=[tool("A", input_examples=examples)]).tools
    assert both.description == 'Runs A\nExample of its input: {"a":1}\nExample of its input: {"a":"é"}'


def addition(change: dict[str, Any], kind: str = "tool_addition") -> dict[str, Any]:
    return {"role": "system", "content": [{"type": kind, "tool": change}]}


def test_tools_may_come_and_go_in_the_middle_of_the_conversation():
    definition = tool("Late", input_schema={"type": "object", "properties": {"x": {}}})
    messages = [
        {"role": "user", "content": "Hello"},
        addition({"type": "tool_definition", "definition": definition}),
        addition({"type": "tool_reference", "name": "A"}),
        addition({"type": "mcp_toolset_reference", "mcp_server_name": "files"}),
        addition({"type": "tool_reference", "name": "A"}, "tool_removal"),
    ]
    found = prompt(tools=[tool("A")], messages=messages)
    assert [each.name for each in found.tools] == ["A", "Late"]
    assert found.tools[1].input_schema == definition["input_schema"]
    assert [block.text for turn in found.turns[1:] for block in turn.blocks] == [
        "The tool Late is now available.",
        "The tool A is now available.",
        "The tool files is now available.",
        "The tool A is no longer available: do not call it.",
    ]
    assert found.warnings == ()


def test_deferred_tools_are_tools_and_the_placeholder_is_none():
    tools = [tool("DeferredToolPlaceholder", defer_loading=True), tool("mcp__a", defer_loading=True)]
    assert [each.name for each in prompt(tools=tools).tools] == ["mcp__a"]
    assert prompt(tools=tools).warnings == ()


@pytest.mark.parametrize(
    "bare", [{"name": "a"}, {"name": "a", "description": None, "input_schema": None, "type": None}]
)
def test_a_tool_needs_no_description_and_no_arguments(bare):
    assert prompt(tools=[bare]).tools == (Tool("a", "", {"type": "object", "properties": {}}),)


def test_names_of_any_length_are_passed_on():
    assert prompt(tools=[tool("m" * 200)]).tools[0].name == "m" * 200


def test_web_search_is_the_servers_tool():
    domains = {"allowed_domains": ["python.org"], "blocked_domains": None}
    parsed = prompt(tools=[{**WEB_SEARCH, **domains}, tool("a")])
    assert parsed.web_search == WebSearch("web_search", 8, ("python.org",))
    assert [each.name for each in parsed.tools] == ["a"]
    assert prompt(tools=[{"type": "web_search_20260318", "name": "web_search"}]).web_search == WebSearch()


def test_a_clients_own_tool_named_web_search_is_no_server_tool():
    parsed = prompt(tools=[tool("web_search")])
    assert parsed.web_search is None
    assert parsed.tools[0].name == "web_search"


def test_other_server_tools_are_counted_and_left_out():
    tools = [
        {"type": "computer_20250124", "name": "computer"},
        {"type": "code_execution_20260521", "name": "c"},
        tool("a"),
    ]
    parsed = prompt(tools=tools)
    assert [each.name for each in parsed.tools] == ["a"]
    assert parsed.warnings == (
        "server tool computer_20250124 left out",
        "server tool code_execution_20260521 left out",
    )


@pytest.mark.parametrize(
    ("kind", "name", "parameters", "commands"),
    [
        ("bash_20250124", "bash", {"command", "restart"}, None),
        (
            "text_editor_20250124",
            "str_replace_editor",
            {"command", "path", "file_text", "old_str", "new_str", "insert_line", "view_range"},
            {"view", "create", "str_replace", "insert", "undo_edit"},
        ),
        (
            "text_editor_20250728",
            "str_replace_based_edit_tool",
            {"command", "path", "file_text", "old_str", "new_str", "insert_line", "view_range"},
            {"view", "create", "str_replace", "insert"},
        ),
        ("memory_20250818", "memory", set(), {"view", "create", "str_replace", "insert", "delete", "rename"}),
    ],
)
def test_tools_that_clients_run_by_anthropics_definition_are_defined(kind, name, parameters, commands):
    found = prompt(tools=[{"type": kind, "name": name}])
    (only,) = found.tools
    assert (only.name, found.warnings) == (name, ())
    properties = only.input_schema["properties"]
    assert parameters <= set(properties)
    assert set(properties["command"].get("enum", ())) == (commands or set())
    assert all(f"`{word}`" in only.description for word in commands or ("command",) if word != "undo_edit")


def test_the_memory_is_called_as_the_official_sdk_runs_it():
    """Each command with the parameters that the SDK's own classes ask for."""
    (memory,) = prompt(tools=[{"type": "memory_20250818", "name": "memory"}]).tools
    for command in get_args(get_args(BetaMemoryTool20250818Command)[0]):
        assert set(command.model_fields) <= set(memory.input_schema["properties"])


def test_a_tool_of_an_unknown_kind_that_has_a_schema_is_a_tool():
    assert [each.name for each in prompt(tools=[tool("a", type="custom_2027")]).tools] == ["a"]


@pytest.mark.parametrize(
    ("choice", "parsed"),
    [
        (None, ToolChoice()),
        ({"type": "auto"}, ToolChoice()),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice(Choice.ANY, parallel=False)),
        ({"type": "auto", "disable_parallel_tool_use": None}, ToolChoice()),
        ({"type": "none"}, ToolChoice(Choice.NONE)),
        ({"type": "tool", "name": "a"}, ToolChoice(Choice.TOOL, "a")),
    ],
)
def test_tool_choice(choice, parsed):
    assert prompt(tool_choice=choice).tool_choice == parsed


def test_an_unknown_tool_choice_leaves_the_model_free():
    assert prompt(tool_choice={"type": "maybe"}).tool_choice == ToolChoice()
    assert prompt(tool_choice={"type": "maybe"}).warnings == ("tool_choice maybe ignored",)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"tools": {}}, "tools: expected array, got object"),
        ({"tools": [1]}, "tools.0: expected object, got integer"),
        ({"tools": [tool("a"), {}]}, "tools.1.name: Field required"),
        ({"tools": [tool("")]}, "tools.0.name: must not be empty"),
        ({"tools": [tool("a", type=1)]}, "tools.0.type: expected string, got integer"),
        ({"tools": [tool("a", description=1)]}, "tools.0.description: expected string, got integer"),
        ({"tools": [tool("a", input_schema="x")]}, "tools.0.input_schema: expected object, got string"),
        ({"tools": [{**WEB_SEARCH, "max_uses": "8"}]}, "tools.0.max_uses: expected integer, got string"),
        ({"tools": [{**WEB_SEARCH, "max_uses": -1}]}, "tools.0.max_uses: must not be negative"),
        (
            {"tools": [{**WEB_SEARCH, "allowed_domains": [1]}]},
            "tools.0.allowed_domains.0: expected string, got integer",
        ),
        ({"tool_choice": "auto"}, "tool_choice: expected object, got string"),
        ({"tool_choice": {}}, "tool_choice.type: Field required"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
        ({"tools": [tool("a", input_examples={})]}, "tools.0.input_examples: expected array, got object"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(fields, complaint):
    with pytest.raises(InvalidRequest) as caught:
        prompt(**fields)
    assert str(caught.value) == complaint

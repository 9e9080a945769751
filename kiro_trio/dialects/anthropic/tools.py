"""The tools that a request offers to the model, and how free the model is to use them."""

import re
from collections.abc import Iterator
from typing import Any

from kiro_trio.conversation.prompt import Choice, Tool, ToolChoice, WebSearch
from kiro_trio.dialects.anthropic.client_tools import client_tool
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.fields import Fields, json_text
from kiro_trio.dialects.anthropic.warnings import Warnings, label

# Claude Code sends it only to keep deferred loading alive on Anthropic's servers; its description says "never call this tool".
_PLACEHOLDER = "DeferredToolPlaceholder"
_WEB_SEARCH = re.compile(r"web_search_\d+")
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
_CHOICES = {choice.value: choice for choice in Choice}


def read_tools(body: Fields, warnings: Warnings) -> tuple[tuple[Tool, ...], WebSearch | None]:
    """The client's own tools in their order, and the web search if the client lets us do it.

    Tools with `defer_loading` are tools like any other here, and so are those that Anthropic has defined for clients. Its
    other server tools are counted and left out.
    """
    tools: list[Tool] = []
    search = None
    for fields in body.children("tools"):
        kind = fields.optional("type", str) or "custom"
        if kind == "custom" or "input_schema" in fields.raw:
            if fields.raw.get("name") != _PLACEHOLDER:
                tools.append(_read_tool(fields))
        elif _WEB_SEARCH.fullmatch(kind):
            search = _read_search(fields)
        elif known := client_tool(kind, fields.optional("name", str) or ""):
            tools.append(known)
        else:
            warnings.add(f"server tool {label(kind)} left out")
    return tuple(tools), search


def read_added_tools(message: Fields) -> Iterator[Tool]:
    """The tools that a message defines in the middle of the conversation; Kiro has one list for all."""
    if not isinstance(message.raw.get("content"), list):
        return
    for block in message.children("content"):
        tool = block.child("tool") if block.raw.get("type") == "tool_addition" else None
        definition = tool.child("definition") if tool else None
        if definition and "input_schema" in definition.raw:
            yield _read_tool(definition)


def read_tool_choice(body: Fields, warnings: Warnings) -> ToolChoice:
    """The field `tool_choice`; a kind that we do not know leaves the model free."""
    fields = body.child("tool_choice")
    if fields is None:
        return ToolChoice()
    kind = fields.required("type", str)
    choice = _CHOICES.get(kind)
    if choice is None:
        warnings.add(f"tool_choice {label(kind)} ignored")
        return ToolChoice()
    return ToolChoice(
        choice,
        fields.required("name", str) if choice is Choice.TOOL else "",
        parallel=not fields.optional("disable_parallel_tool_use", bool),
    )


def _read_tool(fields: Fields) -> Tool:
    name = fields.required("name", str)
    if not name:
        raise InvalidRequest("must not be empty", fields.at("name"))
    schema = fields.optional("input_schema", dict)
    return Tool(name, _description(fields), _NO_ARGUMENTS if schema is None else schema)


def _description(fields: Fields) -> str:
    """What the client says of the tool, with its examples, for which Kiro has no field."""
    examples = map(json_text, fields.optional("input_examples", list) or ())
    said = fields.optional("description", str) or ""
    return "\n".join(filter(None, (said, *(f"Example of its input: {example}" for example in examples))))


def _read_search(fields: Fields) -> WebSearch:
    max_uses = fields.optional("max_uses", int)
    if max_uses is not None and max_uses < 0:
        raise InvalidRequest("must not be negative", fields.at("max_uses"))
    return WebSearch(
        name=fields.optional("name", str) or "web_search",
        max_uses=max_uses,
        allowed_domains=fields.strings("allowed_domains"),
        blocked_domains=fields.strings("blocked_domains"),
    )

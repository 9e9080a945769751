"""Tools: the client's definitions as Kiro takes them, and stand-ins for those that only the history knows.

Source: docs/wire.md, "Tools".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from kiro_trio.conversation.prompt import Choice, Prompt, Tool, WebSearch
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.kiro.schema import clean_schema
from kiro_trio.kiro.tally import Tally
from kiro_trio.kiro.tool_names import ToolNames

_STAND_IN = "Tool used in conversation history"
_ANY_ARGUMENTS: Mapping[str, Any] = MappingProxyType({"$schema": "http://json-schema.org/draft-07/schema#"})

# Claude Code sends it to keep deferred loading alive on Anthropic's servers. The dialect takes it away; second lock.
_NEVER_CALLED = "DeferredToolPlaceholder"

_CUT = "…"
_POINTER = "\n[The rest of this description stands in the system text.]"
_CONTINUED = "# Rest of the description of the tool {}"
_LONG_LINE = 500

_SEARCH_DESCRIPTION = (
    "Searches the web and returns titles, addresses and short extracts of the pages found. Use it for what may have"
    " changed since your training, or when you need sources."
)
_SEARCH_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to search for, at most 200 characters."}
        },
        "required": ["query"],
        "additionalProperties": False,
    }
)


class InputSchema(msgspec.Struct, frozen=True):
    """Wire shape: JSON Schema, already in bytes."""

    json: msgspec.Raw


class ToolSpecification(msgspec.Struct, frozen=True, rename="camel"):
    """Wire shape of one tool."""

    name: str
    description: str
    input_schema: InputSchema


class ToolEntry(msgspec.Struct, frozen=True, rename="camel"):
    """Wire shape: one element of `tools`, which might also be a cache point."""

    tool_specification: ToolSpecification


@dataclass(frozen=True, slots=True)
class Declared:
    """What is said about tools: `entries` on the wire, `continued` (what is too long for them) in the system text."""

    entries: tuple[ToolEntry, ...]
    continued: str


def offered_tools(prompt: Prompt, tally: Tally) -> tuple[Tool, ...]:
    """The tools that the prompt offers, each name once; the web search is one of them.

    Raises:
        PromptRefused: `tool_choice` names another one.
    """
    offered: dict[str, Tool] = {}
    for tool in prompt.tools:
        if tool.name in offered:
            tally.note("tool with the name of another one left out")
        elif tool.name != _NEVER_CALLED:
            offered[tool.name] = tool
    search = offered_search(prompt)
    if search is not None:
        offered[search.name] = Tool(search.name, _SEARCH_DESCRIPTION, _SEARCH_SCHEMA)
    elif prompt.web_search is not None:
        tally.note("web search left out: a tool has its name")
    choice = prompt.tool_choice
    if choice.choice is Choice.TOOL and choice.name not in offered:
        raise PromptRefused("The chosen tool is not among the tools.", path="tool_choice.name")
    return tuple(offered.values())


def offered_search(prompt: Prompt) -> WebSearch | None:
    """The web search that the gateway will run, unless a tool of the client's has its name."""
    search = prompt.web_search
    return None if search is None or any(tool.name == search.name for tool in prompt.tools) else search


def declare(
    prompt: Prompt,
    offered: Iterable[Tool],
    called: Iterable[str],
    names: ToolNames,
    options: RequestOptions,
    tally: Tally,
) -> Declared:
    """Everything that goes into `tools`: the offered ones in the client's order, then the stand-ins.

    `called` are the names in the history: Kiro wants each of them declared. If the client wants no tool called, only
    those are.
    """
    spoken = dict.fromkeys(names.short(name) for name in called)
    if prompt.tool_choice.choice is Choice.NONE:
        offered = [tool for tool in offered if names.short(tool.name) in spoken]
    continued: list[str] = []
    entries = [_entry(names.short(tool.name), tool, options, tally, continued) for tool in offered]
    known = {entry.tool_specification.name for entry in entries}
    unknown = [name for name in spoken if name not in known]
    tally.note("stand-in declared for a tool of the history", len(unknown))
    if unknown:
        schema = _input_schema(_ANY_ARGUMENTS, options)
        entries += (ToolEntry(ToolSpecification(name, _STAND_IN, schema)) for name in unknown)
    return Declared(tuple(entries), "\n\n".join(continued))


def _entry(name: str, tool: Tool, options: RequestOptions, tally: Tally, continued: list[str]) -> ToolEntry:
    hint = options.hints.by_tool.get(tool.name, "")
    tail = f"\n{hint}" if hint else ""
    text = tool.description if tool.description.strip() else f"Tool: {name}"
    most = options.description_chars
    if most and len(text) + len(tail) > most:
        mark = _POINTER if options.continue_descriptions else _CUT
        text, rest = _divided(text, max(0, most - len(tail) - len(mark)))
        text += mark
        if options.continue_descriptions:
            continued.append(f"{_CONTINUED.format(name)}\n{rest}")
            tally.note("description of a tool continued in the system text")
        else:
            tally.note("description of a tool cut")
    return ToolEntry(ToolSpecification(name, text + tail, _input_schema(tool.input_schema, options)))


def _input_schema(schema: Mapping[str, Any], options: RequestOptions) -> InputSchema:
    return InputSchema(msgspec.Raw(clean_schema(schema, strict=options.strict_schemas)))


def _divided(text: str, most: int) -> tuple[str, str]:
    """`text` in two parts of which the first has at most `most` characters; between lines if there is a short one."""
    line_end = text.rfind("\n", max(0, most - _LONG_LINE), most)
    place = most if line_end < 0 else line_end + 1
    return text[:place], text[place:]

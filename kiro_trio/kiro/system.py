"""The head of a conversation: the system text, which Kiro knows as the first thing that the user says.

It must be the same bytes from turn to turn, or Kiro's cache does not know the conversation again; so what holds for one
turn only (tool choice, form of the answer) is said at the end of the turn's own message. Source: docs/wire.md, "History rules".
"""

import re
from collections.abc import Sequence

import msgspec

from kiro_trio.conversation.prompt import Choice, Prompt
from kiro_trio.kiro.tally import Tally
from kiro_trio.kiro.tool_names import ToolNames

ACKNOWLEDGEMENT = "I will follow these instructions."
"""What the assistant says to the system text: the words of Kiro's own clients."""

# Changes with every conversation and is of no use to a model. The dialect takes it away; this is the second lock.
_VOLATILE = re.compile(r"^[ \t]*x-anthropic-billing-header:.*\n?", re.MULTILINE)


# A line that says what time it is: such a label, then a date or a time of day. It is another one in a later turn. To begin with
# the end of the line before is six times as fast as `^`, which is tried at every character.
_CLOCK = re.compile(
    r"\n[ \t>*-]*(?:(?:the )?current (?:local )?(?:date and time|datetime|date|time)|today(?:.s date)?|it is now)"
    r"\b[^\n]*(?:\d{4}-\d\d-\d\d|\d{1,2}:\d\d|\b\d{1,2}/\d{1,2}/\d{2,4}"
    r"|\b(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2})[^\n]*",
    re.IGNORECASE,
)


def client_text(system: Sequence[str]) -> tuple[str, str]:
    """The client's system texts in one, and apart from it the lines that tell the time.

    These would make the head another one whenever the clock has moved on: they belong to the turn.
    """
    text = "\n".join(part for part in system if part and not part.isspace())
    if "x-anthropic-billing-header:" in text:
        text = _VOLATILE.sub("", text)
    lines = f"\n{text}"
    clock = "\n".join(line[0].strip() for line in _CLOCK.finditer(lines))
    return (_CLOCK.sub("", lines)[1:], clock) if clock else (text, "")


def system_text(*parts: str) -> str:
    """Everything that the head says, in order; "" if there is nothing to say."""
    return "\n".join(filter(None, parts))


def turn_instructions(prompt: Prompt, names: ToolNames, *, tools: bool, tally: Tally) -> str:
    """What this turn asks for and the wire has no field for, in words. `tools` says whether any will be declared."""
    asked = (
        _tool_choice(prompt, names, tools=tools, tally=tally),
        _one_call(prompt, tools=tools, tally=tally),
        _json_only(prompt, tally),
    )
    return "\n".join(filter(None, asked))


def _one_call(prompt: Prompt, *, tools: bool, tally: Tally) -> str:
    if prompt.tool_choice.parallel or not tools or prompt.tool_choice.choice is Choice.NONE:
        return ""
    tally.note("one tool call at a time asked for in words")
    return "Call no more than one tool in this answer."


def _tool_choice(prompt: Prompt, names: ToolNames, *, tools: bool, tally: Tally) -> str:
    choice = prompt.tool_choice.choice
    if choice is Choice.AUTO or not tools:
        return ""
    tally.note(f"tool choice {choice.value} asked for in words")
    if choice is Choice.NONE:
        return "Do not call any tool now; answer in text."
    if choice is Choice.ANY:
        return "Answer by calling at least one of your tools now, not in text."
    return f"Answer by calling the tool {names.short(prompt.tool_choice.name)} now, not in text."


def _json_only(prompt: Prompt, tally: Tally) -> str:
    if prompt.json_schema is None:
        return ""
    tally.note("JSON schema of the answer asked for in words")
    schema = msgspec.json.encode(prompt.json_schema).decode()
    return (
        "Your final answer must be one JSON value that satisfies the JSON Schema below, and nothing else: no prose, no"
        f" Markdown, no code fence.\n{schema}"
    )

"""Turns in few words, and an agent's session as it really looks."""

from kiro_trio.conversation.prompt import (
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)

PNG = "iVBORw0KGgo="
IDS = {
    "conversation_id": "0b4445e1-f5be-49e1-87ce-62bbc28ad705",
    "continuation_id": "11111111-2222-4333-8444-555555555555",
}


def user(*blocks):
    return Turn("user", tuple(Text(block) if isinstance(block, str) else block for block in blocks))


def assistant(*blocks):
    return Turn("assistant", tuple(Text(block) if isinstance(block, str) else block for block in blocks))


def system(*blocks):
    return Turn("system", tuple(Text(block) for block in blocks))


def result(call_id, text="done", *, is_error=False):
    return ToolResult(call_id, (Text(text),) if isinstance(text, str) else tuple(text), is_error)


def call(call_id, name="Bash", **inputs):
    return ToolUse(call_id, name, inputs)


BASH = Tool("Bash", "Runs a command.", {"type": "object", "properties": {"command": {"type": "string"}}})
WRITE = Tool("Write", "Writes a file.", {"type": "object", "properties": {"path": {"type": "string"}}})


def session(turns, output=400):
    """The turns of an agent's session: a question, then `turns` calls with their results, system words now and then."""
    said = [
        user("<system-reminder>\nContext.\n</system-reminder>", "Please do it."),
        system("# Environment\ncwd: /p"),
    ]
    for number in range(turns):
        said.append(assistant(f"Step {number}.", call(f"toolu_{number}", command=f"ls {number}")))
        said.append(user(result(f"toolu_{number}", f"line {number}\n" * (output // 8))))
        if number % 10 == 3:
            said.append(system("Tools changed."))
    return tuple(said)

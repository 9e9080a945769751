"""Tools that Anthropic has defined and clients run: a shell, an editor of files, a memory in files.

A request names them by type alone, for Anthropic's servers know the rest. Kiro's do not, so here is what a model must be told
to call them: the parameters of Anthropic's documentation and SDKs, in our words.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kiro_trio.conversation.prompt import Tool

_TEXT: Mapping[str, Any] = {"type": "string"}
_LINE: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_LINES: Mapping[str, Any] = {
    "type": "array",
    "items": {"type": "integer"},
    "description": "For view: first and last line, from 1; -1 is the end.",
}


def _commands(
    words: str, commands: list[str], **parameters: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """A tool with several commands: what it does, and its schema."""
    properties = {"command": {"type": "string", "enum": commands}, **parameters}
    return words, {"type": "object", "properties": properties, "required": ["command"]}


def _editor(*more: str) -> tuple[str, Mapping[str, Any]]:
    return _commands(
        "Views, creates and edits text files. `view` shows a file with line numbers, or a directory; `create` writes"
        " `file_text`; `str_replace` puts `new_str` in the place of `old_str`, which must occur exactly once; `insert`"
        " puts `new_str` behind line `insert_line` (0: at the beginning).",
        ["view", "create", "str_replace", "insert", *more],
        path=_TEXT,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line=_LINE,
        view_range=_LINES,
    )


_BASH = (
    "Runs `command` in a shell that stays open between calls; `restart` starts the shell anew.",
    {"type": "object", "properties": {"command": _TEXT, "restart": {"type": "boolean"}}},
)
_MEMORY = _commands(
    "A directory of files, `/memories`, that lasts beyond this conversation: look there first, and write down what later"
    " ones should know. `view` shows a file or a directory; `create` writes `file_text`; `str_replace` puts `new_str` in"
    " the place of `old_str`; `insert` puts `insert_text` behind line `insert_line`; `delete` removes `path`; `rename`"
    " moves `old_path` to `new_path`.",
    ["view", "create", "str_replace", "insert", "delete", "rename"],
    path=_TEXT,
    file_text=_TEXT,
    old_str=_TEXT,
    new_str=_TEXT,
    insert_line=_LINE,
    insert_text=_TEXT,
    old_path=_TEXT,
    new_path=_TEXT,
    view_range=_LINES,
)

# Editors of models before Claude 4 could undo.
_KNOWN: Mapping[re.Pattern[str], tuple[str, Mapping[str, Any]]] = MappingProxyType({
    re.compile(r"bash_\d{8}"): _BASH,
    re.compile(r"text_editor_(?:20241022|20250124)"): _editor("undo_edit"),
    re.compile(r"text_editor_\d{8}"): _editor(),
    re.compile(r"memory_\d{8}"): _MEMORY,
})  # fmt: skip


def client_tool(kind: str, name: str) -> Tool | None:
    """The definition of a tool of this type under the client's name for it; None if we know of none."""
    for pattern, (words, schema) in _KNOWN.items():
        if pattern.fullmatch(kind):
            return Tool(name, words, schema)
    return None

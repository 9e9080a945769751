"""The schema that AWS publishes of Kiro's requests, read out of its npm client, and a check against it."""

import base64
import binascii
import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.npm import installed

PACKAGE, VERSION = "@aws/codewhisperer-streaming-client", "1.0.45"
SCRIPT = Path(__file__).with_name("published_schema.mjs")

ENUMS = {
    ("UserInputMessage", "origin"): "Origin",
    ("ConversationState", "chatTriggerType"): "ChatTriggerType",
    ("ConversationState", "agentTaskType"): "AgentTaskType",
    ("ImageBlock", "format"): "ImageFormat",
    ("DocumentBlock", "format"): "DocumentFormat",
    ("ToolResult", "status"): "ToolResultStatus",
    ("CachePoint", "type"): "CachePointType",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """The input of one operation."""

    root: str
    shapes: dict[str, dict[str, Any]]
    enums: dict[str, list[str]]

    def problems(self, body: object) -> list[str]:
        """What in `body` is not as published: unknown and missing members, wrong types, words of no enum."""
        return list(self._problems(body, self.root, ""))

    def _problems(self, value: object, kind: str, path: str):
        shape = self.shapes.get(kind)
        if shape is None:
            if not PLAIN[kind](value):
                yield f"{path}: {str(value)[:40]!r} is no {kind}"
        elif shape["kind"] == "list":
            if not isinstance(value, list):
                yield f"{path}: no list"
                return
            for index, item in enumerate(value):
                yield from self._problems(item, shape["member"], f"{path}[{index}]")
        elif not isinstance(value, dict):
            yield f"{path}: no {kind}"
        else:
            yield from self._members(value, kind, path)

    def _members(self, value: dict[str, Any], kind: str, path: str):
        shape = self.shapes[kind]
        known = {name: of for name, of in shape["members"].items() if name not in shape["headers"]}
        yield from (f"{path}.{name}: unknown to {kind}" for name in value.keys() - known.keys())
        yield from (f"{path}.{name}: missing" for name in set(shape["required"]) - value.keys())
        if shape["kind"] == "union" and len(value) != 1:
            yield f"{path}: {len(value)} members of the union {kind}"
        for name, item in value.items():
            if name in known:
                yield from self._problems(item, known[name], f"{path}.{name}")
            words = self.enums.get(ENUMS.get((kind, name), ""))
            if words is not None and item not in words:
                yield f"{path}.{name}: {item!r} is none of {words}"


def _is_blob(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(base64.b64decode(value, validate=True))
    except binascii.Error:
        return False


PLAIN = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "document": lambda _value: True,
    "blob": _is_blob,
}


@cache
def published(operation: str) -> Schema:
    """The schema of an operation's input; skips the test where npm cannot bring it."""
    folder = installed(PACKAGE, VERSION)
    done = subprocess.run(  # noqa: S603
        ["node", str(SCRIPT), operation],  # noqa: S607
        env={**os.environ, "CLIENT": str(folder)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return Schema(**json.loads(done.stdout))

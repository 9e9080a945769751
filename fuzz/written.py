"""Examples as text: a found failure is kept as the Python expression that makes it, under the full names of its classes.

So a kept failure can be read and edited, outlives changes of the strategies and of hypothesis, and fails loudly when a class of
it is gone.
"""

import ast
import builtins
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from kiro_trio.wire import Message


def write(value: Any) -> str:
    """The expression for a value of plain types, enums, dataclasses, structs and messages."""
    if isinstance(value, Enum):
        return f"{_name(value)}.{value.name}"
    if isinstance(value, Message):
        return _call(value, {"headers": value.headers, "payload": value.payload})
    if is_dataclass(value) or isinstance(value, Struct):
        return _call(value, _arguments(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{write(key)}: {write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list | set | frozenset):
        return f"{type(value).__name__}([{', '.join(map(write, value))}])"
    if isinstance(value, float):
        return f"float({str(value)!r})"
    if isinstance(value, UUID):
        return f"uuid.UUID({str(value)!r})"
    return repr(value) if type(value).__module__ == "builtins" else f"{_name(value)}({value!r})"


def read(text: str) -> Any:
    """The value of such an expression."""
    tree = ast.parse(text.strip(), mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(vars(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            _import(ast.unparse(node))
    return eval(compile(tree, "example", "eval"), {name: import_module(name) for name in names})  # noqa: S307


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _arguments(value: Any) -> dict[str, Any]:
    if isinstance(value, Struct):
        return asdict(value)
    return {field.name: getattr(value, field.name) for field in fields(value) if field.init}


def _call(value: Any, arguments: Mapping[str, Any]) -> str:
    return f"{_name(value)}({', '.join(f'{name}={write(item)}' for name, item in arguments.items())})"


def _import(dotted: str) -> None:
    """Import the longest beginning of a dotted name that is a module."""
    parts = dotted.split(".")
    for count in range(1, len(parts) + 1):
        try:
            import_module(".".join(parts[:count]))
        except ImportError:
            return

"""The table of all settings as other programs need it: what each is called where, and what it takes, in words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from kiro_trio.settings.definition import Settings, secret_names

VARIABLE_PREFIX = "KIRO_TRIO_"

# The name under which users of Kiro's own tools know it.
_OTHER_VARIABLES = {"kiro_api_key": "KIRO_API_KEY"}


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its attribute `name`, its `key` in the file, its environment `variable`, its type and default."""

    name: str
    key: str
    variable: str
    type: Any
    default: Any
    sentence: str
    expected: str
    secret: bool
    in_file: bool


@cache
def rows() -> tuple[Row, ...]:
    """All settings, in the order of their definition."""
    return tuple(_rows())


def markdown() -> str:
    """The table of the README; a test holds the two together."""
    lines = ["| Key | Takes | Default | What it is |", "|---|---|---|---|"]
    lines += [
        f"| `{row.key if row.in_file else row.variable}` | {row.expected} | {_default(row.default)} | {row.sentence} |"
        for row in rows()
    ]
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[Row]:
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        plain, meta = get_args(hints[field.name])
        yield Row(
            name=field.name,
            key=field.encode_name,
            variable=_OTHER_VARIABLES.get(field.name, VARIABLE_PREFIX + field.name.upper()),
            type=hints[field.name],
            default=field.default if field.default is not msgspec.NODEFAULT else {},
            sentence=meta.description,
            expected=meta.extra["form"] or _in_words(plain, meta),
            secret=field.name in secret_names(),
            in_file=field.name not in _OTHER_VARIABLES,
        )


def _in_words(plain: Any, meta: msgspec.Meta) -> str:
    if get_origin(plain) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(plain))
    if plain is bool:
        return "true or false"
    if plain is int:
        return f"a whole number from {meta.ge}" + (f" to {meta.le}" if meta.le is not None else "")
    return "text"


def _default(default: Any) -> str:
    if default in ("", {}):
        return ""
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"

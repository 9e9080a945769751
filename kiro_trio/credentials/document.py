"""The text of `credentials.json`: a single object or an array of objects, and back. Pure."""

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

# Unknown keys may hold anything, but no more than what can be compared, copied and written again.
_DEEPEST = 64
_TOO_DEEP = "is nested too deeply"


class InvalidFile(Exception):
    """The credentials file as a whole cannot be understood; nothing is written to it in that state."""


@dataclass(slots=True)
class Document:
    """The entries of the file, in its order.

    `single`: it holds one object and no array, and stays that way. `lost`: there is no file, these entries are known.
    """

    entries: list[Any]
    single: bool = False
    lost: bool = False


def parse_document(data: bytes) -> Document:
    """Read the file's bytes; an empty file is an empty array.

    Raises:
        InvalidFile: it is no UTF-8 JSON (with line and column), or neither an object nor an array.
    """
    value = _loaded(data)
    if _deeper(value, _DEEPEST):
        raise InvalidFile(_TOO_DEEP)
    if isinstance(value, dict):
        return Document([value], single=True)
    if isinstance(value, list):
        return Document(value)
    raise InvalidFile("must hold an object or an array of objects")


def _loaded(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig").strip()
        return json.loads(text, parse_float=_finite, parse_constant=_finite) if text else []
    except UnicodeDecodeError:
        raise InvalidFile("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise InvalidFile(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise InvalidFile("holds a number that is out of range") from None
    except RecursionError:
        raise InvalidFile(_TOO_DEEP) from None


def _finite(text: str) -> float:
    """A number that can be written again; Python would write others as words that are no JSON."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def render_document(document: Document) -> bytes:
    """Write the file's bytes: indented, readable, in the form that it had."""
    single = document.single and len(document.entries) == 1
    value = document.entries[0] if single else document.entries
    try:
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot say but JSON can
        return (json.dumps(value, indent=2) + "\n").encode()

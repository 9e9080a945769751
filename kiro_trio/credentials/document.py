"""The text of `credentials.json`: a single object or an array of objects, and back. Pure."""

import json
from dataclasses import dataclass
from typing import Any


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
    try:
        text = data.decode("utf-8-sig").strip()
        value = json.loads(text) if text else []
    except UnicodeDecodeError:
        raise InvalidFile("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise InvalidFile(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise InvalidFile("is nested too deeply") from None
    if isinstance(value, dict):
        return Document([value], single=True)
    if isinstance(value, list):
        return Document(value)
    raise InvalidFile("must hold an object or an array of objects")


def render_document(document: Document) -> bytes:
    """Write the file's bytes: indented, readable, in the form that it had."""
    single = document.single and len(document.entries) == 1
    value = document.entries[0] if single else document.entries
    try:
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot say but JSON can
        return (json.dumps(value, indent=2) + "\n").encode()

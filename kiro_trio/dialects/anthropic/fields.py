"""Reading JSON whose types are checked one field at a time, so that a complaint says exactly where.

A typed decoder would refuse a body for a field that nobody reads. Here only what is asked for is checked; the rest
may be anything, today's or next year's.
"""

import json
from typing import Any, NoReturn, TypeVar

import msgspec

from kiro_trio.conversation.characters import whole_characters
from kiro_trio.dialects.anthropic.errors import InvalidRequest

T = TypeVar("T", str, int, bool, dict[str, Any], list[Any])

_WORDS: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


class Fields(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A JSON object and where it stands: in the field `name` of `parent`, as the item `index` of an array if that is given.

    Every method raises `InvalidRequest` with the path of the field that has the wrong type. In optional fields `null` means
    the same as absence.
    """

    raw: dict[str, Any]
    parent: "Fields | None" = None
    name: str = ""
    index: int | None = None

    @property
    def path(self) -> str:
        """Where in the body the object stands, "" for the body itself; put together when somebody asks, for hardly anybody does."""
        if self.parent is None:
            return ""
        path = self.parent.at(self.name)
        return path if self.index is None else f"{path}.{self.index}"

    def at(self, name: str) -> str:
        """The path of the field `name`."""
        return f"{self.path}.{name}" if self.path else name

    def required(self, name: str, kind: type[T]) -> T:
        """The field `name`, which must be there and of this kind."""
        value = self.raw.get(name)
        if type(value) is kind:
            return value
        if name not in self.raw:
            raise InvalidRequest("Field required", self.at(name))
        return _checked(value, kind, self.at(name))

    def optional(self, name: str, kind: type[T]) -> T | None:
        """The field `name` if it is there, and then it must be of this kind."""
        value = self.raw.get(name)
        if value is None or type(value) is kind:
            return value
        return _checked(value, kind, self.at(name))

    def child(self, name: str) -> "Fields | None":
        """The object in the field `name`, if there is one."""
        raw = self.optional(name, dict)
        return None if raw is None else Fields(raw, self, name)

    def children(self, name: str) -> "list[Fields]":
        """The objects of the array `name`; none if the array is absent."""
        return self._objects(name, self.optional(name, list) or [])

    def text_or_blocks(self, name: str) -> "str | list[Fields] | None":
        """The field `name`, which Anthropic takes as a string or as an array of objects; None if it is absent."""
        value = self.raw.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, list):
            return self._objects(name, value)
        raise InvalidRequest(f"expected string or array, got {_WORDS[type(value)]}", self.at(name))

    def strings(self, name: str) -> tuple[str, ...]:
        """The strings of the array `name`; none if the array is absent."""
        items = self.optional(name, list) or ()
        return tuple(_checked(item, str, f"{self.at(name)}.{index}") for index, item in enumerate(items))

    def _objects(self, name: str, items: list[Any]) -> "list[Fields]":
        objects: list[Fields] = []
        for index, item in enumerate(items):
            if type(item) is not dict:
                _checked(item, dict, f"{self.at(name)}.{index}")
            objects.append(Fields(item, self, name, index))
        return objects


def read_body(body: bytes) -> Fields:
    """The JSON object that a request's body holds.

    Raises `InvalidRequest` with line and column for what is not JSON. Halves of surrogate pairs, which clients send after cutting
    a text in the middle of an emoji, become U+FFFD.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        _refuse("it is nested too deeply")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        value = _read_leniently(body)
    return Fields(_checked(value, dict, ""))


def json_text(value: object) -> str:
    """A piece of the body as JSON again, without blanks."""
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError:
        _refuse("it is nested too deeply")


def _checked(value: Any, kind: type[T], path: str) -> T:
    # bool is an int to Python but not to JSON, hence the exact comparison.
    if type(value) is kind:
        return value
    if kind is int and type(value) is float and value.is_integer():
        return kind(value)
    raise InvalidRequest(f"expected {_WORDS[kind]}, got {_WORDS[type(value)]}", path)


def _read_leniently(body: bytes) -> Any:
    """A second opinion, from a parser that accepts halves of surrogate pairs and says line and column."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return json.loads(whole_characters(text))
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg} at line {error.lineno}, column {error.colno}")
    except UnicodeDecodeError as error:
        _refuse(f"byte {error.start} is not UTF-8")
    except RecursionError:
        _refuse("it is nested too deeply")
    except ValueError:
        _refuse("a number is out of range")


def _no_number(name: str) -> NoReturn:
    _refuse(f"{name} is not a number in JSON")


def _refuse(why: str) -> NoReturn:
    raise InvalidRequest(f"the body is not valid JSON: {why}") from None

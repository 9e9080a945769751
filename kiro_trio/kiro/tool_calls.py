"""Tool calls, put together from the pieces in which Kiro sends them."""

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from kiro_trio.conversation.characters import whole_characters, whole_escapes
from kiro_trio.kiro.events import UNREADABLE, ToolUse, UndecodablePayload

MOST_CHARACTERS = 32 * 2**20
"""What the inputs of one reply may have together. Kiro cuts them at a few ten thousand; this only bounds memory."""

LONG_INPUT = 4096
"""Characters of input from which on a call that ends inside it was cut off for its length. Source: docs/wire.md, "Tools"."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class CallState(Enum):
    """How far a call has come."""

    OPEN = "more of it may come"
    WHOLE = "its input is a complete JSON object"
    BROKEN = "it can never be whole"


class PendingCall:
    """One call. `input_json` is set once it is whole; `problem` says what a broken or open one lacks."""

    __slots__ = ("_fresh", "_pieces", "id", "input_json", "name", "problem", "state")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.state = CallState.OPEN
        self.input_json = ""
        self.problem = "has no end"
        self._pieces: list[str] = []
        self._fresh = False  # there is input at which `settle` has not looked yet

    def take(self, event: ToolUse) -> str:
        """Add a piece and return it as text. Late ids and names are fine; more input for a whole call breaks it.

        Raises:
            UndecodablePayload: The piece is an object that has no JSON.
        """
        self.id = self.id or event.toolUseId or ""
        self.name = self.name or event.name or ""
        piece = _text(event.input)
        if self.state is not CallState.OPEN:
            if piece and not piece.isspace():
                self._break("got more input after its end")
            return piece
        if piece:
            if not isinstance(event.input, str):
                self._pieces.clear()  # a whole object says it all, whatever came before
            self._pieces.append(piece)
            self._fresh = True
        if event.stop:
            self._finish()
        return piece

    @property
    def cut_off(self) -> bool:
        """Whether all that it lacks is the rest of a long input: Kiro cuts those off, and would do so again."""
        return self.state is not CallState.WHOLE and _is_long_beginning(_joined(self._pieces))

    def settle(self) -> None:
        """Become whole without a `stop`, if the input so far is a complete object that is not empty.

        Such an object can only be followed by white space; an empty one may be a placeholder, and is none of the
        model's words.
        """
        if self.state is not CallState.OPEN or not (self._fresh and self.id and self.name):
            return
        self._fresh = False
        if not self._pieces[-1].rstrip().endswith("}"):
            return
        text, arguments = _object(self._pieces)
        if arguments:
            self._become_whole(text)

    def _finish(self) -> None:
        text, arguments = _object(self._pieces)
        if arguments is None:
            self._break(f"ends inside its input, after {len(text)} characters")
            self._pieces = [text]
        else:
            self._become_whole(text)

    def _become_whole(self, text: str) -> None:
        if not self.id or not self.name:
            self._break("has no name" if self.id else "has no id")
            return
        self.state, self.input_json, self.problem = CallState.WHOLE, text, ""
        self._pieces = []

    def _break(self, problem: str) -> None:
        self.state, self.problem = CallState.BROKEN, problem
        self._pieces = []


class CallAssembly:
    """All calls of a reply, by id."""

    __slots__ = ("_by_id", "_last", "size")

    def __init__(self) -> None:
        self._by_id: dict[str, PendingCall] = {}
        self._last: PendingCall | None = None
        self.size = 0
        """Characters of input so far, of all calls."""

    def find(self, event: ToolUse) -> PendingCall | None:
        """The call that the event is a piece of; None if it begins one.

        A piece without an id belongs to the last call, and gives its id to that one if it comes late.
        """
        last, identity = self._last, event.toolUseId
        if identity and identity in self._by_id:
            return self._by_id[identity]
        if last is None or (identity and last.id):
            return None
        if not identity and last.state is not CallState.OPEN and event.name:
            return None
        return last

    def begin(self) -> PendingCall:
        """Begin a call, with nothing in it yet."""
        self._last = PendingCall()
        return self._last

    def take(self, call: PendingCall, event: ToolUse) -> str:
        """Add a piece to a call, and return it as text. Raises what the call raises."""
        piece = call.take(event)
        self.size += len(piece)
        self._last = call
        if call.id:
            self._by_id[call.id] = call
        return piece


def _text(piece: str | dict[str, Any] | None) -> str:
    """A piece of input as JSON text; "" for an empty object, which is a placeholder that some send first."""
    if not isinstance(piece, dict):
        return piece or ""
    if not piece:
        return ""
    try:
        return _encode(piece)
    except (ValueError, RecursionError) as error:
        # NaN and Infinity are not JSON, and null is not what they mean.
        raise UndecodablePayload("the input of a toolUseEvent is not JSON") from error


def _joined(pieces: list[str]) -> str:
    return whole_escapes(whole_characters("".join(pieces)))


def _object(pieces: list[str]) -> tuple[str, Mapping[str, Any] | None]:
    """The pieces as one text, and the JSON object that it is; None if it is not."""
    text = _joined(pieces)
    if not text or text.isspace():
        return "{}", {}
    arguments = _parse_object(text)
    if arguments is None and text.lstrip().startswith("{}"):  # a placeholder, sent as text, before the pieces
        text = text.lstrip()[2:]
        arguments = _parse_object(text)
    return text, arguments


def _is_long_beginning(text: str) -> bool:
    """Whether `text` is the beginning of JSON and not something else that nobody can read."""
    if len(text) < LONG_INPUT:
        return False
    try:
        msgspec.json.decode(text)
    except UNREADABLE as error:
        return "truncated" in str(error)
    return False


def _parse_object(text: str) -> Mapping[str, Any] | None:
    try:
        value = msgspec.json.decode(text)
    except UNREADABLE:
        value = _parse_oddity(text)
    return value if isinstance(value, dict) else None


def _parse_oddity(text: str) -> object:
    """Accept what every client's parser accepts and msgspec does not: huge numbers."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are not JSON

"""The envelope: a normalised conversation as the bytes of Kiro's JSON, open where attempts differ.

Every message is encoded once. What depends on the credential and endpoint of an attempt (origin, agent fields, profile
ARN) is put between the finished pieces, so another attempt costs one copy. Keys stand in an order that keeps the beginning of
the body the same from turn to turn. Source: docs/wire.md, "Request body".
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kiro_trio.conversation.prompt import (
    Block,
    Document,
    Image,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from kiro_trio.kiro.media import DOCUMENT_FORMATS, IMAGE_FORMATS
from kiro_trio.kiro.tool_names import ToolNames
from kiro_trio.kiro.tools import ToolEntry

_ORIGIN = re.compile(r"[A-Z_]{1,64}")

# kiro.rs, in use for long, says a blank where the assistant only called tools.
_ONLY_CALLS = " "

# The origin is a user's last field, empty when the message is encoded.
_BEHIND_ORIGIN = b'"}}'


class _Source(msgspec.Struct, gc=False):
    bytes: str


class _Image(msgspec.Struct, gc=False):
    format: str
    source: _Source


class _Document(msgspec.Struct, gc=False):
    name: str
    format: str
    source: _Source


class _ResultText(msgspec.Struct, gc=False):
    text: str


class _Result(msgspec.Struct, rename="camel", gc=False):
    tool_use_id: str
    content: list[_ResultText]
    status: str


class _Context(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    tool_results: list[_Result] = []
    tools: Sequence[ToolEntry] = ()


class _User(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    content: str
    model_id: str
    images: list[_Image] = []
    documents: list[_Document] = []
    user_input_message_context: _Context | None = None
    origin: str | None = None


class _Use(msgspec.Struct, rename="camel", gc=False):
    tool_use_id: str
    name: str
    input: Any


class _ReasoningText(msgspec.Struct, gc=False):
    text: str
    signature: str


class _Reasoning(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _Assistant(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    content: str
    reasoning_content: _Reasoning | None = None
    tool_uses: list[_Use] = []


class _Message(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    user_input_message: _User | None = None
    assistant_response_message: _Assistant | None = None


class Envelope:
    """Collects the pieces of one conversation: `history` first, then `current`, then it is only read."""

    __slots__ = ("_buffer", "_cuts", "_encoder", "_model_id", "_names")

    def __init__(self, conversation_id: str, model_id: str, names: ToolNames) -> None:
        self._encoder = msgspec.json.Encoder()
        self._model_id = model_id
        self._names = names
        self._buffer = bytearray(b'{"conversationState":{"conversationId":')
        self._encoder.encode_into(conversation_id, self._buffer, -1)
        self._cuts: list[int] = []  # where the origin goes

    def history(self, turns: Iterable[Turn]) -> None:
        """Put the turns before the current one in; none leaves the key out."""
        separator = b',"history":['
        for turn in turns:
            self._buffer += separator
            separator = b","
            if turn.role == "assistant":
                message = _Message(None, _assistant_of(turn, self._names))
                self._encoder.encode_into(message, self._buffer, -1)
            else:
                self._put_user(_user_of(turn, self._model_id))
        if separator == b",":
            self._buffer += b"]"

    def current(self, turn: Turn, tools: Sequence[ToolEntry]) -> None:
        """Put the current message in, with the tools."""
        user = _user_of(turn, self._model_id)
        context = user.user_input_message_context or _Context()
        context.tools = tools
        user.user_input_message_context = context
        self._buffer += b',"currentMessage":'
        self._put_user(user)
        self._buffer += b',"chatTriggerType":"MANUAL"'

    @property
    def size(self) -> int:
        """The bytes so far, without what attempts add."""
        return len(self._buffer)

    def sealed(self, origin: str, agent_fields: bytes, tail: bytes) -> bytes:
        """The whole body: `agent_fields` into `conversationState`, `tail` behind it, both beginning with a comma or empty."""
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("an origin is a word of capital letters and underscores")
        word, view = origin.encode("ascii"), memoryview(self._buffer)
        parts: list[bytes | memoryview] = []
        begin = 0
        for cut in self._cuts:
            parts += (view[begin:cut], word)
            begin = cut
        parts += (view[begin:], agent_fields, b"}", tail, b"}")
        return b"".join(parts)

    def _put_user(self, user: _User) -> None:
        self._encoder.encode_into(_Message(user), self._buffer, -1)
        self._cuts.append(len(self._buffer) - len(_BEHIND_ORIGIN))


def _user_of(turn: Turn, model_id: str) -> _User:
    user = _User("", model_id, origin="")
    results: list[_Result] = []
    for block in turn.blocks:
        if isinstance(block, ToolResult):
            results.append(_result_of(block))
        elif isinstance(block, Text):
            user.content = block.text
        elif isinstance(block, Image):
            user.images.append(_image_of(block))
        elif isinstance(block, Document):
            user.documents.append(_document_of(block))
    if results:
        user.user_input_message_context = _Context(results)
    return user


def _assistant_of(turn: Turn, names: ToolNames) -> _Assistant:
    assistant = _Assistant(_ONLY_CALLS)
    for block in turn.blocks:
        if isinstance(block, ToolUse):
            assistant.tool_uses.append(_Use(block.id, names.short(block.name), block.input))
        elif isinstance(block, Text):
            assistant.content = block.text
        else:
            assistant.reasoning_content = _reasoning_of(block)
    return assistant


def _result_of(result: ToolResult) -> _Result:
    texts = [_ResultText(part.text) for part in result.content if isinstance(part, Text)]
    return _Result(result.tool_use_id, texts, "error" if result.is_error else "success")


def _image_of(image: Image) -> _Image:
    return _Image(IMAGE_FORMATS[image.media_type], _Source(image.data))


def _document_of(document: Document) -> _Document:
    return _Document(document.name, DOCUMENT_FORMATS[document.media_type], _Source(document.data))


def _reasoning_of(block: Block) -> _Reasoning | None:
    match block:
        case Thinking(text, signature):
            return _Reasoning(reasoning_text=_ReasoningText(text, signature))
        case RedactedThinking(data):
            return _Reasoning(redacted_content=data)
        case _:
            return None

"""The envelope: a normalised conversation as the bytes of Kiro's JSON, open where attempts differ.

The conversation is encoded once for every origin that speaks, and hardly any request meets two. What else depends on the credential
and endpoint of an attempt (agent fields, profile ARN) is put behind it, so another attempt costs one copy. Keys stand in
an order that keeps the beginning of the body the same from turn to turn. Source: docs/wire.md, "Request body".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from kiro_trio.conversation.prompt import Document, Image, RedactedThinking, Thinking
from kiro_trio.kiro.entries import Entry, ModelEntry, UserEntry
from kiro_trio.kiro.media import DOCUMENT_FORMATS, IMAGE_FORMATS
from kiro_trio.kiro.presets import check_origin
from kiro_trio.kiro.tool_names import ToolNames
from kiro_trio.kiro.tools import ToolEntry

_STATUS = {False: "success", True: "error"}

# The value of a list that is left out.
_NONE: Sequence[Any] = ()

# kiro.rs, in use for long, says a blank where the assistant only called tools.
_ONLY_CALLS = " "


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
    tool_results: Sequence[_Result] = _NONE
    tools: Sequence[ToolEntry] = _NONE


class _User(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    content: str
    model_id: str
    images: Sequence[_Image] = _NONE
    documents: Sequence[_Document] = _NONE
    user_input_message_context: _Context | None = None
    origin: str = ""


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
    tool_uses: Sequence[_Use] = _NONE


class _Message(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    user_input_message: _User | None = None
    assistant_response_message: _Assistant | None = None


class _State(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    conversation_id: str
    history: list[_Message] = []
    current_message: _Message | None = None
    chat_trigger_type: str | None = None


@dataclass(slots=True, repr=False, eq=False)
class Envelope:
    """One conversation; `earlier` and `current` are its entries, and are not changed any more. Its repr shows none of them."""

    conversation_id: str
    model_id: str
    names: ToolNames
    earlier: Sequence[Entry]
    current: UserEntry
    tools: Sequence[ToolEntry]
    _origin: str | None = None  # for which `_state` was encoded
    _state: bytes = b""

    def size(self, origin: str) -> int:
        """The bytes of what is encoded for `origin`, without what attempts add."""
        return len(self._encoded(origin))

    def sealed(self, origin: str, agent_fields: bytes, tail: bytes) -> bytes:
        """The whole body: `agent_fields` into `conversationState`, `tail` behind it, both beginning with a comma or empty."""
        state = memoryview(self._encoded(origin))[:-1]
        return b"".join((b'{"conversationState":', state, agent_fields, b"}", tail, b"}"))

    def _encoded(self, origin: str) -> bytes:
        if origin != self._origin:
            self._state = msgspec.json.encode(self._said(check_origin(origin)))
            self._origin = origin
        return self._state

    def _said(self, origin: str) -> _State:
        model_id, names = self.model_id, self.names
        history = [
            _Message(_user_of(entry, model_id, origin))
            if type(entry) is UserEntry
            else _Message(None, _assistant_of(entry, names))
            for entry in self.earlier
        ]
        user = _user_of(self.current, model_id, origin)
        context = user.user_input_message_context or _Context()
        context.tools = self.tools
        user.user_input_message_context = context
        return _State(self.conversation_id, history, _Message(user), "MANUAL")


def _user_of(entry: UserEntry, model_id: str, origin: str) -> _User:
    context = None
    if entry.answers:
        results = [
            _Result(answer.tool_use_id, [_ResultText(answer.text)], _STATUS[answer.is_error])
            for answer in entry.answers
        ]
        context = _Context(results)
    if not entry.media:
        return _User(entry.text, model_id, _NONE, _NONE, context, origin)
    images = [_image_of(file) for file in entry.media if isinstance(file, Image)]
    documents = [_document_of(file) for file in entry.media if isinstance(file, Document)]
    return _User(entry.text, model_id, images or _NONE, documents or _NONE, context, origin)


def _assistant_of(entry: ModelEntry, names: ToolNames) -> _Assistant:
    reasoning = _reasoning_of(entry.reasoning) if entry.reasoning else None
    calls = [_Use(call.id, names.short(call.name), call.input) for call in entry.calls]
    return _Assistant(entry.text or _ONLY_CALLS, reasoning, calls or _NONE)


def _image_of(image: Image) -> _Image:
    return _Image(IMAGE_FORMATS[image.media_type], _Source(image.data))


def _document_of(document: Document) -> _Document:
    return _Document(document.name, DOCUMENT_FORMATS[document.media_type], _Source(document.data))


def _reasoning_of(block: Thinking | RedactedThinking) -> _Reasoning:
    if isinstance(block, Thinking):
        return _Reasoning(reasoning_text=_ReasoningText(block.text, block.signature))
    return _Reasoning(redacted_content=block.data)

"""Plain bodies: requests as clients nearly always send them, read by a typed decoder.

A long conversation is thousands of blocks of a few kinds, and a typed decoder has them in half the time that it takes to look
at every field of an untyped one. But it refuses what is new, and where something is wrong it cannot say so as a client needs
it. So it is only asked whether a body is plain. If so, this reading says what the careful one (`fields`, `content`) would say; if
not, whatever the reason, only the careful one is made. A field that is not named here is a reason: it would be skipped, and with it
a flaw that makes the body no JSON, or the name of a field with one wrong byte in it.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct

from kiro_trio.conversation.prompt import (
    Block,
    Document,
    Image,
    RedactedThinking,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from kiro_trio.dialects.anthropic.attachments import read_document, read_image
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.fields import Fields
from kiro_trio.dialects.anthropic.searches import SEARCH_TEXTS
from kiro_trio.dialects.anthropic.signature import stripped
from kiro_trio.dialects.anthropic.warnings import Warnings


class _Plain(Struct, tag_field="type", gc=False, forbid_unknown_fields=True, kw_only=True):
    """A content block; a subclass for every type."""

    cache_control: Any = None


class _Text(_Plain, tag="text"):
    text: str
    citations: Annotated[list[Any], msgspec.Meta(max_length=0)] | None = None

    def read(self) -> tuple[Text, ...]:
        return (Text(self.text),) if self.text else ()


class _Image(_Plain, tag="image"):
    source: dict[str, Any]

    def read(self) -> tuple[Image]:
        return (read_image(Fields({"source": self.source})),)


class _Document(_Plain, tag="document"):
    source: dict[str, Any]
    title: str | None = None
    context: str | None = None
    citations: None = None

    def read(self) -> tuple[Text | Image | Document, ...]:
        raw = {"source": self.source, "title": self.title, "context": self.context}
        warnings = Warnings()
        parts = tuple(read_document(Fields(raw), warnings))
        if warnings.listed():
            raise InvalidRequest("not plain")
        return parts


class _ToolReference(_Plain, tag="tool_reference"):
    tool_name: str

    def read(self) -> tuple[Text]:
        return (Text(SEARCH_TEXTS["tool_reference"](Fields({"tool_name": self.tool_name})), apart=True),)


_Part = _Text | _Image | _Document | _ToolReference


class _Thinking(_Plain, tag="thinking"):
    thinking: str | None = None
    signature: str | None = None

    def read(self) -> tuple[Thinking, ...]:
        text, signature = self.thinking or "", stripped(self.signature or "")
        return (Thinking(text, signature),) if text or signature else ()


class _RedactedThinking(_Plain, tag="redacted_thinking"):
    data: str

    def read(self) -> tuple[RedactedThinking]:
        return (RedactedThinking(self.data),)


class _ToolUse(_Plain, tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any] | None = None

    def read(self) -> tuple[ToolUse]:
        return (ToolUse(self.id, self.name, self.input or {}),)


class _ToolResult(_Plain, tag="tool_result"):
    tool_use_id: str
    content: str | list[_Part] | None = None
    is_error: bool | None = None

    def read(self) -> tuple[ToolResult]:
        said = self.content
        if isinstance(said, str):
            content: tuple[Text | Image | Document, ...] = (Text(said),) if said else ()
        else:
            content = tuple(part for item in said or () for part in item.read())
        return (ToolResult(self.tool_use_id, content, self.is_error or False),)


class _Message(Struct, gc=False, forbid_unknown_fields=True):
    role: Role
    content: str | list[_Part | _Thinking | _RedactedThinking | _ToolUse | _ToolResult]
    output_config: Any = UNSET

    def read(self) -> Turn:
        said = self.content
        if isinstance(said, str):
            return Turn(self.role, (Text(said),) if said else ())
        blocks: list[Block] = []
        for block in said:
            blocks += block.read()
        return Turn(self.role, tuple(blocks))


READ_WITH_CARE = (
    "container",
    "max_tokens",
    "mcp_servers",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
)
"""The fields of a body that are looked at, but for its messages."""

_IGNORED = (
    "cache_control",
    "context_management",
    "safeguards",
    "service_tier",
    "temperature",
    "top_k",
    "top_p",
)

_Body = msgspec.defstruct(
    "_Body",
    [("messages", list[_Message]), *((name, Any, UNSET) for name in (*READ_WITH_CARE, *_IGNORED))],
    gc=False,
    forbid_unknown_fields=True,
)
_decode = msgspec.json.Decoder(_Body).decode


class PlainBody(Struct, frozen=True):
    """A body whose messages are plain.

    `fields` are its fields without the messages, which are `turns`, one at least. `configured` are those of the messages that
    bring a configuration of their own, with nothing but that in them.
    """

    fields: Fields
    turns: tuple[Turn, ...]
    configured: list[Fields]


def read_plain_body(body: bytes) -> PlainBody | None:
    """The body, if it is plain; None if it must be read with care, whatever it is."""
    try:
        read: Any = _decode(body)
        messages: Iterable[_Message] = read.messages
        turns = tuple([message.read() for message in messages])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidRequest):
        return None
    if not turns:
        return None
    fields = Fields({name: value for name in READ_WITH_CARE if (value := getattr(read, name)) is not UNSET})
    configured = [
        Fields({"output_config": message.output_config}, fields, "messages", index)
        for index, message in enumerate(messages)
        if message.output_config is not UNSET
    ]
    return PlainBody(fields, turns, configured)

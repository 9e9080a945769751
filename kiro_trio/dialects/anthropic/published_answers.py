"""The shapes of what clients of Anthropic's Messages API get, as they are published. Pure; `message` and `stream` write them.

A test holds them true: nothing else is written.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kiro_trio.conversation.reply import StopReason

Count = Annotated[int, Meta(ge=0)]


class Typed(msgspec.Struct, tag_field="type"):
    """An object whose `type` says what it is."""


class Text(Typed, tag="text"):
    """Words of the model."""

    text: str


class Thought(Typed, tag="thinking"):
    """What the model thought."""

    thinking: str
    signature: str


class RedactedThought(Typed, tag="redacted_thinking"):
    """The same, unreadable."""

    data: str


class ToolUse(Typed, tag="tool_use"):
    """A tool that the client shall run."""

    id: str
    name: str
    input: dict[str, Any]


class ServerToolUse(Typed, tag="server_tool_use"):
    """A web search that was made."""

    id: str
    name: str
    input: dict[str, Any]


class SearchHit(Typed, tag="web_search_result"):
    """One page."""

    title: str
    url: str
    encrypted_content: str
    page_age: str | None


class SearchError(Typed, tag="web_search_tool_result_error"):
    """Why there are none."""

    error_code: str


class SearchResult(Typed, tag="web_search_tool_result"):
    """What the web search found."""

    tool_use_id: str
    content: list[SearchHit] | SearchError


Block = Text | Thought | RedactedThought | ToolUse | ServerToolUse | SearchResult


class ServerTools(msgspec.Struct):
    """How often the gateway searched."""

    web_search_requests: Count


class Usage(msgspec.Struct):
    """Tokens; what Kiro did not say is left out."""

    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count | UnsetType = UNSET
    cache_read_input_tokens: Count | UnsetType = UNSET
    server_tool_use: ServerTools | UnsetType = UNSET


class KiroUsage(msgspec.Struct):
    """Ours: what Kiro says in its own units."""

    credits: float | UnsetType = UNSET
    context_percentage: float | UnsetType = UNSET


class Message(Typed, tag="message"):
    """An answer in one piece; in `message_start` it is still empty."""

    id: str
    role: Literal["assistant"]
    model: str
    content: list[Block]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: Usage
    kiro: KiroUsage | UnsetType = UNSET


class MessageStart(Typed, tag="message_start"):
    """The first event, but for pings."""

    message: Message


class BlockStart(Typed, tag="content_block_start"):
    """A block begins."""

    index: Count
    content_block: Block


class TextDelta(Typed, tag="text_delta"):
    """More words."""

    text: str


class ThinkingDelta(Typed, tag="thinking_delta"):
    """More thoughts."""

    thinking: str


class SignatureDelta(Typed, tag="signature_delta"):
    """The signature of the thoughts."""

    signature: str


class InputDelta(Typed, tag="input_json_delta"):
    """More of a call's input, as JSON text."""

    partial_json: str


class BlockDelta(Typed, tag="content_block_delta"):
    """More of a block."""

    index: Count
    delta: TextDelta | ThinkingDelta | SignatureDelta | InputDelta


class BlockStop(Typed, tag="content_block_stop"):
    """A block is whole."""

    index: Count


class Ending(msgspec.Struct):
    """How the answer ended."""

    stop_reason: StopReason
    stop_sequence: str | None


class MessageDelta(Typed, tag="message_delta"):
    """The answer is whole; `usage` is the final one."""

    delta: Ending
    usage: Usage
    kiro: KiroUsage | UnsetType = UNSET


class MessageStop(Typed, tag="message_stop"):
    """The last event of an answer that is whole."""


class Ping(Typed, tag="ping"):
    """Still here."""


class ErrorDetail(msgspec.Struct):
    """What is wrong; `details` is for programs."""

    type: str
    message: str
    details: dict[str, Any] | UnsetType = UNSET


class Error(Typed, tag="error"):
    """The last event of an answer that broke off."""

    error: ErrorDetail


class Refusal(Typed, tag="error"):
    """The body of an error answer; `request_id` is that of the `request-id` header."""

    error: ErrorDetail
    request_id: str


StreamEvent = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Ping | Error


class TokenCount(msgspec.Struct):
    """How many tokens a prompt has."""

    input_tokens: Count


class Model(Typed, tag="model"):
    """A model, with the fields that OpenAI's readers look for."""

    id: str
    display_name: str
    created_at: str
    lifecycle: str
    max_input_tokens: int | None
    max_tokens: int | None
    object: Literal["model"]
    created: int
    owned_by: str


class Models(msgspec.Struct):
    """A page of models."""

    object: Literal["list"]
    data: list[Model]
    has_more: bool
    first_id: str | None
    last_id: str | None

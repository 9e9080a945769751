"""The shapes of what clients of Anthropic's Messages API send, as they are published. Pure; `request` is who reads them.

More is read than stands here: unknown fields, roles and content blocks are no mistakes.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kiro_trio.conversation.prompt import Choice, ThinkingMode
from kiro_trio.dialects.anthropic.published_answers import Count, Typed

Filled = Annotated[str, Meta(min_length=1)]
ContentBlock = Annotated[Any, Meta(extra_json_schema={"$ref": "#/components/schemas/ContentBlock"})]
"""`KNOWN_BLOCKS`, or an object of any other type."""


class TextPart(Typed, tag="text"):
    """Words."""

    text: str


class Base64(Typed, tag="base64"):
    """A file; nothing is fetched from elsewhere."""

    media_type: str
    data: Filled


class PlainText(Typed, tag="text"):
    """A document that is text."""

    data: str


class ImagePart(Typed, tag="image"):
    """A picture."""

    source: Base64


class DocumentPart(Typed, tag="document"):
    """A document."""

    source: Base64 | PlainText
    title: str | None = None
    context: str | None = None


class ThinkingPart(Typed, tag="thinking"):
    """What the model thought, given back to it."""

    thinking: str
    signature: str = ""


class RedactedPart(Typed, tag="redacted_thinking"):
    """The same, unreadable."""

    data: str


class ToolUsePart(Typed, tag="tool_use"):
    """A call that the model made."""

    id: str
    name: str
    input: dict[str, Any]


class ToolResultPart(Typed, tag="tool_result"):
    """What came of it."""

    tool_use_id: str
    content: str | list[ContentBlock] | None = None
    is_error: bool | None = None


KNOWN_BLOCKS = (
    TextPart | ImagePart | DocumentPart | ThinkingPart | RedactedPart | ToolUsePart | ToolResultPart
)


class Turn(msgspec.Struct):
    """One message: `user`, `assistant` or `system`; any other role counts as `user`."""

    role: str
    content: str | list[ContentBlock]


class ToolOffer(msgspec.Struct):
    """A tool; one without `input_schema` and with a `type` of Anthropic's is a server tool."""

    name: Filled
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    type: str | None = None


class ToolWish(msgspec.Struct):
    """How free the model is to call tools; `tool` needs a name."""

    type: Choice
    name: str = ""


class Thinking(msgspec.Struct):
    """Whether the model thinks aloud."""

    type: ThinkingMode
    budget_tokens: Count | None = None


class Prompt(msgspec.Struct):
    """What both questions have."""

    model: Filled
    messages: Annotated[list[Turn], Meta(min_length=1)]
    system: str | list[TextPart] | None = None
    tools: list[ToolOffer] | None = None
    tool_choice: ToolWish | None = None
    thinking: Thinking | None = None


class CountTokensRequest(Prompt):
    """The body of `POST /v1/messages/count_tokens`."""


class MessagesRequest(Prompt, kw_only=True):
    """The body of `POST /v1/messages`."""

    max_tokens: Count
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    metadata: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None

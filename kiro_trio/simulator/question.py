"""A chat request as Kiro's schema has it, and what the simulator wants to know of it.

The shapes are those of AWS's published client; fields that nothing here looks at are left out, and unknown ones
are ignored as the service does. Source: docs/wire.md, "Request body".
"""

from collections.abc import Iterator
from typing import Any, cast

import msgspec


class Shape(msgspec.Struct, frozen=True, rename="camel"):
    """A structure of the schema: camelCase on the wire, null means absent."""


class ToolInputSchema(Shape, frozen=True):
    """`json` is free JSON by the schema; the service wants an object."""

    json: Any = None


class ToolSpecification(Shape, frozen=True):
    """A tool that the model may call."""

    name: str
    input_schema: ToolInputSchema
    description: str | None = None


class CachePoint(Shape, frozen=True):
    """Where a prompt cache may cut."""

    type: str


class ToolEntry(Shape, frozen=True):
    """A union: a specification or a cache point."""

    tool_specification: ToolSpecification | None = None
    cache_point: CachePoint | None = None


class ToolResultContent(Shape, frozen=True):
    """A union: text or JSON."""

    text: str | None = None
    json: Any = None


class ToolResult(Shape, frozen=True):
    """What a tool call brought."""

    tool_use_id: str
    content: tuple[ToolResultContent, ...]
    status: str | None = None

    @property
    def text(self) -> str:
        """All of it as text."""
        return "\n".join(
            item.text if item.text is not None else msgspec.json.encode(item.json).decode()
            for item in self.content
        )


class ToolUse(Shape, frozen=True):
    """A call of the model's; `input` is free JSON by the schema, the service wants an object."""

    tool_use_id: str
    name: str
    input: Any


class Source(Shape, frozen=True):
    """Base64 text."""

    bytes: str | None = None


class Image(Shape, frozen=True):
    """A picture."""

    format: str
    source: Source


class Document(Shape, frozen=True):
    """A file."""

    name: str
    format: str
    source: Source


class Context(Shape, frozen=True):
    """What goes with a user's words."""

    tools: tuple[ToolEntry, ...] | None = None
    tool_results: tuple[ToolResult, ...] | None = None


class UserMessage(Shape, frozen=True):
    """`userInputMessage`."""

    content: str
    model_id: str | None = None
    origin: str | None = None
    user_input_message_context: Context | None = None
    images: tuple[Image, ...] | None = None
    documents: tuple[Document, ...] | None = None

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """Its tool results, in order."""
        context = self.user_input_message_context
        return (context.tool_results if context else None) or ()

    @property
    def tools(self) -> tuple[ToolSpecification, ...]:
        """Its tool specifications, in order."""
        context = self.user_input_message_context
        entries = (context.tools if context else None) or ()
        return tuple(entry.tool_specification for entry in entries if entry.tool_specification)


class AssistantMessage(Shape, frozen=True):
    """`assistantResponseMessage`."""

    content: str
    tool_uses: tuple[ToolUse, ...] | None = None
    reasoning_content: dict[str, Any] | None = None

    @property
    def calls(self) -> tuple[ToolUse, ...]:
        """Its tool calls, in order."""
        return self.tool_uses or ()


class Message(Shape, frozen=True):
    """A union: what the user said or what the assistant said."""

    user_input_message: UserMessage | None = None
    assistant_response_message: AssistantMessage | None = None


class ConversationState(Shape, frozen=True):
    """The conversation so far and the current message."""

    current_message: Message
    chat_trigger_type: str
    conversation_id: str | None = None
    agent_continuation_id: str | None = None
    agent_task_type: str | None = None
    history: tuple[Message, ...] | None = None


class Question(Shape, frozen=True):
    """The body of `GenerateAssistantResponse`."""

    conversation_state: ConversationState
    profile_arn: str | None = None
    agent_mode: str | None = None
    additional_model_request_fields: dict[str, Any] | None = None

    @property
    def current(self) -> UserMessage:
        """The current message; only valid when the rules let the request pass."""
        return cast("UserMessage", self.conversation_state.current_message.user_input_message)

    @property
    def history(self) -> tuple[Message, ...]:
        """Everything before the current message."""
        return self.conversation_state.history or ()

    @property
    def users(self) -> Iterator[UserMessage]:
        """All user messages, the current one last."""
        for message in (*self.history, self.conversation_state.current_message):
            if message.user_input_message is not None:
                yield message.user_input_message

    @property
    def assistants(self) -> Iterator[AssistantMessage]:
        """All assistant messages."""
        for message in self.history:
            if message.assistant_response_message is not None:
                yield message.assistant_response_message


BYTES_PER_TOKEN = 4
TOKENS_PER_IMAGE = 1_500
TOKENS_PER_MESSAGE = 4


def input_tokens(question: Question) -> int:
    """How much of the window the request takes, in tokens, by a plain count of bytes."""
    size = images = 0
    for user in question.users:
        size += len(user.content.encode()) + sum(len(result.text.encode()) for result in user.results)
        size += sum(len(msgspec.json.encode(tool)) for tool in user.tools)
        images += len(user.images or ()) + len(user.documents or ())
    for assistant in question.assistants:
        size += len(assistant.content.encode())
        size += sum(len(call.name) + len(msgspec.json.encode(call.input)) for call in assistant.calls)
    messages = TOKENS_PER_MESSAGE * (len(question.history) + 1)
    return size // BYTES_PER_TOKEN + TOKENS_PER_IMAGE * images + messages

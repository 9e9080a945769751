"""A prompt: everything a client says to a model in one request, in nobody's dialect.

A dialect (`kiro_trio.dialects`) parses a client's body into a `Prompt`; `kiro_trio.kiro.request` says it to Kiro.

Turns and blocks are made by the thousand for every request, and a frozen `Struct` is made in a tenth of the time that a frozen
dataclass takes. `isinstance` is slow to say no to one, so ask for the likeliest kind first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, final

from msgspec import Struct

Role = Literal["user", "assistant", "system"]


@final
class Text(Struct, frozen=True, gc=False):
    """Words of the turn's speaker; `apart` for words about something, which go on from no others."""

    text: str
    apart: bool = False


@final
class Image(Struct, frozen=True, gc=False):
    """A picture: `data` is base64 text, `media_type` such as `image/png`."""

    media_type: str
    data: str


@final
class Document(Struct, frozen=True, gc=False):
    """A file: base64 `data` of `media_type`; text documents arrive as `Text`, never as this."""

    media_type: str
    data: str
    name: str = ""


@final
class Thinking(Struct, frozen=True, gc=False):
    """A model's earlier thinking; `signature` is opaque and kept byte for byte ("" when there was none)."""

    text: str
    signature: str = ""


@final
class RedactedThinking(Struct, frozen=True, gc=False):
    """A model's earlier thinking that only its maker can read; `data` is opaque."""

    data: str


@final
class ToolUse(Struct, frozen=True, gc=False):
    """A tool call that the model made earlier; `id` is opaque."""

    id: str
    name: str
    input: Mapping[str, Any]


@final
class ToolResult(Struct, frozen=True, gc=False):
    """What the call `tool_use_id` brought."""

    tool_use_id: str
    content: tuple[Text | Image | Document, ...]
    is_error: bool = False


Block = Text | Image | Document | Thinking | RedactedThinking | ToolUse | ToolResult


@final
class Turn(Struct, frozen=True, gc=False):
    """One message. Roles need not alternate here, and `blocks` may be empty; `system` may stand anywhere."""

    role: Role
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the client can run; `input_schema` is JSON Schema as the client wrote it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The client lets the gateway search the web on the model's behalf (a server tool)."""

    name: str = "web_search"
    max_uses: int | None = None
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()


class Choice(Enum):
    """How free the model is to call tools."""

    AUTO = "auto"
    ANY = "any"
    TOOL = "tool"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`name` is set for `Choice.TOOL` only; `parallel` allows several calls in one answer."""

    choice: Choice = Choice.AUTO
    name: str = ""
    parallel: bool = True


class ThinkingMode(Enum):
    """Whether the client wants the model to think aloud before it answers."""

    OFF = "disabled"
    ENABLED = "enabled"
    ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True)
class ThinkingWish:
    """What the client asks of thinking: `budget` in tokens (for ENABLED), `effort` from `low` to `max`."""

    mode: ThinkingMode = ThinkingMode.OFF
    budget: int = 20000
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a model.

    `model` is the client's own name for it. `session` groups the requests of one conversation ("" when the
    client named none), `agent` is the one of its agents that speaks ("" for the main one) and `salt` keeps the
    sessions of different clients apart. `json_schema` asks for an answer
    that is bare JSON of that schema. `warnings` lists, in a few words each, what the dialect changed or dropped.
    """

    model: str
    turns: tuple[Turn, ...]
    system: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    web_search: WebSearch | None = None
    tool_choice: ToolChoice = ToolChoice()
    thinking: ThinkingWish = ThinkingWish()
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    session: str = ""
    salt: str = ""
    agent: str = ""
    warnings: tuple[str, ...] = field(default=(), compare=False)

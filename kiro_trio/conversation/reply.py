"""Reply events: what a model says back, in nobody's dialect.

`kiro_trio.kiro.response` reads them from Kiro's stream; a dialect turns them into its own events. The grammar: any
number of deltas and calls, in the order they were said; then, only if the reply is whole, one `Usage` and one
`Finished`, which is last. A reply that broke off has no `Finished`: there is a `faults.Failure` instead.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More words of the answer; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More words of the model's thinking; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingSigned:
    """The thinking so far ends here and carries this opaque signature."""

    signature: str


@dataclass(frozen=True, slots=True)
class ThinkingRedacted:
    """A stretch of thinking that only its maker can read."""

    data: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A whole tool call: `input_json` is the text of a complete JSON object, `name` is the client's name.

    A call whose JSON broke off is never one of these.
    """

    id: str
    name: str
    input_json: str


@dataclass(frozen=True, slots=True)
class WebSearchCall:
    """The gateway searches the web for `query`."""

    id: str
    query: str


@dataclass(frozen=True, slots=True)
class WebPage:
    """One thing that a search found; `page_age` is words such as "January 1, 2026", or None."""

    title: str
    url: str
    snippet: str
    page_age: str | None = None


@dataclass(frozen=True, slots=True)
class WebSearchFound:
    """What the search `id` found, or why it failed (`error`, one of Anthropic's web search error codes)."""

    id: str
    pages: tuple[WebPage, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the reply cost, as far as Kiro said: None means "not said", and nothing here is made up.

    `output_tokens` is our estimate when `measured` is False. `input_tokens` leaves cached tokens out when Kiro
    reports them apart. `credits` is Kiro's own unit.
    """

    input_tokens: int | None = None
    output_tokens: int = 0
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    credits: float | None = None
    context_percentage: float | None = None
    measured: bool = False


class StopReason(Enum):
    """Why a whole reply ended; the values are Anthropic's words."""

    END_TURN = "end_turn"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_USE = "tool_use"
    PAUSE_TURN = "pause_turn"
    REFUSAL = "refusal"
    CONTEXT_WINDOW = "model_context_window_exceeded"


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is whole. Always the last event."""

    reason: StopReason
    stop_sequence: str | None = None


ReplyEvent = (
    TextDelta
    | ThinkingDelta
    | ThinkingSigned
    | ThinkingRedacted
    | ToolCall
    | WebSearchCall
    | WebSearchFound
    | Usage
    | Finished
)

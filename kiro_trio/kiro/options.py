"""What the owner of the gateway may decide about the way in which a prompt is said to Kiro."""

from dataclasses import dataclass, field
from enum import Enum

from kiro_trio.kiro.hints import Hints
from kiro_trio.kiro.limits import Limits


class Prefill(Enum):
    """What becomes of an assistant's message that stands last, of which the client wants the continuation."""

    CONTINUE = "continue"
    """It is quoted at the end of the user's message, with the request to go on from there."""
    DROP = "drop"
    REFUSE = "refuse"


class EarlierThinking(Enum):
    """How the model's earlier thinking is handed back."""

    NATIVE = "native"
    """Signed thinking as `reasoningContent` if the model thinks natively. The rest in tags if the model is asked by
    tags to think; otherwise it is left out, for a model that sees tags writes tags, and nobody would take them out."""
    TAGS = "tags"
    DROP = "drop"


class Unsupported(Enum):
    """What becomes of an image or document that Kiro cannot be given."""

    NOTE = "note"
    """A line of text stands in its place, and a warning tells."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How prompts are said to Kiro. The defaults suit Claude Code.

    `native_effort` allows `additionalModelRequestFields`; `thinking_display` is what they ask to be shown of native
    thinking ("" leaves it to the model, which may show nothing). `thinking_budget` is the largest budget that is asked
    for by tags, in tokens. A tool's description ends at `description_chars` (0: never); with `continue_descriptions` the
    rest goes into the system text, else it is left out. `native_documents` sends documents as such
    instead of a note. `strict_schemas` leaves all of JSON Schema out that Kiro was ever seen to refuse. `origin` is the one for
    which a request is made ready; any other may be asked for, and costs another encoding.
    """

    prefill: Prefill = Prefill.CONTINUE
    earlier_thinking: EarlierThinking = EarlierThinking.NATIVE
    native_effort: bool = True
    thinking_display: str = "summarized"
    thinking_budget: int = 24_576
    strict_schemas: bool = False
    hints: Hints = field(default_factory=Hints)
    description_chars: int = 10_000
    continue_descriptions: bool = True
    unsupported: Unsupported = Unsupported.NOTE
    native_documents: bool = False
    limits: Limits = field(default_factory=Limits)
    origin: str = "AI_EDITOR"

"""The one state machine between reply events and Anthropic's content blocks.

Whoever writes an answer, as events (`stream`) or as one message (`message`), is a `BlockSink` and is told what to do in
this order: `start`, then for each block `open_block`, any number of `add`, `close_block`, and `finish` at the end. Indices
count from 0, no two blocks are open at once, and no block of text is empty, whatever the events were.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from kiro_trio.conversation.reply import (
    Finished,
    ReplyEvent,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingRedacted,
    ThinkingSigned,
    ToolCall,
    Usage,
    WebPage,
    WebSearchCall,
    WebSearchFound,
)
from kiro_trio.dialects.anthropic.json_text import quoted
from kiro_trio.dialects.anthropic.signature import UNSIGNED

# The Python SDK parses a call's whole input again after every piece, so many small pieces cost it quadratic time.
# Clients show progress by pieces, so one piece for a whole file would look like a stall.
PIECE = 8192
"""Longest `partial_json` of an `input_json_delta`, in characters."""

# A reason that yields to the fact that a call was made: the client must run the tool, whatever the model's word for it.
_YIELDS_TO_CALLS = {StopReason.END_TURN, StopReason.STOP_SEQUENCE, StopReason.PAUSE_TURN}


@dataclass(frozen=True, slots=True)
class Delta:
    """A kind of `content_block_delta`: its type and the field that holds the piece."""

    type: str
    field: str


TEXT = Delta("text_delta", "text")
THINKING = Delta("thinking_delta", "thinking")
SIGNATURE = Delta("signature_delta", "signature")
INPUT = Delta("input_json_delta", "partial_json")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a whole message ends; `searches` counts the web searches in it that were made and did not fail."""

    stop_reason: StopReason
    stop_sequence: str | None
    usage: Usage
    searches: int


class BlockSink(Protocol):
    """Somebody who writes an answer down."""

    def start(self) -> None:
        """The message begins; comes once, before anything else."""

    def open_block(self, index: int, block: dict[str, Any]) -> None:
        """A block begins as `block`, which has all fields that its type requires."""

    def add(self, index: int, delta: Delta, piece: str) -> None:
        """More of the open block."""

    def close_block(self, index: int) -> None:
        """The open block is whole."""

    def finish(self, ending: Ending) -> None:
        """The message is whole; comes once, after everything else."""


class BlockWriter:
    """Turns reply events into the calls of a `BlockSink`; how the events are batched changes nothing."""

    __slots__ = ("_sink", "_usage", "calls", "finished", "growing", "index", "searches")

    def __init__(self, sink: BlockSink) -> None:
        self._sink = sink
        self._usage = Usage()
        self.index = -1
        """Index of the newest block, -1 before the first."""
        self.growing: Delta | None = None
        """What the open block grows by; None while no block is open."""
        self.calls = 0
        """Tool calls whose blocks are closed."""
        self.searches = 0
        self.finished = False

    def write(self, events: Iterable[ReplyEvent]) -> None:
        """Tell the sink about `events`; whatever comes after `Finished` is ignored."""
        writers = self._WRITERS
        for event in events:
            if self.finished:
                return
            writers[type(event)](self, event)

    def _text(self, event: TextDelta) -> None:
        if text := event.text:
            if self.growing is not TEXT:
                self._open({"type": "text", "text": ""}, TEXT)
            self._sink.add(self.index, TEXT, text)

    def _thinking(self, event: ThinkingDelta) -> None:
        if text := event.text:
            if self.growing is not THINKING:
                self._open({"type": "thinking", "thinking": "", "signature": ""}, THINKING)
            self._sink.add(self.index, THINKING, text)

    def _signed(self, event: ThinkingSigned) -> None:
        # A signature without words is how a model that keeps its thinking to itself signs it.
        if self.growing is not THINKING and event.signature:
            self._open({"type": "thinking", "thinking": "", "signature": ""}, THINKING)
        if self.growing is THINKING:
            self._sink.add(self.index, SIGNATURE, event.signature or UNSIGNED)
            self._close()

    def _redacted(self, event: ThinkingRedacted) -> None:
        self._whole({"type": "redacted_thinking", "data": event.data})

    def _tool_call(self, event: ToolCall) -> None:
        block = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
        self._whole(block, event.input_json)
        self.calls += 1

    def _search(self, event: WebSearchCall) -> None:
        block = {"type": "server_tool_use", "id": event.id, "name": "web_search", "input": {}}
        self._whole(block, f'{{"query":{quoted(event.query)}}}')

    def _found(self, event: WebSearchFound) -> None:
        self._whole(
            {
                "type": "web_search_tool_result",
                "tool_use_id": event.id,
                "content": (
                    {"type": "web_search_tool_result_error", "error_code": event.error}
                    if event.error
                    else [_search_result(page) for page in event.pages]
                ),
            }
        )
        self.searches += not event.error  # Anthropic charges no others, and some were never made

    def _note_usage(self, event: Usage) -> None:
        self._usage = event

    def _finish(self, event: Finished) -> None:
        self._end_block()
        if self.index < 0:
            self._sink.start()
        reason = _stop_reason(event.reason, self.calls)
        sequence = event.stop_sequence if reason is StopReason.STOP_SEQUENCE else None
        self.finished = True
        self._sink.finish(Ending(reason, sequence, self._usage, self.searches))

    def _whole(self, block: dict[str, Any], input_json: str | None = None) -> None:
        """A block that is whole at once. A call's input is streamed even so: clients ignore the one in the start event."""
        self._open(block, INPUT)
        if input_json is not None:
            self._sink.add(self.index, INPUT, "")
            for begin in range(0, len(input_json), PIECE):
                self._sink.add(self.index, INPUT, input_json[begin : begin + PIECE])
        self._close()

    def _open(self, block: dict[str, Any], growing: Delta) -> None:
        self._end_block()
        if self.index < 0:
            self._sink.start()
        self.index += 1
        self.growing = growing
        self._sink.open_block(self.index, block)

    def _end_block(self) -> None:
        if self.growing is THINKING:
            self._sink.add(self.index, SIGNATURE, UNSIGNED)
        if self.growing is not None:
            self._close()

    def _close(self) -> None:
        self._sink.close_block(self.index)
        self.growing = None

    _WRITERS: ClassVar[Mapping[type[ReplyEvent], Callable[["BlockWriter", Any], None]]] = {
        TextDelta: _text,
        ThinkingDelta: _thinking,
        ThinkingSigned: _signed,
        ThinkingRedacted: _redacted,
        ToolCall: _tool_call,
        WebSearchCall: _search,
        WebSearchFound: _found,
        Usage: _note_usage,
        Finished: _finish,
    }


def _stop_reason(said: StopReason, calls: int) -> StopReason:
    """The stop reason that fits the blocks really sent: clients fail on `tool_use` without a call.

    Source: docs/wire.md, "Stop reasons".
    """
    if calls and said in _YIELDS_TO_CALLS:
        return StopReason.TOOL_USE
    if said is StopReason.TOOL_USE and not calls:
        return StopReason.END_TURN
    return said


def _search_result(page: WebPage) -> dict[str, Any]:
    # `encrypted_content` is opaque to clients, who give it back; ours is the snippet, so that we can read it then.
    return {
        "type": "web_search_result",
        "title": page.title,
        "url": page.url,
        "encrypted_content": page.snippet,
        "page_age": page.page_age,
    }

"""Anthropic's event stream: reply events in, the bytes of server-sent events out.

Every frame has an `event:` line, without which Claude Code ignores the stream. Text goes through a template and a
string escape: a dump of a dict costs ten times as much, for every few words of an answer.
"""

from collections.abc import Iterable
from typing import Any

from kiro_trio.conversation.reply import Finished, ReplyEvent, Usage
from kiro_trio.dialects.anthropic.blocks import TEXT, THINKING, BlockWriter, Delta, Ending
from kiro_trio.dialects.anthropic.json_text import compact, quoted
from kiro_trio.dialects.anthropic.usage import final_usage, kiro_usage

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
"""The frame that says "still here" where no block can."""


class MessageStream:
    """A message as a stream of events, handed out as it is said.

    Give it the reply events of one attempt in any batches; `input_tokens` is the estimate for `message_start`. After the
    end, which is either `Finished` or `error()`, every method returns b"".
    """

    __slots__ = ("_failed", "_frames", "_writer")

    def __init__(self, message_id: str, model: str, input_tokens: int) -> None:
        self._frames = _Frames(message_id, model, input_tokens)
        self._writer = BlockWriter(self._frames)
        self._failed = False

    @property
    def closed_tool(self) -> bool:
        """Whether a tool call was handed out whole: the client runs it at once, so nothing may be said anew."""
        return self._writer.calls > 0

    def translate(self, events: Iterable[ReplyEvent]) -> bytes:
        """The frames for `events`; b"" as long as none of them says anything."""
        if self._failed:
            return b""
        self._writer.write(events)
        return self._frames.take()

    def keepalive(self) -> bytes:
        """A frame that says nothing: an empty delta of the open block, for some clients do not count pings; else a ping."""
        if self._failed or self._writer.finished:
            return b""
        if self._writer.growing in (TEXT, THINKING):
            self._frames.add(self._writer.index, self._writer.growing, "")
            return self._frames.take()
        return PING

    def error(self, error_type: str, message: str) -> bytes:
        """The `error` event, after which there is nothing more, and above all no `message_stop`."""
        if self._failed or self._writer.finished:
            return b""
        self._failed = True
        return _error_frame(error_type, message)

    def result(self) -> bytes:
        """The rest of a whole reply: b"", for everything was handed out when it was said."""
        return b""


class HeldStream:
    """A message as a stream of events, handed out at its end, so that `message_start` has the true `input_tokens`.

    Only pings pass before. It keeps every event until then, and has the same methods as `MessageStream`.
    """

    __slots__ = ("_estimate", "_held", "_message_id", "_model", "_over", "closed_tool")

    def __init__(self, message_id: str, model: str, input_tokens: int) -> None:
        self._message_id = message_id
        self._model = model
        self._estimate = input_tokens
        self._held: list[ReplyEvent] = []
        self._over = False
        self.closed_tool = False
        """Whether a tool call was handed out whole."""

    def translate(self, events: Iterable[ReplyEvent]) -> bytes:
        """b"" until `Finished` is among the events, then all frames at once."""
        if self._over:
            return b""
        for event in events:
            self._held.append(event)
            if isinstance(event, Finished):
                return self._release()
        return b""

    def keepalive(self) -> bytes:
        """A ping."""
        return b"" if self._over else PING

    def error(self, error_type: str, message: str) -> bytes:
        """The `error` event instead of everything that was held."""
        if self._over:
            return b""
        self._over = True
        self._held.clear()
        return _error_frame(error_type, message)

    def result(self) -> bytes:
        """The rest of a whole reply: b"", for it went out with `Finished`."""
        return b""

    def _release(self) -> bytes:
        self._over = True
        measured = [event.input_tokens for event in self._held if isinstance(event, Usage)][-1:]
        known = [count for count in measured if count is not None]
        stream = MessageStream(self._message_id, self._model, known[0] if known else self._estimate)
        frames = stream.translate(self._held)
        self.closed_tool = stream.closed_tool
        self._held.clear()
        return frames


class _Frames:
    """Writes down a message as frames of an event stream."""

    __slots__ = ("_growing", "_head", "_input_tokens", "_message_id", "_model", "_waiting")

    def __init__(self, message_id: str, model: str, input_tokens: int) -> None:
        self._message_id = message_id
        self._model = model
        self._input_tokens = input_tokens
        self._waiting: list[str] = []
        self._growing: tuple[int, Delta] | None = None
        self._head = ""

    def take(self) -> bytes:
        """All frames since the last time."""
        frames = "".join(self._waiting).encode("ascii")
        self._waiting.clear()
        return frames

    def start(self) -> None:
        message: dict[str, Any] = {
            "id": self._message_id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": self._input_tokens, "output_tokens": 0},
        }
        self._waiting.append(_frame({"type": "message_start", "message": message}))

    def open_block(self, index: int, block: dict[str, Any]) -> None:
        self._waiting.append(_frame({"type": "content_block_start", "index": index, "content_block": block}))

    def add(self, index: int, delta: Delta, piece: str) -> None:
        if (index, delta) != self._growing:
            self._growing = (index, delta)
            self._head = (
                f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{index},'
                f'"delta":{{"type":"{delta.type}","{delta.field}":'
            )
        self._waiting.append(f"{self._head}{quoted(piece)}}}}}\n\n")

    def close_block(self, index: int) -> None:
        self._waiting.append(_frame({"type": "content_block_stop", "index": index}))

    def finish(self, ending: Ending) -> None:
        event: dict[str, Any] = {
            "type": "message_delta",
            "delta": {"stop_reason": ending.stop_reason.value, "stop_sequence": ending.stop_sequence},
            "usage": final_usage(ending, self._input_tokens),
        }
        if kiro := kiro_usage(ending.usage):
            event["kiro"] = kiro
        self._waiting += (_frame(event), _frame({"type": "message_stop"}))


def _frame(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {compact(event)}\n\n"


def _error_frame(error_type: str, message: str) -> bytes:
    error = {"type": error_type, "message": message}
    return _frame({"type": "error", "error": error}).encode("ascii")

"""Anthropic's answer as one JSON message: what the event stream says, folded by the same state machine."""

from collections.abc import Iterable
from typing import Any

from kiro_trio.conversation.reply import ReplyEvent
from kiro_trio.dialects.anthropic.blocks import INPUT, BlockWriter, Delta, Ending
from kiro_trio.dialects.anthropic.json_text import compact, json_object, quoted
from kiro_trio.dialects.anthropic.usage import final_usage, kiro_usage


class MessageFold:
    """A message as one JSON body, ready when `Finished` has come. It has the same methods as a `MessageStream`.

    Nothing of it reaches the client before, so an answer that broke off is the caller's to make: an HTTP error.
    """

    __slots__ = ("_estimate", "_message_id", "_model", "_page", "_writer")

    def __init__(self, message_id: str, model: str, input_tokens: int) -> None:
        self._message_id = message_id
        self._model = model
        self._estimate = input_tokens
        self._page = _Page()
        self._writer = BlockWriter(self._page)

    @property
    def closed_tool(self) -> bool:
        """False: the client has no tool call before it has the message."""
        return False

    def translate(self, events: Iterable[ReplyEvent]) -> bytes:
        """Take note of `events`; always b""."""
        self._writer.write(events)
        return b""

    def keepalive(self) -> bytes:
        """Always b"": there is no way to say "still here" in the middle of a JSON body."""
        return b""

    def error(self, error_type: str, message: str) -> bytes:  # noqa: ARG002 - as in MessageStream
        """Always b"": the caller answers with the HTTP status of the error."""
        return b""

    def result(self) -> bytes:
        """The JSON message. Raises RuntimeError if the reply is not whole."""
        ending = self._page.ending
        if ending is None:
            raise RuntimeError("the reply is not whole")
        members = {
            "id": quoted(self._message_id),
            "type": '"message"',
            "role": '"assistant"',
            "model": quoted(self._model),
            "content": f"[{','.join(self._page.blocks)}]",
            "stop_reason": quoted(ending.stop_reason.value),
            "stop_sequence": compact(ending.stop_sequence),
            "usage": compact(final_usage(ending, self._estimate)),
        }
        if kiro := kiro_usage(ending.usage):
            members["kiro"] = compact(kiro)
        # A tool's input may hold any character; half of a surrogate pair has no UTF-8, but a JSON escape.
        return json_object(members).encode("utf-8", "backslashreplace")


class _Page:
    """Writes down a message as the JSON text of its blocks."""

    __slots__ = ("_added", "_block", "blocks", "ending")

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.ending: Ending | None = None
        self._block: dict[str, Any] = {}
        self._added: dict[Delta, list[str]] = {}

    def start(self) -> None:
        """Nothing is written before the first block."""

    def open_block(self, index: int, block: dict[str, Any]) -> None:  # noqa: ARG002 - blocks come in their order
        self._block = block
        self._added = {}

    def add(self, index: int, delta: Delta, piece: str) -> None:  # noqa: ARG002
        self._added.setdefault(delta, []).append(piece)

    def close_block(self, index: int) -> None:  # noqa: ARG002
        members = {name: compact(value) for name, value in self._block.items()}
        for delta, pieces in self._added.items():
            whole = "".join(pieces)
            if delta is INPUT:
                # The text that the model wrote, not a dump of what it means: no digit of a long number is lost.
                members["input"] = whole or "{}"
            else:
                members[delta.field] = quoted(whole)
        self.blocks.append(json_object(members))

    def finish(self, ending: Ending) -> None:
        self.ending = ending

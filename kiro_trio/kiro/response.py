"""From the messages of Kiro's event stream to reply events.

`ReplyReader` is the whole of it: `events` reads the payloads, `speech` tells thinking from answer and ends an answer
where the client wants it to end, `tool_calls` puts calls together, `order` keeps the order, `endings` says why a reply ended and what it cost,
`faults` why it broke. Source: docs/wire.md, "Event types".
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from kiro_trio.conversation.characters import WholeCharacters
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.reply import ReplyEvent, ThinkingDelta, ThinkingRedacted, ThinkingSigned
from kiro_trio.kiro.endings import CONTENT_LENGTH, Evidence, Said
from kiro_trio.kiro.events import (
    ERRORS,
    EVENTS,
    IGNORED,
    TEXT_EVENT,
    UNREADABLE,
    ContextUsage,
    Metadata,
    Metering,
    Metrics,
    Reasoning,
    ToolUse,
    UndecodablePayload,
    Words,
    count_name,
    decode_event,
    decode_words,
    word,
)
from kiro_trio.kiro.faults import classify_exception, exception_name
from kiro_trio.kiro.order import Order, OriginalNames
from kiro_trio.kiro.speech import Speech
from kiro_trio.kiro.tool_calls import MOST_CHARACTERS, CallAssembly, CallState
from kiro_trio.wire import Message, StreamTruncated, WireError

MOST_SAID = 64 * 2**20
"""Characters that a reply may have, words and thoughts. No model says so much; this only bounds what is held of it."""


class ReplyReader:
    """Reads one reply, strict about wholeness and lenient about form.

        reader = ReplyReader(...)
        events = reader.read(messages)  # for each read of the socket; then look at `failure`
        events = reader.close()  # at the clean end of the body

    Deltas of one `read` that follow each other come as one. A tool call is held until its input is a complete JSON
    object, and whatever was said behind it waits for it, so the order is the model's. A call that stays incomplete is
    never handed out: unless Kiro says that the output was cut short, or the call is so long that it must have been, it is
    the failure of the whole reply.

    `max_tokens` is a ceiling for answer and calls together, half as much again as the client wrote, for our count is an
    estimate. Thinking does not count: cutting there would leave nothing to show. A call that has begun may end, but when
    nothing fits any more, neither a call nor thinking begins.

    Args:
        model_id: Kiro's name of the model that was asked.
        window: The model's context window in tokens, or 0 if it is not known.
        tool_names: The way back to the client's tool names.
        thinking_tags: Whether the model was asked to write its thinking between tags; if not, tags are text.
        max_tokens: The client's limit.
        stop_sequences: Where the client wants the answer to end.
        bare_json: Whether the answer was asked for as JSON and nothing else: a code fence round it goes.

    Attributes:
        failure: Why the reply is not whole; once set, there is nothing more to read.
        unknown: How often something came that we do not know, by name: events, `event.field`s, stop reasons.
        answered_by: The model that speaks: the one that was asked, until Kiro says another (as it does for `auto`).
    """

    def __init__(  # noqa: PLR0913 - as many as there are things to know of the request
        self,
        *,
        model_id: str,
        window: int,
        tool_names: OriginalNames,
        thinking_tags: bool,
        max_tokens: int | None = None,
        stop_sequences: tuple[str, ...] = (),
        bare_json: bool = False,
    ) -> None:
        self.failure: Failure | None = None
        self.unknown: Counter[str] = Counter()
        self.answered_by = model_id
        self._window = window
        self._speech = Speech(
            thinking_tags=thinking_tags,
            max_tokens=max_tokens,
            stop_sequences=stop_sequences,
            bare_json=bare_json,
        )
        self._thoughts = WholeCharacters()
        self._calls = CallAssembly()
        self._order = Order(tool_names)
        self._said = 0
        self._evidence = Evidence()
        self._closed = False

    @property
    def saw_ending(self) -> bool:
        """Whether one of Kiro's closing events has come: usage, metering or a stop reason."""
        return self._evidence.ending_seen

    @property
    def within_long_call(self) -> bool:
        """Whether what came last is a long tool call that is not whole: Kiro cuts those off, and says nothing more."""
        last = self._order.last_call
        return last is not None and last.cut_off

    @property
    def cut(self) -> bool:
        """Whether we have ended the reply, by a stop sequence or the ceiling: what still comes is figures at most.

        Whoever does not want to wait for those may `close` now and drop the connection.
        """
        return self._speech.end is not None and not self._order.waiting

    def read(self, messages: Iterable[Message]) -> list[ReplyEvent]:
        """Read what came and give what is decided. Never raises for anything that Kiro sends.

        A `WireError` of the iterable is the end of the stream, in place: a failure like others. When `failure` is set
        afterwards, the events are what was said before it.
        """
        if self.failure is not None or self._closed:
            return []
        try:
            self._read(messages)
        except WireError as damage:
            fault = Fault.TRUNCATED_STREAM if isinstance(damage, StreamTruncated) else Fault.CORRUPT_STREAM
            self.failure = Failure(fault, str(damage))
        return self._order.take()

    def close(self) -> list[ReplyEvent]:
        """End the reply at the clean end of the body: the last words, `Usage` and `Finished`; or [] and a `failure`.

        What broke after we had ended the reply ourselves (`cut`) is no failure any more.
        """
        if self._closed:
            return []
        if self.cut:
            self.failure = None
        if self.failure is not None:
            return []
        self._closed = True
        self._pause()
        if self._speech.lacks_json:
            count_name(self.unknown, "an answer that is not the JSON that was asked for")
        self._order.settle()
        too_long = self.within_long_call
        lost = self._order.forget_incomplete()
        said = Said(
            text=self._speech.said_text,
            calls=bool(self._order.calls),
            thinking=self._speech.said_thinking,
            incomplete=lost[0].problem if lost else "",
            too_long=too_long and len(lost) == 1,
            end=self._speech.end,
        )
        outcome = self._evidence.conclude(said, window=self._window)
        if isinstance(outcome, Failure):
            self.failure = outcome
            return []
        usage = self._evidence.usage(window=self._window, estimated_output=self._speech.tokens)
        return [*self._order.take(), usage, outcome]

    def _read(self, messages: Iterable[Message]) -> None:
        words: list[str] = []
        event: Words | None = None
        try:
            for message in messages:
                headers = message.headers
                if headers.get(":event-type") == TEXT_EVENT and headers.get(":message-type") == "event":
                    try:
                        event = decode_words(message.payload)
                    except UNREADABLE:
                        pass  # the long way says what is wrong
                    else:
                        if piece := event.content:
                            words.append(piece)
                        continue
                if words:
                    self._say("".join(words))
                    words = []
                self._take(message)
                if self.failure is not None:
                    return
        finally:  # also before the stream breaks
            if words:
                self._say("".join(words))
            if event is not None and event.modelId:
                self.answered_by = event.modelId

    def _take(self, message: Message) -> None:
        """Take in a message of any kind."""
        headers, payload = message.headers, message.payload
        kind = headers.get(":event-type")
        form = headers.get(":message-type", "event")
        if form == "exception":
            self._break_off(_text(headers.get(":exception-type")), payload)
        elif form == "error":
            words = msgspec.json.encode({"message": _text(headers.get(":error-message"))})
            self._break_off(_text(headers.get(":error-code")), words)
        elif form != "event" or not isinstance(kind, str):
            count_name(self.unknown, f"message {word(form)} {word(kind)}")
        elif kind in EVENTS:
            try:
                event = decode_event(kind, payload, self.unknown)
                _HANDLERS[type(event)](self, event)
            except UndecodablePayload as error:
                self.failure = Failure(Fault.CORRUPT_STREAM, str(error))
        elif kind in ERRORS:
            self._break_off(kind, payload)
        elif kind not in IGNORED:
            count_name(self.unknown, word(kind))

    def _break_off(self, name: str, payload: bytes) -> None:
        """Take in an exception: mostly the end of the reply, unless it only says that the output was too long."""
        spoken = self._speech.tokens or self._order.waiting or self._order.calls
        if spoken and exception_name(name, payload) == "ContentLengthExceeded":
            self._evidence.stop_reasons.add(CONTENT_LENGTH)
            self._evidence.ending_seen = True
        else:
            self.failure = classify_exception(name, payload)

    def _take_words(self, event: Words) -> None:
        self.answered_by = event.modelId or self.answered_by
        if event.content:
            self._say(event.content)

    def _take_reasoning(self, event: Reasoning) -> None:
        if not self._speech.goes_on():
            return
        self._pause_speech()
        nested = event.reasoningText
        if text := event.text or (nested and nested.text):
            self._count(text)
            self._think(self._thoughts.feed(text))
        if signature := event.signature or (nested and nested.signature):
            self._leave_thought()
            self._order.put(ThinkingSigned(signature))
        if event.redactedContent:
            self._count(event.redactedContent)
            self._leave_thought()
            self._order.put(ThinkingRedacted(event.redactedContent))

    def _take_tool_use(self, event: ToolUse) -> None:
        call = self._calls.find(event)
        if call is None:
            self._pause()
            if not self._speech.goes_on():  # what begins behind the end was never said
                return
            self._order.settle()
            call = self._calls.begin()
            self._order.begin(call)
        was_whole = call.state is CallState.WHOLE
        self._speech.count_call(self._calls.take(call, event))
        self._order.touch(call)
        if self._calls.size > MOST_CHARACTERS:
            self.failure = Failure(Fault.MALFORMED_OUTPUT, f"over {MOST_CHARACTERS} characters of tool input")
        elif was_whole and call.state is CallState.BROKEN:
            self.failure = Failure(Fault.MALFORMED_OUTPUT, f"a tool call {call.problem}")
        else:
            self._order.advance()

    def _take_evidence(self, event: ContextUsage | Metering | Metadata | Metrics) -> None:
        self._evidence.take(event, self.unknown)

    def _say(self, text: str) -> None:
        self._count(text)
        self._leave_thought()
        if self._order.waiting:
            self._order.settle()
        for span in self._speech.hear(text):
            self._order.put(span)

    def _count(self, text: str) -> None:
        self._said += len(text)
        if self._said > MOST_SAID:
            self.failure = Failure(Fault.MALFORMED_OUTPUT, f"over {MOST_SAID} characters")

    def _think(self, text: str) -> None:
        if text:
            self._speech.count_thinking(text)
            self._order.put(ThinkingDelta(text))

    def _leave_thought(self) -> None:
        self._think(self._thoughts.end())

    def _pause(self) -> None:
        self._leave_thought()
        self._pause_speech()

    def _pause_speech(self) -> None:
        for span in self._speech.pause():
            self._order.put(span)


_HANDLERS: dict[type, Callable[[ReplyReader, Any], None]] = {
    Words: ReplyReader._take_words,  # noqa: SLF001
    Reasoning: ReplyReader._take_reasoning,  # noqa: SLF001
    ToolUse: ReplyReader._take_tool_use,  # noqa: SLF001
    **dict.fromkeys((ContextUsage, Metering, Metadata, Metrics), ReplyReader._take_evidence),  # noqa: SLF001
}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

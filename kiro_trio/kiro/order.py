"""The order of what was said: whatever comes behind a tool call waits until the call is whole."""

from collections import deque
from itertools import groupby
from typing import Protocol

from kiro_trio.conversation.reply import ReplyEvent, TextDelta, ThinkingDelta, ToolCall
from kiro_trio.kiro.tool_calls import CallState, PendingCall


class OriginalNames(Protocol):
    """The way back from the tool names that Kiro was told."""

    def original(self, short: str, /) -> str:
        """The client's name for what Kiro calls `short`; never raises."""
        ...


class Order:
    """Events in the order in which they were said, a call counting from its first piece.

    Attributes:
        ready: What can be given out.
        calls: The calls among what was ever ready.
    """

    __slots__ = ("_names", "_touched", "_waiting", "calls", "ready")

    def __init__(self, names: OriginalNames) -> None:
        self.ready: list[ReplyEvent] = []
        self.calls: list[ToolCall] = []
        self._names = names
        self._waiting: deque[ReplyEvent | PendingCall] = deque()  # begins with a call that is not whole
        self._touched: set[PendingCall] = set()

    @property
    def waiting(self) -> bool:
        """Whether there is a call that is not whole."""
        return bool(self._waiting)

    @property
    def last_call(self) -> PendingCall | None:
        """The call that was begun last, if nothing was said behind it and not all of them are whole."""
        last = self._waiting[-1] if self._waiting else None
        return last if isinstance(last, PendingCall) else None

    def put(self, event: ReplyEvent) -> None:
        """Add what was said."""
        if self._waiting:
            self._waiting.append(event)
        else:
            self.ready.append(event)

    def begin(self, call: PendingCall) -> None:
        """Add a call of which nothing is known yet."""
        self._waiting.append(call)

    def touch(self, call: PendingCall) -> None:
        """Note that there is more of a call: `settle` looks at no others, for there may be very many."""
        self._touched.add(call)

    def settle(self) -> None:
        """Let calls become whole that never get a `stop`: something else is said now, or nothing any more."""
        for call in self._touched:
            call.settle()
        self._touched.clear()
        self.advance()

    def advance(self) -> None:
        """Move everything up to the first call that is not whole to what is ready."""
        waiting = self._waiting
        while waiting:
            head = waiting[0]
            if isinstance(head, PendingCall):
                if head.state is not CallState.WHOLE:
                    return
                head = ToolCall(head.id, self._names.original(head.name), head.input_json)
                self.calls.append(head)
            self.ready.append(head)
            waiting.popleft()

    def forget_incomplete(self) -> list[PendingCall]:
        """Take out the calls that are not whole, for they will never be, and move on; returns them in order."""
        calls = (item for item in self._waiting if isinstance(item, PendingCall))
        lost = [call for call in calls if call.state is not CallState.WHOLE]
        gone = set(lost)
        self._waiting = deque(item for item in self._waiting if item not in gone)
        self.advance()
        return lost

    def take(self) -> list[ReplyEvent]:
        """Give out what is ready; deltas of one kind that follow each other as one.

        Each event costs its translation and its frame, and these would be written in one go anyhow.
        """
        ready, self.ready = self.ready, []
        if len(ready) < 2:  # noqa: PLR2004
            return ready
        joined: list[ReplyEvent] = []
        for kind, run in groupby(ready, type):
            if kind is TextDelta:
                joined.append(TextDelta("".join(delta.text for delta in run if isinstance(delta, TextDelta))))
            elif kind is ThinkingDelta:
                joined.append(
                    ThinkingDelta("".join(delta.text for delta in run if isinstance(delta, ThinkingDelta)))
                )
            else:
                joined.extend(run)
        return joined

"""A tool call is passed on only with the whole input that the model wrote, and never twice, however its pieces come.

Calls in pieces, some of them between each other's, some without an end, some cut inside their input. Every call that comes out
has exactly its input; a cut one never comes out, and without a sign that Kiro cut it, it makes the reply a failure.
"""

import json
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from hypothesis import strategies as st

from fuzz.strategies import json_values, pieces
from kiro_trio.conversation.faults import Fault
from kiro_trio.conversation.reply import ToolCall
from tests.kiro.replies import read, stop, text, tool


@dataclass(frozen=True)
class Made:
    """A call: its input, how much of it arrives (None: all), where that is cut, and whether the end is said."""

    input: dict[str, Any]
    arrives: int | None
    cuts: list[int]
    stop: bool

    @property
    def written(self) -> str:
        return json.dumps(self.input)

    @property
    def sent(self) -> str:
        """At least its first character: a call without any input is whole."""
        return self.written[: None if self.arrives is None else 1 + self.arrives % (len(self.written) - 1)]

    @property
    def whole(self) -> bool:
        return self.sent == self.written


BOUNDED = 150
EXAMPLES = st.tuples(
    st.lists(
        st.builds(
            Made,
            json_values.objects().filter(bool),
            st.none() | st.none() | st.integers(1, 200),
            pieces.cuts,
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
    st.sampled_from([None, "END_TURN", "TOOL_USE", "MAX_TOKENS"]),
)


def check(example: tuple[list[Made], bool, str | None]) -> None:
    calls, between, reason = example
    messages = [text("Well."), *_sent(calls, between=between), *([stop(reason)] if reason else [])]
    events, reading = read(messages)
    heard = [event for event in events if isinstance(event, ToolCall)]
    assert len({call.id for call in heard}) == len(heard)
    made = {f"t{number}": call for number, call in enumerate(calls)}
    for call in heard:
        assert json.loads(call.input_json) == made[call.id].input
        assert made[call.id].whole
    broken = [call for call in calls if not call.whole]
    if not broken:
        assert reading.failure is None
        assert len(heard) == len(calls)
    elif reason != "MAX_TOKENS" or any(call.stop for call in broken):
        assert reading.failure is None or reading.failure.fault in _BROKEN
        assert reading.failure is not None or reason == "MAX_TOKENS"


_BROKEN = {Fault.TOOL_CALL_INCOMPLETE, Fault.MALFORMED_OUTPUT}


def _sent(calls: list[Made], *, between: bool) -> list:
    """All pieces of one call after another, or one piece of each in turn."""
    streams = [_pieces(f"t{number}", call) for number, call in enumerate(calls)]
    if not between:
        return [message for stream in streams for message in stream]
    return [message for row in zip_longest(*streams) for message in row if message is not None]


def _pieces(identity: str, call: Made) -> list:
    messages = [tool(identity), *(tool(identity, input=piece) for piece in pieces.cut(call.sent, call.cuts))]
    return messages + ([tool(identity, stop=True)] if call.stop else [])

"""Upstream scripts: what Kiro says and how it fails, by reply events and by the wire."""

from hypothesis import strategies as st

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.reply import Finished, StopReason, TextDelta, ThinkingDelta, ToolCall, Usage
from kiro_trio.simulator import script as wire
from kiro_trio.simulator.script import Reply
from tests.session.scripted import Pause, Say, Script

DONE = [Usage(input_tokens=5, output_tokens=2, measured=True), Finished(StopReason.END_TURN)]

# What a session hears of an attempt

# Few, so that things happen at the same time.
moments = st.sampled_from((0, 0, 1, 2, 5, 12, 25, 60)) | st.floats(0, 60)

_WORDS = st.text("abc xyz", min_size=1, max_size=8)
_EVENTS = st.one_of(
    st.builds(TextDelta, _WORDS),
    st.builds(ThinkingDelta, _WORDS),
    st.builds(ToolCall, st.uuids().map(str), st.just("Bash"), st.just('{"command":"ls"}')),
)
_STEPS = st.lists(
    st.one_of(st.builds(Say, st.lists(_EVENTS, min_size=1, max_size=4)), st.builds(Pause, moments)),
    max_size=6,
)
_FAULTS = st.sampled_from(Fault) | st.sampled_from(
    (Fault.CONNECTION_LOST, Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.THROTTLED, Fault.TOKEN_REFUSED)
)
_FAILING = st.builds(Script, _STEPS, st.builds(Failure, _FAULTS, retry_after=st.none() | st.floats(0, 90)))
_LASTING = st.builds(
    lambda steps, after: Script([*steps, Say([TextDelta("end"), *DONE]), *after]),
    _STEPS,
    st.lists(st.builds(Pause, moments), max_size=1),
)


@st.composite
def attempts(draw) -> list[Script]:
    """What one attempt after another does; every attempt's words carry its number, so that mixed words would show."""
    scripts = draw(st.lists(st.one_of(_FAILING, _FAILING, _LASTING), min_size=1, max_size=6))
    for number, script in enumerate(scripts):
        for step in script.steps:
            if isinstance(step, Say):
                step.events = [
                    TextDelta(f"<{number}>") if isinstance(event, TextDelta) else event
                    for event in step.events
                ]
    return scripts


# What the simulator puts on the wire

_TEXTS = st.text("abc <>\n", min_size=1, max_size=12)
_SAID = st.lists(
    st.one_of(
        st.builds(wire.Say, _TEXTS, piece=st.integers(0, 4)),
        st.builds(wire.Say, _TEXTS),
        st.builds(wire.Think, _TEXTS, signature=st.sampled_from(["", "c2ln"])),
        st.builds(wire.CallTool, st.just("Bash"), st.just({"command": "ls"}), piece=st.integers(0, 5)),
        st.builds(
            wire.CallTool,
            st.just("Bash"),
            st.sampled_from(['{"a', "", "{}", "[]", "nonsense"]),
            stop=st.booleans(),
        ),
        st.builds(wire.Pause, st.sampled_from([0.5, 12.0, 25.0, 400.0])),
        st.builds(
            wire.Throw, st.sampled_from(["ThrottlingException", "InternalServerException", "NewException"])
        ),
        st.builds(wire.Error, st.just("InternalError")),
        st.builds(
            wire.Event, st.sampled_from(["newEvent", "codeReferenceEvent", "toolUseEvent"]), st.just({"x": 1})
        ),
        st.builds(wire.Break, st.sampled_from(["reset", "close", "end"])),
    ),
    min_size=1,
    max_size=5,
)
_MISFORTUNES = st.lists(
    st.one_of(
        st.builds(wire.Corrupt, st.integers(0, 4), st.integers(0, 60), st.integers(0, 7)),
        st.builds(wire.Cut, st.integers(0, 700), st.sampled_from(["reset", "close", "end"])),
        st.builds(wire.Stall, st.none() | st.integers(0, 300), st.sampled_from([None, 15.0])),
        st.builds(wire.Trickle, st.integers(1, 50)),
        st.builds(
            wire.Framing,
            st.sampled_from(["chunked", "length", "close", "noend"]),
            st.sampled_from([0, 0, -3, 5]),
        ),
        st.builds(wire.Coalesce, st.integers(0, 3), st.integers(0, 3)),
        st.builds(wire.Extra, st.binary(min_size=1, max_size=20), st.booleans()),
        st.just(wire.HangUp()),
        st.just(wire.Garbage()),
    ),
    max_size=2,
).map(tuple)
_STATUSES = st.sampled_from([None, None, None, None, "throttled"])
replies = st.lists(
    st.builds(Reply, _SAID.map(tuple), _STATUSES, _MISFORTUNES, st.booleans()), min_size=1, max_size=3
)
"""What the simulator does to one request after another, down to single bytes."""

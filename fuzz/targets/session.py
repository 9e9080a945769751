"""Whatever befalls one attempt after another, the client has exactly one honest ending, and never 15 s of silence.

Whole if and only if the last attempt was, else an error: never `message_stop` after a loss, never words of two attempts, never more
attempts than allowed. A client that leaves, and a server that stops, leave nothing open. In virtual time.
"""

import json
from functools import partial
from itertools import pairwise

import trio
from hypothesis import strategies as st

from fuzz import virtual_time
from fuzz.strategies.upstream_scripts import attempts, moments
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.session.outbox import Outbox
from kiro_trio.session.plan import MAX_TRIES_PER_REQUEST, POLICIES
from kiro_trio.session.run import Outcome, Session
from tests.dialects import grammar
from tests.session.scripted import RecordingDoor, Script, ScriptedKiro, ScriptedLeases, Stage

BOUNDED = 250
EXAMPLES = st.tuples(
    attempts(),
    st.sampled_from((1, 2, 3, 9)),
    st.booleans(),
    st.sampled_from((1, 3, 0)),
    st.tuples(st.sampled_from(("stops", "leaves", "")), moments),
    virtual_time.orders,
)
"""What Kiro does, how many accounts there are, whether the client reads along, how slow it is, who ends it early, and when."""

_FOLD = partial(MessageFold, "msg_1", "claude-sonnet-4-5", 7)
_LONGEST_SILENCE = 15


_Example = tuple[list[Script], int, bool, float, tuple[str, float], int]


def check(example: _Example, session: type[Session] = Session, outbox: type[Outbox] = Outbox) -> None:
    scripts, accounts, live, delay, early, order = example
    stage = Stage(ScriptedKiro(scripts), ScriptedLeases(accounts), RecordingDoor(delay), live=live)
    stage.session_type, stage.outbox_type = session, outbox
    if not live:
        stage.translator = _FOLD
    virtual_time.run(_play, stage, early, order=order)
    outcome = stage.session.outcome
    assert not stage.leases.open
    assert outcome.bug is None
    assert len(stage.kiro.calls) <= MAX_TRIES_PER_REQUEST
    if stage.door.ended:
        _check_ending(stage.door, outcome, live=live)
    else:
        assert early[0] == "leaves"
        assert outcome.failure in (None, Failure(Fault.CLIENT_GONE))
        assert (outcome.failure is None) == (b"message_stop" in stage.door.body)


async def _play(stage: Stage, early: tuple[str, float]) -> None:
    stage.closing = trio.Event()
    what, when = early
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def interrupt() -> None:
                await trio.sleep(when)
                stage.closing.set() if what == "stops" else scope.cancel()

            if what:
                nursery.start_soon(interrupt)
            await stage.play()
            nursery.cancel_scope.cancel()


def _check_ending(door: RecordingDoor, outcome: Outcome, *, live: bool) -> None:
    assert door.ended == 1
    whole = outcome.failure is None
    if whole:
        assert outcome.attempts[-1].failure is None
    if not live or door.status != 200:
        assert (door.status == 200) == whole
        assert whole or door.status == POLICIES[outcome.failure.fault].status
        answer = json.loads(door.body)
        assert answer["type"] == ("message" if whole else "error")
        _check_words("".join(block.get("text", "") for block in answer.get("content", ())))
        return
    reading = grammar.read(door.body)
    assert reading.ending == ("whole" if whole else "error")
    _check_words(door.text())
    check_silence(door)


def _check_words(text: str) -> None:
    """All words are of one attempt: each carries its number."""
    assert len({word for word in text.replace("end", "").split(">") if word}) <= 1


def check_silence(door: RecordingDoor) -> None:
    """Once the answer has begun, the client hears something every few seconds."""
    times = [door.opened_at, *(at for at, _ in door.writes)]
    assert all(later - earlier <= _LONGEST_SILENCE for earlier, later in pairwise(times))

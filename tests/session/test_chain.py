"""What a client sees when Kiro misbehaves in any way that the simulator knows."""

import json
from itertools import accumulate

import pytest

from kiro_trio.conversation.faults import Fault
from kiro_trio.session.run import Patience
from kiro_trio.simulator.recording import stream_bytes
from kiro_trio.simulator.script import (
    Break,
    CallTool,
    Coalesce,
    Corrupt,
    Cut,
    Error,
    Event,
    Extra,
    Framing,
    Garbage,
    HangUp,
    Match,
    Pause,
    Reply,
    Rule,
    Say,
    Script,
    Stall,
    Think,
    Throw,
)
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.upstream.attempt import Limits
from tests.dialects.grammar import read
from tests.session.chain import Chain, reply, replying
from tests.session.scripted import ScriptedLeases

WORDS = "The quick brown fox"
WHOLE = reply(
    Think("Hmm, let me see.", signature="c2lnbmF0dXJl"),
    Say(WORDS, piece=10),
    CallTool("Bash", {"command": "ls -la"}, id="tooluse_1", piece=9),
)
FINE = reply(Say("All is well."))


def play(*replies: Reply, live: bool = True, **options) -> Chain:
    chain = Chain(replying(*replies), live=live, **options)
    chain.run()
    assert chain.door.ended == 1
    assert not chain.leases.open
    return chain


def check(chain: Chain, *wholes: str) -> None:
    """The answer is one of `wholes`, or an error; never a part of one with a clean end, never a mixture."""
    door = chain.door
    if door.status != 200:
        assert json.loads(door.body)["type"] == "error"
        return
    if not chain.live:
        message = json.loads(door.body)
        assert "".join(block.get("text", "") for block in message["content"]) in wholes
        return
    reading = read(door.body)
    names = door.names()
    assert names.count("message_stop") + names.count("error") == 1
    if names[-1] == "message_stop":
        assert door.text() in wholes
    else:
        assert any(whole.startswith(door.text()) for whole in wholes)
    assert reading is not None


@pytest.mark.parametrize("live", [True, False])
def test_a_whole_reply_arrives_whole(live: bool) -> None:
    chain = play(WHOLE, live=live)
    check(chain, WORDS)
    assert chain.outcome.failure is None


@pytest.mark.parametrize(
    ("how", "live", "step"),
    [("close", True, 1), ("reset", True, 11), ("end", True, 7), ("close", False, 19), ("end", False, 19)],
)
def test_a_body_cut_at_any_byte_never_ends_cleanly(how: str, live: bool, step: int) -> None:
    closers = play(WHOLE).closers
    size = sum(map(len, stream_bytes(WHOLE)))
    for at in range(0, size, step):
        cut = Reply(steps=WHOLE.steps, misfortunes=(Cut(at=at, how=how),))
        chain = play(cut, FINE, live=live, closers=closers)
        check(chain, WORDS, "All is well.")
        assert chain.outcome.attempts[0].failure is not None, f"cut at {at} of {size} went unseen"


def test_an_end_of_kiros_own_is_whole_only_behind_all_words() -> None:
    """At the edge of a frame the sender may end properly: before a closing event that is a loss, behind one only figures are."""
    closers = play(WHOLE).closers
    for at in [0, *accumulate(map(len, stream_bytes(WHOLE)))][:-1]:
        ended = Reply(steps=WHOLE.steps, misfortunes=(Cut(at=at, how="end"),))
        chain = play(ended, FINE, closers=closers)
        check(chain, WORDS, "All is well.")
        if chain.outcome.attempts[0].failure is None:
            assert chain.door.text() == WORDS
            assert b'"name":"Bash"' in b"".join(data for _, data in chain.door.writes)
            assert chain.door.names()[-1] == "message_stop"


@pytest.mark.parametrize("live", [True, False])
def test_a_long_call_that_kiro_cuts_off_is_not_asked_for_again(live: bool) -> None:
    """It ends without Kiro's closing events, although this account's replies have them."""
    closers = play(WHOLE).closers
    long = reply(Say("I write."), CallTool("Write", '{"content": "' + "x" * 9000, stop=False), bare=True)
    chain = play(long, FINE, live=live, closers=closers)
    assert len(chain.outcome.attempts) == 1
    assert chain.outcome.failure is None
    sent = b"".join(data for _, data in chain.door.writes)
    assert b'"stop_reason":"max_tokens"' in sent
    assert b"tool_use" not in sent


def test_an_answer_cut_at_any_byte_on_the_line_never_ends_cleanly() -> None:
    chain = play(WHOLE)
    size = 200 + sum(len(chunk) + 8 for chunk in stream_bytes(WHOLE))
    seen_whole = 0
    for at in range(0, size, 11):
        cut = Reply(steps=WHOLE.steps, misfortunes=(Cut(at=at, of="wire", how="close"),))
        chain = play(cut, FINE)
        check(chain, WORDS, "All is well.")
        seen_whole += chain.outcome.attempts[0].failure is None
    assert seen_whole <= size // 11 // 4  # only those behind the end


@pytest.mark.parametrize("live", [True, False])
def test_any_flipped_bit_is_found(live: bool) -> None:
    frames = stream_bytes(WHOLE)
    for number, frame in enumerate(frames):
        for byte in range(number % 5, len(frame), 29):
            bad = Reply(steps=WHOLE.steps, misfortunes=(Corrupt(frame=number, byte=byte, bit=byte % 8),))
            chain = play(bad, FINE, live=live)
            check(chain, WORDS, "All is well.")
            assert chain.outcome.attempts[0].failure.fault in {Fault.CORRUPT_STREAM, Fault.TRUNCATED_STREAM}


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (reply(status="throttled"), Fault.THROTTLED),
        (reply(Throw("ThrottlingException", "slow down")), Fault.THROTTLED),
        (reply(Throw("InternalServerException", "oops")), Fault.SERVER_ERROR),
        (reply(misfortunes=[Garbage()]), Fault.NOT_AN_EVENT_STREAM),
        (reply(Pause(0), bare=True), Fault.EMPTY_REPLY),
        (reply(CallTool("Bash", '{"command": "l', stop=False)), Fault.TOOL_CALL_INCOMPLETE),
        (reply(CallTool("Bash", '{"command": "l')), Fault.TOOL_CALL_INCOMPLETE),
        (reply(misfortunes=[Stall()]), Fault.FIRST_BYTE_TIMEOUT),
    ],
)
def test_trouble_before_the_first_words_is_unseen(bad: Reply, fault: Fault) -> None:
    chain = play(bad, FINE, limits=Limits(first_byte=60))
    check(chain, "All is well.")
    assert chain.outcome.failure is None
    assert chain.outcome.attempts[0].failure.fault is fault


@pytest.mark.parametrize(
    "bad",
    [
        reply(Say("Half a th"), Pause(1), Throw("InternalServerException", "oops")),
        reply(Say("Half a th"), Pause(1), Error("InternalError", "oops")),
        reply(Say("Half a th"), Break("reset")),
        reply(Say("Half a th"), Break("close")),
        reply(Say("Half a th"), Pause()),
        reply(Say("Half a th"), CallTool("Bash", '{"command": "l', stop=False)),
        reply(Say("Half a th"), misfortunes=[Extra(b"\x00\x00")]),
        reply(Say("Half a th"), misfortunes=[Framing("noend")]),
    ],
)
def test_trouble_after_the_first_words_is_one_error_event(bad: Reply) -> None:
    chain = play(bad, FINE)
    assert chain.door.names()[-1] == "error"
    assert chain.door.text() == "Half a th"
    assert len(chain.outcome.attempts) == 1


@pytest.mark.parametrize(
    "bad",
    [
        reply(misfortunes=[Cut(how="reset")]),
        reply(misfortunes=[Cut(how="close")]),
        reply(misfortunes=[Cut(at=20, how="close")]),
        reply(misfortunes=[Corrupt(0, 9, 3)]),
        reply(misfortunes=[Garbage()]),
        reply(misfortunes=[Stall()]),
        reply(Pause(0), bare=True),
        reply(CallTool("Bash", '{"comm', stop=False)),
        reply(CallTool("Bash", '{"comm', stop=False), misfortunes=[Framing("noend")], bare=True),
        reply(Throw("ThrottlingException", "slow down")),
        reply(Throw("InternalServerException", "oops")),
    ],
)
@pytest.mark.parametrize("live", [True, False])
def test_two_accounts_that_fail_before_the_first_words_are_unseen(bad: Reply, live: bool) -> None:
    rules = (Rule(Match(token="token-1"), bad), Rule(Match(token="token-2"), bad), Rule(Match(), FINE))
    chain = Chain(
        Simulator(script=Script(rules)),
        live=live,
        leases=ScriptedLeases(accounts=3),
        limits=Limits(first_byte=30),
    )
    chain.run()
    check(chain, "All is well.")
    assert chain.outcome.failure is None
    assert chain.outcome.attempts[-1].credential_id == 3


def test_words_that_came_together_with_the_failure_are_said_only_to_who_heard_the_beginning() -> None:
    together = [Say("Half a th"), Throw("InternalServerException", "oops")]
    chain = play(reply(*together, misfortunes=[Coalesce(0, 0)]), FINE)
    check(chain, "All is well.")
    assert chain.outcome.failure is None
    chain = play(reply(Say("To begin: "), Pause(1), *together, misfortunes=[Coalesce(0, 0)]), FINE)
    assert chain.door.text() == "To begin: Half a th"
    assert chain.door.names()[-1] == "error"


def test_a_body_that_only_the_close_ends_must_have_kiros_closing_events() -> None:
    chain = play(reply(Say("Half a th"), misfortunes=[Framing("close")], bare=True))
    assert chain.door.names()[-1] == "error"
    chain = play(reply(Say("All of it"), misfortunes=[Framing("close")]))
    assert chain.door.names()[-1] == "message_stop"


def test_a_connection_gone_stale_is_replaced_unnoticed() -> None:
    chain = play(reply(status="throttled", misfortunes=[HangUp()]), FINE)
    check(chain, "All is well.")
    assert [attempt.credential_id for attempt in chain.outcome.attempts] == [1, 2]


def test_unknown_events_are_passed_over() -> None:
    chain = play(reply(Event("somethingNewEvent", {"a": 1}), Say("All is well.")))
    check(chain, "All is well.")


def test_a_first_byte_that_never_comes_is_not_waited_for_beyond_the_limit() -> None:
    chain = play(reply(misfortunes=[Stall()]), limits=Limits(first_byte=30), patience=Patience(deadline=100))
    assert chain.door.names()[-1] == "error"
    assert [attempt.seconds for attempt in chain.outcome.attempts] == [30, 30]


def test_one_read_of_many_frames_is_one_write() -> None:
    chain = play(reply(Say([f"{number} " for number in range(200)]), misfortunes=[Coalesce(0, 0)]))
    assert len(chain.door.writes) <= 2
    assert chain.door.text() == "".join(f"{number} " for number in range(200))

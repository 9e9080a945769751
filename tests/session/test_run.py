import json
from functools import partial

import pytest
import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.reply import Finished, StopReason, TextDelta, ToolCall, Usage
from kiro_trio.credentials.standing import Penalty
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.session.run import Patience
from tests.session.scripted import Pause, Say, Script, ScriptedKiro, ScriptedLeases, ScriptedRequest, Stage

DONE = [Usage(input_tokens=5, output_tokens=2, measured=True), Finished(StopReason.END_TURN)]
WHOLE = Script([Say([TextDelta("Hello ")]), Say([TextDelta("world"), *DONE])])
FOLD = partial(MessageFold, "msg_1", "claude-sonnet-4-5", 7)


def fails(fault: Fault, *before: Say | Pause, **knowing) -> Script:
    return Script(list(before), Failure(fault, **knowing))


async def test_a_whole_reply_is_passed_on(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([WHOLE]))
    outcome = await stage.play()
    assert outcome.failure is None
    assert stage.door.status == 200
    assert stage.door.text() == "Hello world"
    assert stage.door.names()[-1] == "message_stop"
    assert stage.leases.settled == [(1, None, Penalty.NONE)]
    assert outcome.usage == DONE[0]


async def test_one_read_is_one_write(autojump_clock) -> None:
    reads = [[TextDelta(f"{n}.{i} ") for i in range(50)] for n in range(4)]
    stage = Stage(ScriptedKiro([Script([*map(Say, reads), Say(DONE)])]))
    await stage.play()
    assert len(stage.door.writes) == len(reads) + 1


async def test_failing_over_before_content_is_unseen(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.THROTTLED), fails(Fault.SUSPENDED), WHOLE]))
    outcome = await stage.play()
    assert outcome.failure is None
    assert [account for _, account in stage.kiro.calls] == [1, 2, 3]
    assert stage.door.text() == "Hello world"
    assert [penalty for _, _, penalty in stage.leases.settled] == [
        Penalty.COOL_DOWN,
        Penalty.SUSPENDED,
        Penalty.NONE,
    ]


async def test_failing_over_is_free_after_a_ping(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.THROTTLED, Pause(45)), WHOLE]))
    await stage.play()
    assert stage.door.status == 200
    assert stage.door.names()[:3] == ["ping", "ping", "ping"]
    assert stage.door.names()[-1] == "message_stop"


async def test_after_content_a_failure_is_one_error_event(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.CONNECTION_LOST, Say([TextDelta("Hel")])), WHOLE]))
    outcome = await stage.play()
    assert outcome.failure is not None
    assert len(stage.kiro.calls) == 1
    assert stage.door.names().count("error") == 1
    assert stage.door.names()[-1] == "error"
    assert "message_stop" not in stage.door.names()
    assert stage.door.ended == 1


async def test_a_closed_tool_call_is_never_asked_for_again(autojump_clock) -> None:
    call = Say([ToolCall("tooluse_1", "Bash", '{"command":"ls"}')])
    stage = Stage(ScriptedKiro([fails(Fault.CONNECTION_LOST, call), WHOLE]))
    await stage.play()
    assert len(stage.kiro.calls) == 1
    assert stage.door.names()[-1] == "error"


async def test_before_anything_a_failure_is_a_status(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.CONTEXT_OVERFLOW)]))
    await stage.play()
    assert stage.door.status == 400
    assert (
        json.loads(stage.door.body)["error"]["message"]
        == "prompt is too long: 200001 tokens > 200000 maximum"
    )


@pytest.mark.parametrize(
    ("estimate", "detail", "fault"),
    [
        (141_000, "HTTP 400, improperly formed request", Fault.CONTEXT_OVERFLOW),
        (139_000, "HTTP 400, improperly formed request", Fault.BAD_REQUEST),
        (250_000, "HTTP 400, TOOL_CONFIG_MISSING", Fault.BAD_REQUEST),
    ],
)
async def test_a_long_prompt_that_is_called_malformed_is_too_long(
    estimate, detail, fault, autojump_clock
) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.BAD_REQUEST, detail=detail)]), estimate=estimate)
    outcome = await stage.play()
    assert outcome.failure.fault is fault
    assert stage.door.status == 400
    told = json.loads(stage.door.body)["error"]["message"]
    assert told.startswith("prompt is too long: ") == (fault is Fault.CONTEXT_OVERFLOW)


async def test_the_status_is_still_true_just_before_the_grace_time_is_over(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.CONTEXT_OVERFLOW, Pause(19.9))]))
    await stage.play()
    assert stage.door.status == 400
    stage = Stage(ScriptedKiro([fails(Fault.CONTEXT_OVERFLOW, Pause(20.1))]))
    await stage.play()
    assert stage.door.status == 200
    assert stage.door.names() == ["ping", "error"]


async def test_when_all_accounts_fail_the_client_learns_why_and_until_when(autojump_clock) -> None:
    leases = ScriptedLeases(outlooks=33.0)
    stage = Stage(ScriptedKiro([fails(Fault.MONTHLY_QUOTA)]), leases)
    await stage.play()
    assert stage.door.status == 429
    assert (b"retry-after", b"33") in stage.door.headers
    assert len(stage.kiro.calls) == 3


async def test_until_when_is_that_of_all_accounts_and_not_of_the_last(autojump_clock) -> None:
    leases = ScriptedLeases(outlooks=4.0)
    stage = Stage(ScriptedKiro([fails(Fault.THROTTLED, retry_after=3600.0)]), leases)
    outcome = await stage.play()
    assert (b"retry-after", b"4") in stage.door.headers
    assert outcome.failure.fault is Fault.THROTTLED


async def test_accounts_that_rest_do_not_make_a_broken_way_wait(autojump_clock) -> None:
    leases = ScriptedLeases(accounts=2, outlooks=3600.0)
    stage = Stage(ScriptedKiro([fails(Fault.CONNECTION_LOST)]), leases)
    await stage.play()
    assert stage.door.status == 502
    assert stage.door.headers == []


async def test_a_renewal_is_not_waited_for_beyond_the_deadline(autojump_clock) -> None:
    leases = ScriptedLeases(renewal_time=1000.0)
    stage = Stage(ScriptedKiro([fails(Fault.TOKEN_REFUSED)]), leases, patience=Patience(deadline=30))
    outcome = await stage.play()
    assert trio.current_time() == 30
    assert outcome.failure.fault is Fault.DEADLINE
    assert [penalty for _, _, penalty in leases.settled] == [Penalty.NONE]


async def test_the_token_is_renewed_once_and_then_the_account_is_left(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.TOKEN_REFUSED), fails(Fault.TOKEN_REFUSED), WHOLE]))
    outcome = await stage.play()
    assert outcome.failure is None
    assert stage.leases.renewals == 1
    assert [account for _, account in stage.kiro.calls] == [1, 1, 2]
    assert stage.leases.settled[0][2] is Penalty.STRIKE


async def test_a_refused_renewal_counts_against_the_account_as_what_it_is(autojump_clock) -> None:
    leases = ScriptedLeases(renewal_failure=Failure(Fault.RENEWAL_REFUSED))
    stage = Stage(ScriptedKiro([fails(Fault.TOKEN_REFUSED), WHOLE]), leases)
    outcome = await stage.play()
    assert outcome.failure is None
    assert stage.leases.settled[0][2] is Penalty.REVOKED


async def test_the_other_profile_form_is_tried_once(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.PROFILE_REFUSED), WHOLE]))
    outcome = await stage.play()
    assert outcome.failure is None
    assert [account for _, account in stage.kiro.calls] == [1, 1]


async def test_a_simpler_request_is_tried_if_there_is_one(autojump_clock) -> None:
    plain = ScriptedRequest()
    stage = Stage(ScriptedKiro([fails(Fault.TOOLS_REFUSED), WHOLE]), request=ScriptedRequest(plainer=plain))
    outcome = await stage.play()
    assert outcome.failure is None
    assert stage.kiro.calls[1][0] is plain
    stage = Stage(ScriptedKiro([fails(Fault.TOOLS_REFUSED), WHOLE]))
    await stage.play()
    assert len(stage.kiro.calls) == 1
    assert stage.door.status == 400


async def test_an_answer_in_one_piece_survives_a_break_in_the_middle(autojump_clock) -> None:
    broken = fails(Fault.CONNECTION_LOST, Say([TextDelta("lost words")]))
    stage = Stage(ScriptedKiro([broken, WHOLE]), live=False, translator=FOLD)
    await stage.play()
    message = json.loads(stage.door.body)
    assert [block["text"] for block in message["content"]] == ["Hello world"]
    assert stage.door.headers == [(b"content-length", str(len(stage.door.body)).encode())]


async def test_nothing_is_sent_before_an_answer_in_one_piece_is_whole(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.UNAVAILABLE, Pause(25))]), live=False, translator=FOLD)
    await stage.play()
    assert stage.door.status == 503
    assert len(stage.door.writes) == 1


async def test_no_ping_while_talking(autojump_clock) -> None:
    steps = [step for n in range(40) for step in (Say([TextDelta(f"{n} ")]), Pause(9.0))]
    stage = Stage(ScriptedKiro([Script([*steps, Say(DONE)])]))
    await stage.play()
    assert stage.outbox.pings == 0


async def test_silence_in_the_middle_is_filled_with_signs_of_life(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([Script([Say([TextDelta("a")]), Pause(101), Say([TextDelta("b"), *DONE])])]))
    await stage.play()
    assert stage.outbox.pings == 10


async def test_all_tries_together_have_a_deadline(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([fails(Fault.SERVER_ERROR, Pause(50))]), patience=Patience(deadline=120))
    await stage.play()
    assert trio.current_time() < 200
    assert stage.door.names()[-1] == "error"


async def test_a_stop_of_the_server_is_told_to_the_client(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([Script([Say([TextDelta("a")]), Pause(1000)])]))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.play)
        await trio.sleep(3)
        stage.closing.set()
    assert trio.current_time() < 5
    assert stage.door.events()[-1][1]["error"]["type"] == "overloaded_error"
    assert stage.kiro.left == ["cancelled"]
    assert not stage.leases.open


async def test_a_stop_that_finds_a_write_under_way_waits_for_it(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([Script([Say([TextDelta("a")]), Say([TextDelta("b")]), Pause(1000)])]))
    stage.door.blocked = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.play)
        await trio.sleep(1)
        stage.closing.set()
        await trio.sleep(1)
        stage.door.blocked.set()
    assert stage.door.text() in {"a", "ab"}
    assert stage.door.names()[-1] == "error"


async def test_a_stop_between_the_last_words_and_the_end_is_told(autojump_clock) -> None:
    """The end waits for the door while the stop does; it is lost, and must not be taken for sent."""
    stage = Stage(ScriptedKiro([Script([Say([TextDelta("a")]), Say([TextDelta("b"), *DONE])])]))
    stage.door.blocked = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.play)
        await trio.sleep(1)
        stage.closing.set()
        await trio.sleep(1)
        stage.door.blocked.set()
    assert stage.door.names()[-1] == "error"
    assert stage.door.ended == 1
    assert stage.session.outcome.failure == Failure(Fault.SHUTTING_DOWN)


async def test_a_stop_behind_the_end_changes_nothing(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([Script([Say([TextDelta("a"), *DONE]), Pause(1000)])]))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.play)
        await trio.sleep(1)
        stage.closing.set()
    assert stage.door.names()[-1] == "message_stop"
    assert stage.session.outcome.failure is None
    assert stage.session.outcome.attempts[-1].failure is None
    assert stage.leases.settled == [(1, None, Penalty.NONE)]


async def test_the_owner_can_cancel_it(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([Script([Pause(1000)])]), patience=Patience(deadline=2000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.play)
        await trio.sleep(3)
        stage.session.stop(Fault.CANCELLED_BY_OWNER)
    assert stage.door.status == 503


@pytest.mark.parametrize("when", [0.0, 0.05, 5.0, 25.0, 60.0])
async def test_a_client_that_leaves_takes_everything_with_it(when: float, autojump_clock) -> None:
    script = [
        fails(Fault.SERVER_ERROR),
        fails(Fault.TOKEN_REFUSED),
        Script([Pause(40), Say([TextDelta("a")]), Pause(99)]),
    ]
    stage = Stage(ScriptedKiro(script))
    with trio.move_on_after(when):
        await stage.play()
    assert not stage.leases.open
    assert stage.door.ended == 0
    assert stage.session.outcome.failure == Failure(Fault.CLIENT_GONE)
    assert len(stage.leases.settled) <= 1
    assert all(penalty is Penalty.NONE for _, _, penalty in stage.leases.settled)


async def test_a_write_cut_half_way_leaves_no_clean_end(autojump_clock) -> None:
    stage = Stage(ScriptedKiro([Script([Say([TextDelta("a")]), Pause(1000)])]))
    stage.door.blocked = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.play)
        await trio.sleep(1)
        stage.session.stop(Fault.CANCELLED_BY_OWNER)
    assert stage.outbox.torn
    assert stage.door.ended == 0


async def test_a_bug_of_ours_is_told_as_such(autojump_clock) -> None:
    class Broken:
        calls: list = []  # noqa: RUF012

        async def __call__(self, *_args) -> None:
            raise RuntimeError("boom")

    stage = Stage(Broken())
    outcome = await stage.play()
    assert stage.door.status == 500
    assert isinstance(outcome.bug, ExceptionGroup)
    assert b"boom" not in stage.door.body
    assert not stage.leases.open

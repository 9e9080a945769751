"""One try and its watchdog, in virtual time; every way to end is tried with the whole chain in tests/session/test_chain.py."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing

from kiro_trio.conversation.faults import Ended, Fault
from kiro_trio.conversation.reply import Finished, ReplyEvent, TextDelta, Usage
from kiro_trio.credentials.calls import Wire
from kiro_trio.simulator.script import CallTool, Garbage, HangUp, Pause, Reply, Say, Stall
from kiro_trio.simulator.server import handle_connection
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.upstream.attempt import Attempts, Limits
from kiro_trio.upstream.errors import ConnectFailed, ConnectionLost, MalformedRequest, ProxyFailed, TLSFailed
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.small_calls import as_failure
from tests.session.chain import TLS, reply, replying, request_for
from tests.session.scripted import make_lease


@dataclass
class Kiro:
    """Attempts over memory streams, and what was delivered of them."""

    simulator: Simulator
    limits: Limits = field(default_factory=Limits)
    events: list[ReplyEvent] = field(default_factory=list)
    batches: int = 0
    slow: float = 0.0
    patience: float = 1000.0
    refuse: bool = False
    origins: list[str] = field(default_factory=list)

    async def attempt(self, times: int = 1) -> list[Ended]:
        async with trio.open_nursery() as nursery:

            async def open_memory(_host: str, _port: int) -> trio.abc.Stream:
                if self.refuse:
                    raise OSError("refused")
                ours, theirs = trio.testing.memory_stream_pair()
                nursery.start_soon(handle_connection, self.simulator, theirs)
                return ours

            client = Http1Client(TLS, open_tcp=open_memory)
            wire = Wire(base="http://kiro.test")
            attempts = Attempts(
                client, wire, self.limits, 1 << 24, lambda: 1.8e9, note_origin=self.origins.append
            )
            ended = [
                await attempts(request_for(), make_lease(1), self.deliver, self.patience)
                for _ in range(times)
            ]
            await client.aclose()
            nursery.cancel_scope.cancel()
        return ended

    async def deliver(self, events: Sequence[ReplyEvent]) -> None:
        self.events += events
        self.batches += 1
        await trio.sleep(self.slow)


async def fault_of(kiro: Kiro) -> Fault | None:
    (ended,) = await kiro.attempt()
    return ended.failure and ended.failure.fault


async def test_a_whole_reply_ends_without_a_failure(autojump_clock) -> None:
    kiro = Kiro(replying(reply(Say("Hello"))))
    assert await fault_of(kiro) is None
    assert isinstance(kiro.events[-1], Finished)
    assert isinstance(kiro.events[-2], Usage)
    assert "".join(event.text for event in kiro.events if isinstance(event, TextDelta)) == "Hello"


async def test_the_origin_that_speaks_is_told(autojump_clock) -> None:
    kiro = Kiro(replying(reply(Say("Hello"))))
    await kiro.attempt(2)
    assert kiro.origins == ["AI_EDITOR", "AI_EDITOR"]


async def test_a_first_byte_that_does_not_come_in_time(autojump_clock) -> None:
    assert (
        await fault_of(Kiro(replying(reply(misfortunes=[Stall()])), Limits(first_byte=42)))
        is Fault.FIRST_BYTE_TIMEOUT
    )
    assert trio.current_time() == pytest.approx(42, abs=0.1)


async def test_patience_shortens_the_wait_for_the_first_byte(autojump_clock) -> None:
    assert (
        await fault_of(Kiro(replying(reply(misfortunes=[Stall()])), patience=7)) is Fault.FIRST_BYTE_TIMEOUT
    )
    assert trio.current_time() == pytest.approx(7, abs=0.1)


async def test_silence_in_the_middle_has_its_own_limit(autojump_clock) -> None:
    kiro = Kiro(replying(reply(Say("Hello"), Pause())), Limits(first_byte=10, idle=77))
    assert await fault_of(kiro) is Fault.IDLE_TIMEOUT
    assert trio.current_time() == pytest.approx(77, abs=0.1)


async def test_a_limit_that_is_shorter_after_the_first_byte_holds_from_then_on(autojump_clock) -> None:
    kiro = Kiro(replying(reply(Say("Hello"), Pause())), Limits(first_byte=300, idle=20))
    began = trio.current_time()
    assert await fault_of(kiro) is Fault.IDLE_TIMEOUT
    assert 20 <= trio.current_time() - began < 21


async def test_pauses_within_the_limit_are_no_silence(autojump_clock) -> None:
    steps = [step for _ in range(9) for step in (Say("Hello"), Pause(60))]
    assert await fault_of(Kiro(replying(reply(*steps)), Limits(first_byte=10, idle=61))) is None
    assert trio.current_time() >= 540


async def test_a_client_that_reads_slowly_is_not_kiros_silence(autojump_clock) -> None:
    kiro = Kiro(
        replying(reply(Say("Hello"), Pause(1), Say(" there"))), Limits(first_byte=5, idle=5), slow=100
    )
    assert await fault_of(kiro) is None
    assert trio.current_time() >= 200


async def test_there_is_no_limit_on_a_whole_stream(autojump_clock) -> None:
    steps = [step for _ in range(100) for step in (Say("Hello"), Pause(250))]
    assert await fault_of(Kiro(replying(reply(*steps)))) is None
    assert trio.current_time() >= 25_000


async def test_what_was_not_said_comes_with_the_failure(autojump_clock) -> None:
    (ended,) = await Kiro(replying(reply(Say("Hello"), CallTool("Bash", '{"a', stop=False)))).attempt()
    assert ended.failure.fault is Fault.TOOL_CALL_INCOMPLETE


async def test_an_answer_that_is_no_event_stream(autojump_clock) -> None:
    assert await fault_of(Kiro(replying(reply(misfortunes=[Garbage()])))) is Fault.NOT_AN_EVENT_STREAM


async def test_a_refused_connection(autojump_clock) -> None:
    assert await fault_of(Kiro(replying(reply(Say("x"))), refuse=True)) is Fault.CONNECT_FAILED


async def test_a_reply_without_closing_events_is_blamed_once_they_have_been_seen(autojump_clock) -> None:
    bare = Reply(steps=(Say("Hello"),), bare=True)
    before, whole, after = await Kiro(replying(bare, reply(Say("Hello")), bare)).attempt(3)
    assert before.failure is None
    assert whole.failure is None
    assert after.failure.fault is Fault.TRUNCATED_STREAM


async def test_an_idle_connection_that_was_closed_is_replaced(autojump_clock) -> None:
    kiro = Kiro(replying(reply(Say("x"), misfortunes=[HangUp(after=5)]), reply(Say("y"))))
    assert [ended.failure for ended in await kiro.attempt(2)] == [None, None]


@pytest.mark.parametrize("within", [0.0, 0.5, 3.0])
async def test_cancelling_closes_kiros_socket(within: float, autojump_clock) -> None:
    kiro = Kiro(replying(reply(Pause(1), Say("Hello"), Pause())))
    with trio.move_on_after(within):
        await kiro.attempt()
    await trio.testing.wait_all_tasks_blocked()
    assert kiro.simulator.figures.open_connections == 0


def test_every_exception_of_the_client_is_a_fault() -> None:
    faults = {
        error: as_failure(error("x")).fault
        for error in (ConnectFailed, ProxyFailed, TLSFailed, ConnectionLost)
    }
    assert list(faults.values()) == [
        Fault.CONNECT_FAILED,
        Fault.PROXY_FAILED,
        Fault.TLS_FAILED,
        Fault.CONNECTION_LOST,
    ]
    assert as_failure(MalformedRequest("x")).fault is Fault.INTERNAL

"""Ending a request from outside: after the write that is under way, but not at the mercy of a client that does not read."""

import trio

from kiro_trio.conversation.faults import Fault
from kiro_trio.gateway.live import Live, LiveRequest
from kiro_trio.session.outbox import Outbox


class Session:
    """Notes when it is stopped, and with what."""

    def __init__(self) -> None:
        self.stopped: list[tuple[float, Fault]] = []

    def stop(self, fault: Fault) -> None:
        self.stopped.append((trio.current_time(), fault))


class SlowDoor:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def start(self, *_) -> None:
        pass

    async def write(self, _) -> None:
        await trio.sleep(self.seconds)


class Dialect:
    def open_headers(self, _):
        return []


async def cancelled_during(seconds: float) -> tuple[float, Fault]:
    session, outbox = Session(), Outbox(SlowDoor(seconds), Dialect())
    request = LiveRequest("req_1", 0.0, "default", "m", stream=True)
    with Live().present(request, session, outbox):
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            nursery.start_soon(outbox.say, b"words")
            await trio.sleep(0.01)
            await request.cancel()
            nursery.cancel_scope.cancel()
    ((at, fault),) = session.stopped
    return at - began, fault


async def test_a_write_that_is_under_way_is_waited_for(autojump_clock) -> None:
    after, fault = await cancelled_during(0.5)
    assert 0.5 <= after < 0.6
    assert fault is Fault.CANCELLED_BY_OWNER


async def test_a_client_that_does_not_read_is_not(autojump_clock) -> None:
    after, fault = await cancelled_during(3600)
    assert 1.0 <= after < 1.1
    assert fault is Fault.CANCELLED_BY_OWNER


async def test_the_list_holds_what_runs_and_nothing_else() -> None:
    live = Live()
    request = LiveRequest("req_1", 0.0, "default", "m", stream=True)
    assert (len(live), live.get("req_1")) == (0, None)
    await request.cancel()  # it does not run yet: nothing to end
    with live.present(request, Session(), Outbox(SlowDoor(0), Dialect())):
        assert (len(live), live.get("req_1"), list(live)) == (1, request, [request])
    assert len(live) == 0

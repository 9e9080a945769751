"""A client that leaves takes everything with it; one that does not read holds up Kiro and no memory."""

import json
from typing import Any

import pytest
import trio

from kiro_trio.simulator.script import Pause, Say, Stall
from kiro_trio.simulator.seen import Ending
from tests.end_to_end.house import KEY, House, house, prompt, saying, scripted
from tests.quickest import quickest
from tests.web.served import eventually


async def begin(here: House, body: dict[str, Any]) -> trio.SocketStream:
    """Send a request over a plain socket and leave the answer unread."""
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    stream = await trio.open_tcp_stream("127.0.0.1", here.port)
    await stream.send_all(head.encode() + content)
    return stream


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("when", ["before the headers", "in the middle"])
async def test_kiros_socket_is_closed_at_once(tmp_path, when: str, live: bool) -> None:
    silent = saying(misfortunes=[Stall()]) if when == "before the headers" else saying(Say("Hello"), Pause())

    async def leave() -> float:
        asked = len(here.chats())
        client = await begin(here, prompt(stream=live))
        if when == "in the middle" and live:
            await client.receive_some(1)
        with trio.fail_after(10):
            await eventually(lambda: len(here.chats()) > asked)
            left_at = trio.current_time()
            await client.aclose()
            await here.chats()[asked].ended.wait()
        assert here.chats()[asked].ending is Ending.CLIENT_CLOSED
        assert len(here.chats()) == asked + 1
        return here.chats()[asked].closed_at - left_at

    async with house(tmp_path, scripted(silent)) as here:
        assert await quickest(leave, 0.05) < 0.05


async def test_a_client_that_leaves_between_two_tries_ends_them(tmp_path) -> None:
    async with house(
        tmp_path, scripted(saying(status="internal", nth=(1,)), saying(misfortunes=[Stall()]))
    ) as here:
        client = await begin(here, prompt())
        with trio.fail_after(10):
            await eventually(lambda: bool(here.chats()) and here.chats()[0].ended.is_set())
            await client.aclose()
        await trio.sleep(0.5)
        assert len(here.chats()) == 1


async def test_a_client_that_does_not_read_holds_up_kiro(tmp_path) -> None:
    endless = saying(Say(tuple("x" * 4000 for _ in range(20_000))))
    async with house(tmp_path, scripted(endless)) as here:
        client = await begin(here, prompt(max_tokens=10**9))
        with trio.fail_after(30):
            await eventually(lambda: bool(here.chats()))
            sent = -1
            while here.chats()[0].sent != sent:
                sent = here.chats()[0].sent
                await trio.sleep(0.5)
        assert 0 < sent < 40_000_000  # what the kernel's four buffers take, of 80 MB
        assert here.chats()[0].ending is Ending.OPEN
        await client.aclose()
        with trio.fail_after(10):
            await here.chats()[0].ended.wait()


async def test_a_client_that_takes_nothing_is_dropped_and_kiro_with_it(tmp_path) -> None:
    endless = saying(Say(tuple("x" * 4000 for _ in range(20_000))))
    async with house(tmp_path, scripted(endless), send_timeout=0.5) as here:
        client = await begin(here, prompt(max_tokens=10**9))
        with trio.fail_after(20):
            await eventually(lambda: bool(here.chats()))
            await here.chats()[0].ended.wait()
        assert here.chats()[0].ending is Ending.CLIENT_CLOSED
        await client.aclose()


async def test_a_client_that_takes_nothing_cannot_hold_the_stop(tmp_path) -> None:
    endless = saying(Say(tuple("x" * 4000 for _ in range(20_000))))
    async with house(tmp_path, scripted(endless), send_timeout=60.0, shutdown_grace=0.3) as here:
        client = await begin(here, prompt(max_tokens=10**9))
        with trio.fail_after(20):
            await eventually(lambda: bool(here.chats()) and here.chats()[0].sent > 100_000)
            here.shutdown.set()
            await here.stopped.wait()
        await client.aclose()

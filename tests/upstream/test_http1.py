import gc
from pathlib import Path

import h11
import pytest
import trio

from tests.quickest import quickest
from tests.upstream.asking import both_decoders, both_schemes, client_of, context_for, get, read_all
from tests.upstream.peer import CHUNKED, answering, serving, settle


@both_decoders
@both_schemes
async def test_everything_that_one_read_brought_comes_at_once(scheme, by_hand):
    async def handler(line):
        await line.request()
        await line.say(CHUNKED + b"3\r\nabc\r\n" + b"1\r\nd\r\n" * 20)
        if scheme == "http":
            await line.say(b"5\r\nhello\r\n0\r\n\r\n")
        else:
            for chunk in (b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n\r\n"):
                await line.say(chunk)
        arrived.set()
        await line.gone()

    arrived = trio.Event()
    async with serving(handler, context_for(scheme)) as server, client_of(by_hand=by_hand) as client:
        async with await client.request("GET", server.url) as response:
            await arrived.wait()
            first = await response.receive_some()
            assert first.startswith(b"abc" + b"d" * 20)
            rest = await response.receive_some() if len(first) == 23 else first[23:]
            assert rest == b"hello"
            assert response.framed
            assert [await response.receive_some() for _ in range(3)] == [b""] * 3
        assert client.idle == 1


async def test_headers_are_lower_case_and_joined_and_interim_responses_are_passed_over():
    raw = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    raw += b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nX-A: 1\r\nx-a: \xe9\r\nContent-Length: 4\r\n\r\nslow"
    async with serving(answering(raw)) as server, client_of() as client:
        async with await client.request("GET", server.url) as response:
            assert response.status == 429
            assert response.headers == {"retry-after": "3", "x-a": "1, é", "content-length": "4"}
            assert await response.read_limited(100) == b"slow"
        assert client.idle == 1


async def test_read_limited_reads_no_more_than_it_must():
    async def handler(line):
        await line.request()
        await line.say(CHUNKED + b"a\r\n0123456789\r\n")
        await line.gone()
        gone.set()

    gone = trio.Event()
    async with serving(handler) as server, client_of() as client:
        async with await client.request("GET", server.url) as response:
            assert await response.read_limited(4) == b"0123"
        with trio.fail_after(10):
            await gone.wait()
        assert client.idle == 0


async def test_a_real_http_server_is_understood():
    async def handler(line):
        http = h11.Connection(h11.SERVER)
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await line.stream.receive_some())
            elif isinstance(event, h11.EndOfMessage):
                for out in (
                    h11.Response(status_code=200, headers=[]),
                    h11.Data(data=b"one "),
                    h11.Data(data=b"two"),
                    h11.EndOfMessage(),
                ):
                    await line.say(http.send(out))
                http.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed):
                return

    async with serving(handler) as server, client_of() as client:
        for _ in range(3):
            assert await get(client, server.url) == b"one two"
        assert server.accepted == 1


def open_files():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_one_hundred_at_once_then_nothing_leaks():
    async def handler(line):
        while (await line.request())[0]:
            await line.say(CHUNKED)
            for _ in range(5):
                await line.say(b"5\r\nhello\r\n")
            await line.say(b"0\r\n\r\n")

    async def one():
        async with await client.request("POST", server.url, body=b"x" * 1000) as response:
            bodies.append(await read_all(response))

    before = open_files()
    bodies = []
    async with serving(handler) as server:
        async with client_of(max_idle=8) as client:
            async with trio.open_nursery() as nursery:
                for _ in range(100):
                    nursery.start_soon(one)
            assert client.idle == 8
        assert await settle(lambda: server.open == 0)
    assert bodies == [b"hello" * 5] * 100
    assert open_files() <= before


MOMENTS = {
    "while sending": None,
    "before the head": b"",
    "inside the head": b"HTTP/1.1 200 OK\r\n",
    "in a silent body": CHUNKED + b"2\r\nab\r\n",
    "in a running body": CHUNKED + b"1\r\nx\r\n" * 2_000_000,
}


async def cancel_a_request(url, server, reached):
    """Cancel a request in the middle; returns after how many seconds it was over, and how many the server had it."""

    async def request():
        async with await client.request("POST", url, body=bytes(5_000_000)) as response:
            while await response.receive_some():
                pass

    async with client_of() as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(request)
            await reached.wait()
            await trio.sleep(0.03)
            nursery.cancel_scope.cancel()
            since = trio.current_time()
        ours = trio.current_time() - since
        assert client.idle == 0
        assert await settle(lambda: server.open == 0)
        return ours, trio.current_time() - since


@both_schemes
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_cancelled_request_closes_its_socket_at_once(scheme, moment):
    async def handler(line):
        if moment == "while sending":
            await line.stream.receive_some(1)
            reached.set()
            await trio.sleep(0.04)  # has not read a byte when we go
        else:
            await line.request()
            reached.set()
            await line.say(MOMENTS[moment])
        await line.gone()

    async def measured() -> float:
        nonlocal reached
        reached = trio.Event()
        async with serving(handler, context_for(scheme)) as server:
            ours, theirs = await cancel_a_request(server.url, server, reached)
        return max(ours, theirs - 0.05)

    reached = trio.Event()
    assert await quickest(measured, 0.05) < 0.05


async def test_a_cancelled_handshake_closes_its_socket_at_once():
    async def handler(line):
        reached.set()
        await line.gone()

    async def measured() -> float:
        nonlocal reached
        reached = trio.Event()
        async with serving(handler) as server:
            return max(await cancel_a_request(server.url.replace("http", "https"), server, reached))

    reached = trio.Event()
    assert await quickest(measured, 0.05) < 0.05


async def test_leaving_early_closes_and_the_end_keeps():
    async def handler(line):
        await line.request()
        await line.say(CHUNKED + b"2\r\nab\r\n")
        await line.gone()

    async with serving(handler) as server, client_of() as client:
        async with await client.request("GET", server.url) as response:
            assert await response.receive_some() == b"ab"
        assert await settle(lambda: server.open == 0)
        with pytest.raises(trio.ClosedResourceError):
            await response.receive_some()
        await response.aclose()
        assert client.idle == 0


async def test_a_cancelled_read_loses_nothing():
    async def handler(line):
        await line.request()
        await line.say(CHUNKED)
        for number in range(30):
            await line.say(b"3\r\n%03d\r\n" % number)
            await settle(lambda seen=cancelled: cancelled > seen)  # a read in vain behind each piece
        await line.say(b"0\r\n\r\n")

    cancelled = 0
    async with (
        serving(handler) as server,
        client_of() as client,
        await client.request("GET", server.url) as response,
    ):
        data, piece = b"", b"-"
        while piece:
            with trio.move_on_after(0.001) as scope:
                piece = await response.receive_some()
                data += piece
            cancelled += scope.cancelled_caught
    assert data == b"".join(b"%03d" % number for number in range(30))
    assert cancelled >= 30

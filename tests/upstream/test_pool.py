import pytest
import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.errors import ConnectionLost, UpstreamError
from kiro_trio.upstream.origin import Origin
from kiro_trio.upstream.pool import IdlePool
from kiro_trio.upstream.tls import TLSStream
from tests.upstream import peer
from tests.upstream.asking import (
    both_decoders,
    both_schemes,
    client_of,
    context_for,
    get,
    on_memory,
    read_all,
)
from tests.upstream.peer import CHUNKED, OK, answering, linger, serving, settle, virtual_time


@both_decoders
@both_schemes
async def test_connections_are_used_again(scheme, by_hand):
    chunked = CHUNKED + b"2\r\nok\r\n0\r\n\r\n"
    async with (
        serving(answering(OK, chunked, OK), context_for(scheme)) as server,
        client_of(by_hand=by_hand) as client,
    ):
        for _ in range(5):
            assert await get(client, server.url) == b"ok"
        assert server.accepted == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK + b"unasked",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\nunasked",
    ],
)
async def test_connections_that_are_not_used_again(raw):
    async with serving(answering(raw)) as server, client_of() as client:
        assert await get(client, server.url) == b"ok"
        assert client.idle == 0
        assert await settle(lambda: server.open == 0)
        assert await get(client, server.url) == b"ok"
        assert server.accepted == 2


async def test_we_may_ask_for_the_close():
    async with serving(answering(OK)) as server, client_of() as client:
        assert await get(client, server.url, headers=[("Connection", "close")]) == b"ok"
        assert client.idle == 0


@both_schemes
async def test_a_connection_closed_while_idle_is_replaced_unnoticed(scheme):
    async def handler(line):
        await line.request()
        await line.say(OK)

    async with serving(handler, context_for(scheme)) as server, client_of() as client:
        for number in range(3):
            assert await get(client, server.url) == b"ok"
            assert await settle(lambda: server.open == 0)
            assert server.accepted == number + 1


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("size", [10, 3_000_000])
@both_schemes
async def test_a_reused_connection_that_dies_before_it_answers_is_replaced_once(scheme, size, reset):
    async def handler(line):
        await line.request()
        await line.say(OK)
        if line.number == 1:
            await line.stream.receive_some(
                1
            )  # the second request has begun to arrive: too late to see it coming
            if reset:
                linger(line)
            return
        await line.request()
        await line.say(OK)

    async with serving(handler, context_for(scheme)) as server, client_of() as client:
        assert await get(client, server.url) == b"ok"
        async with await client.request("POST", server.url, body=bytes(size)) as response:
            assert await read_all(response) == b"ok"
        assert server.accepted == 2


async def test_no_second_try_once_an_answer_has_begun_or_on_a_new_connection():
    async def handler(line):
        if line.number == 1:
            await line.request()
            await line.say(OK)
        await line.request()
        await line.say(b"HTTP/1.1 2" if line.number == 1 else b"")

    async with serving(handler) as server, client_of() as client:
        assert await get(client, server.url) == b"ok"
        for accepted in (1, 2):
            with pytest.raises(ConnectionLost):
                await client.request("POST", server.url, body=b"x")
            assert server.accepted == accepted


@virtual_time
async def test_idle_connections_expire_and_are_bounded():
    def respond(far):
        nursery.start_soon(answering(OK), peer.Line(far, 0))

    async with trio.open_nursery() as nursery:
        client, streams = on_memory(respond)
        await get(client, "http://a/")
        await trio.sleep(59)
        await get(client, "http://a/")
        assert len(streams) == 1
        await trio.sleep(61)
        await get(client, "http://a/")
        assert len(streams) == 2
        with pytest.raises(trio.ClosedResourceError):
            await streams[0].send_all(b"x")
        for number in range(70):
            await get(client, f"http://host{number}/")
        assert client.idle == 64
        await client.aclose()
        assert client.idle == 0
        await get(client, "http://a/")
        assert client.idle == 0
        nursery.cancel_scope.cancel()


async def test_routes_do_not_share_connections():
    async with serving(answering(OK)) as server, client_of() as client:
        await get(client, server.url)
        closed = Proxy("http", "127.0.0.1", 1)
        with pytest.raises(UpstreamError):
            await get(client, server.url, proxy=closed)
        assert client.idle == 1


@both_schemes
async def test_what_was_said_while_idle_is_no_answer(scheme):
    async def handler(line):
        await line.request()
        await line.say(OK)
        if line.number == 1:
            await (
                trio.testing.wait_all_tasks_blocked()
            )  # until the client has put the connection into the pool
            await line.say(OK.replace(b"ok", b"no"))
            said.set()
            await line.gone()

    said = trio.Event()
    async with serving(handler, context_for(scheme)) as server, client_of() as client:
        assert await get(client, server.url) == b"ok"
        await said.wait()
        assert await get(client, server.url) == b"ok"
        assert server.accepted == 2


async def test_an_end_that_came_with_the_last_bytes_is_seen():
    near, far = trio.testing.memory_stream_pair()
    server = trio.SSLStream(far, peer.server_context(), server_side=True)
    client = TLSStream(near, peer.client_context(), "localhost")
    pool, route = IdlePool(max_idle=1, idle_expiry=1), (Origin("https", "localhost", 443), None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        await client.do_handshake()
    await pool.put(route, client)
    assert await pool.take(route) is client
    await server.send_all(b"last")
    await server.aclose()
    assert await client.receive_some() == b"last"
    await pool.put(route, client)
    assert await pool.take(route) is None

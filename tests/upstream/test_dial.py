import socket

import pytest
import trio

from kiro_trio.upstream.dial import open_tcp
from kiro_trio.upstream.errors import ConnectFailed, TLSFailed
from kiro_trio.upstream.http1 import Http1Client
from tests.upstream import peer
from tests.upstream.asking import client_of, on_memory
from tests.upstream.peer import OK, answering, serving, settle, virtual_time


async def test_nobody_listens():
    async with serving(answering(OK)) as server:
        url = server.url
    async with client_of() as client:
        with pytest.raises(
            ConnectFailed, match=r"127\.0\.0\.1:\d+: Connection refused \(ConnectionRefusedError\)"
        ):
            await client.request("GET", url)
        for host in ("no-such-host.invalid", "a..b", "x" * 70):
            with pytest.raises(ConnectFailed) as caught:
                await client.request("GET", f"http://{host}/")
            assert host in str(caught.value)


@virtual_time
async def test_connecting_has_a_limit_and_waiting_for_an_answer_has_none():
    async def never(_host, _port):
        await trio.sleep_forever()

    client = Http1Client(peer.client_context(), connect_timeout=7, open_tcp=never)
    started = trio.current_time()
    with pytest.raises(ConnectFailed, match="h:80: not done within 7 s"):
        await client.request("GET", "http://h/")
    assert trio.current_time() - started == 7

    kept = []
    client, streams = on_memory(kept.append)
    with trio.move_on_after(10_000) as scope:
        await client.request("GET", "http://h/")
    assert scope.cancelled_caught

    started = trio.current_time()
    with pytest.raises(TLSFailed, match="TLS with h:443: not done within 10 s"):
        await client.request("GET", "https://h/")
    assert trio.current_time() - started == 10
    with pytest.raises(trio.ClosedResourceError):
        await streams[-1].send_all(b"x")


async def test_a_bad_certificate_is_named_with_its_cause():
    async with (
        serving(answering(OK), peer.server_context("elsewhere.example")) as server,
        client_of() as client,
    ):
        with pytest.raises(TLSFailed) as caught:
            await client.request("GET", server.url)
        assert "localhost:" in str(caught.value)
        assert "Hostname mismatch" in str(caught.value)
        assert "SSLCertVerificationError" in str(caught.value)
        assert "_ssl.c" not in str(caught.value)
        assert await settle(lambda: server.open == 0)


async def test_plain_http_behind_https_is_a_tls_failure():
    async def handler(line):
        await line.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(handler) as server, client_of() as client:
        with pytest.raises(TLSFailed, match="wrong version number"):
            await client.request("GET", server.url.replace("http:", "https:"))


async def test_sockets_are_set_up_for_small_writes_and_dead_peers():
    async with serving(answering(OK)) as server:
        stream = await open_tcp(server.host, server.port)
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        await stream.aclose()

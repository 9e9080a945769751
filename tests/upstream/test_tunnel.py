from dataclasses import replace

import pytest
import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.errors import ProxyFailed, TLSFailed
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.origin import Origin
from kiro_trio.upstream.tunnel import open_tunnel
from tests.upstream import peer
from tests.upstream.asking import both_schemes, client_of, get, read_all
from tests.upstream.peer import CHUNKED, OK, answering, serving, settle
from tests.upstream.proxies import PASSWORD, running

kinds = pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])


def proxy_of(kind, **kwargs):
    """Run the proxy that `kind` needs; https is HTTP CONNECT under TLS, socks5h is socks5."""
    if kind == "https":
        return running("http", context=peer.server_context(), **kwargs)
    return running(kind.removesuffix("h"), **kwargs)


def to(server, host):
    return server.url.replace(server.host, host)


@kinds
@both_schemes
@pytest.mark.parametrize("password", [PASSWORD, ""])
async def test_requests_go_through_and_names_are_the_proxys_business(kind, scheme, password):
    context = peer.server_context("kiro.proxied") if scheme == "https" else None
    async with (
        serving(answering(OK), context) as server,
        proxy_of(kind, password=password) as route,
        client_of() as client,
    ):
        proxy = replace(route.proxy, scheme=kind)
        for _ in range(3):
            assert await get(client, to(server, "kiro.proxied"), proxy=proxy) == b"ok"
        assert route.seen.asked == [("kiro.proxied", server.port)]
        assert server.accepted == route.server.accepted == client.idle == 1


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_addresses_are_sent_as_addresses(kind, host):
    async with serving(answering(OK)) as server, proxy_of(kind) as route, client_of() as client:
        with pytest.raises(ProxyFailed) if host == "[::1]" else trio.CancelScope():
            assert await get(client, to(server, host), proxy=route.proxy) == b"ok"
        assert route.seen.asked == [(host.strip("[]"), server.port)]


@kinds
async def test_a_large_body_streams_both_ways(kind):
    async def handler(line):
        _, body = await line.request()
        await line.say(CHUNKED)
        for at in range(0, len(body), 100_000):
            piece = body[at : at + 100_000]
            await line.say(b"%x\r\n%s\r\n" % (len(piece), piece))
        await line.say(b"0\r\n\r\n")

    body = bytes(range(256)) * 4000
    async with (
        serving(handler, peer.server_context()) as server,
        proxy_of(kind) as route,
        client_of() as client,
        await client.request(
            "POST", server.url, body=body, proxy=replace(route.proxy, scheme=kind)
        ) as response,
    ):
        assert await read_all(response) == body


@kinds
async def test_a_wrong_password_is_said_and_not_shown(kind):
    async with serving(answering(OK)) as server, proxy_of(kind) as route, client_of() as client:
        for user, password in (("ann", "wrong-secret"), ("", "")):
            proxy = replace(route.proxy, scheme=kind, username=user, password=password)
            with pytest.raises(ProxyFailed) as caught:
                await get(client, server.url, proxy=proxy)
            assert "wants" in str(caught.value)
            assert proxy.display in str(caught.value)
            assert "secret" not in str(caught.value) + repr(proxy)
        assert route.seen.asked == []
        assert await settle(lambda: route.server.open == 0)


@kinds
async def test_a_host_that_the_proxy_cannot_reach(kind):
    async with serving(answering(OK)) as gone:
        pass
    async with proxy_of(kind) as route, client_of() as client:
        with pytest.raises(ProxyFailed) as caught:
            await get(client, gone.url, proxy=replace(route.proxy, scheme=kind))
        assert f"127.0.0.1:{gone.port}" in str(caught.value)
        assert ("HTTP 502" in str(caught.value)) or ("host unreachable" in str(caught.value))


@pytest.mark.parametrize(
    ("kind", "fault", "text"),
    [
        ("http", b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0", "more than its answer"),
        ("http", b"SSH-2.0-secret\r\n\r\n", "does not speak HTTP"),
        ("http", b"HTTP/1.1 200", "broke off"),
        ("http", b"", "broke off"),
        (
            "http",
            b"HTTP/1.1 403 secret\r\nContent-Length: 0\r\n\r\n",
            "refused to connect to h:80 (HTTP 403)",
        ),
        ("http", b"HTTP/1.1 302 Found\r\nLocation: secret\r\n\r\n", "(HTTP 302)"),
        ("http", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "does not speak HTTP"),
        ("socks5", b"\5\2\0\1\0\0\0\0\0\0", "rules do not allow"),
        ("socks5", b"\5\5\0\4" + bytes(18), "connection refused"),
        ("socks5", b"\5\x63\0\1\0\0\0\0\0\0", "does not speak SOCKS5"),
        ("socks5", b"\4\0\0\1\0\0\0\0\0\0", "does not speak SOCKS5"),
        ("socks5", b"\5\0\0\2\0\0\0\0\0\0", "does not speak SOCKS5"),
        ("socks5", b"\5\0\0\3\2\xff\xff\0\0", "does not speak SOCKS5"),
        ("socks5", b"\5\0\0\1\0\0", "broke off"),
        ("socks5", b"", "broke off"),
    ],
)
async def test_proxies_that_fail(kind, fault, text):
    async with running(kind, fault=fault) as route, client_of() as client:
        with pytest.raises(ProxyFailed) as caught:
            await get(client, "http://h/", proxy=route.proxy)
        assert text in str(caught.value)
        assert route.proxy.display in str(caught.value)
        assert "secret" not in str(caught.value)
        assert await settle(lambda: route.server.open == 0)


@pytest.mark.parametrize("kind", ["socks5", "https"])
async def test_a_server_that_is_no_such_proxy(kind):
    async def handler(line):
        await line.stream.receive_some()
        await line.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(handler) as server, client_of() as client, running("http") as route:
        proxy = replace(route.proxy, scheme=kind, port=server.port)
        with pytest.raises(ProxyFailed) as caught:
            await get(client, "http://h/", proxy=proxy)
        assert proxy.display in str(caught.value)


async def test_nobody_at_the_proxys_address():
    async with running("http") as route:
        pass
    async with client_of() as client:
        with pytest.raises(ProxyFailed, match="Connection refused") as caught:
            await get(client, "http://h/", proxy=route.proxy)
        assert route.proxy.display in str(caught.value)


async def test_what_socks_has_no_room_for():
    async with running("socks5") as route, client_of() as client:
        for proxy, host in (
            (replace(route.proxy, password="s" * 256), "h"),
            (replace(route.proxy, username="s" * 256), "h"),
            (route.proxy, "h" * 256),
        ):
            with pytest.raises(ProxyFailed, match="255 bytes"):
                await get(client, f"http://{host}/", proxy=proxy)


async def test_a_certificate_behind_a_proxy_is_the_hosts_fault():
    context = peer.server_context()
    async with serving(answering(OK), context) as server, running("http") as route, client_of() as client:
        url = f"https://wrong.proxied:{server.port}/"
        with pytest.raises(TLSFailed) as caught:
            await get(client, url, proxy=route.proxy)
        assert f"wrong.proxied:{server.port} through proxy {route.proxy.display}" in str(caught.value)


@peer.virtual_time
async def test_a_proxy_that_says_nothing_has_the_connect_limit():
    kept = []

    async def open_tcp(_host, _port):
        near, far = trio.testing.memory_stream_pair()
        kept.append((near, far))
        return near

    client = Http1Client(peer.client_context(), connect_timeout=5, open_tcp=open_tcp)
    for kind in ("http", "https", "socks5"):
        since = trio.current_time()
        with pytest.raises(ProxyFailed, match="not done within 5 s"):
            await client.request("GET", "https://h/", proxy=Proxy(kind, "proxy", 1, "ann", "hush"))
        assert trio.current_time() - since == 5
        with pytest.raises(trio.ClosedResourceError):
            await kept[-1][0].send_all(b"x")


async def test_a_cancelled_stream_through_a_proxy_closes_both_ways_at_once():
    async def handler(line):
        await line.request()
        await line.say(CHUNKED + b"2\r\nab\r\n")
        await line.gone()

    async with serving(handler) as server, running("socks5") as route, client_of() as client:
        async with await client.request("GET", server.url, proxy=route.proxy) as response:
            assert await response.receive_some() == b"ab"
        assert await settle(lambda: server.open == route.server.open == 0)


async def test_what_follows_the_reply_belongs_to_the_tunnel():
    near, far = trio.testing.memory_stream_pair()
    await far.send_all(b"\5\0" + b"\5\0\0\3\4host\0\7" + b"hello")
    await open_tunnel(near, Proxy("socks5", "proxy", 1), Origin("http", "h", 80))
    assert await near.receive_some() == b"hello"

import gc
import gzip
from dataclasses import replace

import pytest
import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream import clients
from kiro_trio.upstream.clients import Clients
from kiro_trio.upstream.errors import (
    ConnectFailed,
    ConnectionLost,
    MalformedRequest,
    MalformedResponse,
    ProxyFailed,
    TLSFailed,
    UpstreamError,
)
from tests.upstream import peer
from tests.upstream.asking import both_schemes, context_for
from tests.upstream.peer import CHUNKED, OK, answering, serving, settle
from tests.upstream.proxies import PASSWORD, running

kinds = pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])


def calling(**kwargs):
    return Clients(peer.client_context(), **kwargs)


@both_schemes
async def test_a_call_goes_out_as_it_was_given(scheme):
    seen = []

    async def handler(line):
        while (request := await line.request())[0]:
            seen.append(request)
            await line.say(b"HTTP/1.1 400 Bad\r\nX-Reason: Why\r\nContent-Length: 3\r\n\r\nbad")

    made = calling()
    async with serving(handler, context_for(scheme)) as server:
        for _ in range(2):
            answer = await made.call("POST", server.url + "token", [("X-Who", "me")], b'{"a":1}')
        assert (answer.status, answer.headers["x-reason"], answer.body) == (400, "Why", b"bad")
    head, body = seen[0]
    assert head.split(b"\r\n") == [
        b"POST /token HTTP/1.1",
        b"Host: %s:%d" % (server.host.encode(), server.port),
        b"X-Who: me",
        b"Content-Length: 7",
    ]
    assert body == b'{"a":1}'
    assert "bad" not in repr(answer)


async def test_nothing_comes_from_the_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    made = calling()
    async with serving(answering(OK), peer.server_context()) as server:
        assert (await made.call("GET", server.url)).body == b"ok"
        assert (await made.client(None).get(server.url)).text == "ok"


async def test_cookies_and_redirects_are_not_followed():
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: who=ann; Path=/\r\nContent-Length: 0\r\n\r\n"
    seen = []

    async def handler(line):
        while head := (await line.request())[0]:
            seen.append(head)
            await line.say(moved)

    made = calling()
    async with serving(handler) as server:
        assert (await made.call("GET", server.url)).status == 302
        assert (await made.client(None).get(server.url)).status_code == 302
        await made.client(None).get(server.url)
    assert len(seen) == 3
    assert not any(b"cookie" in head.lower() or b"user-agent" in head.lower() for head in seen)


async def test_a_compressed_answer_is_refused_before_it_is_unpacked():
    packed = gzip.compress(bytes(5_000_000))
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with serving(answering(raw)) as server:
        with pytest.raises(MalformedResponse, match="compressed"):
            await calling().call("GET", server.url)
        assert await settle(lambda: server.open == 0)


@pytest.mark.parametrize("size", [clients.MAX_ANSWER, clients.MAX_ANSWER + 1])
async def test_answers_have_a_limit(size):
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    async with serving(answering(raw)) as server:
        if size == clients.MAX_ANSWER:
            assert len((await calling().call("GET", server.url)).body) == size
            return
        with pytest.raises(MalformedResponse, match="exceeds 4194304 bytes"):
            await calling().call("GET", server.url)
        assert await settle(lambda: server.open == 0)


@kinds
@both_schemes
async def test_calls_go_through_their_proxy(kind, scheme):
    context = peer.server_context("kiro.proxied") if scheme == "https" else None
    proxies = (
        running("http", context=peer.server_context()) if kind == "https" else running(kind.removesuffix("h"))
    )
    made = calling()
    async with serving(answering(OK), context) as server, proxies as route:
        proxy = replace(route.proxy, scheme=kind)
        url = server.url.replace(server.host, "kiro.proxied")
        for _ in range(2):
            assert (await made.call("POST", url, body=b"x", proxy=proxy)).body == b"ok"
        assert route.seen.asked == [("kiro.proxied", server.port)] * 2
        with pytest.raises(ProxyFailed) as caught:
            await made.call("GET", url, proxy=replace(proxy, password="wrong-secret"))
        assert proxy.display in str(caught.value)
        assert "secret" not in str(caught.value)
        assert PASSWORD not in repr(proxy)


async def refused(made, url, proxy=None):
    with pytest.raises(UpstreamError) as caught:
        await made.call("POST", url, [("authorization", "Bearer hush")], b"hush", proxy=proxy)
    error = caught.value
    while error:
        assert "hush" not in str(error)
        error = error.__cause__ or error.__context__
    return caught.value


async def test_failures_are_told_apart():
    async with serving(answering(OK)) as gone:
        pass
    nowhere = Proxy("http", gone.host, gone.port)
    made = calling()
    error = await refused(made, gone.url)
    assert type(error) is ConnectFailed
    assert str(error) == f"127.0.0.1:{gone.port}: Connection refused (ConnectionRefusedError)"
    error = await refused(made, "https://h/", nowhere)
    assert type(error) is ProxyFailed
    assert nowhere.display in str(error)
    async with serving(answering(OK), peer.server_context("elsewhere.example")) as server:
        error = await refused(made, server.url)
        assert type(error) is TLSFailed
        assert "SSLCertVerificationError" in str(error)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"SSH-2.0-hush\r\n\r\n", MalformedResponse),
        (CHUNKED + b"4\r\nhush\r\nhush", MalformedResponse),
        (CHUNKED + b"4\r\nhush", ConnectionLost),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhush", ConnectionLost),
        (b"", ConnectionLost),
    ],
)
async def test_answers_that_are_not_whole(raw, kind):
    async def handler(line):
        await line.request()
        await line.say(raw)

    async with serving(handler) as server:
        assert type(await refused(calling(), server.url)) is kind
        assert server.accepted == 1


async def test_a_connection_that_breaks():
    async def handler(line):
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhush")
        peer.linger(line)

    made = calling()
    async with serving(handler) as server:
        assert isinstance(await refused(made, server.url), ConnectionLost)


async def test_a_header_that_cannot_be_sent_is_named():
    made = calling()
    async with serving(answering(OK)) as server:
        for value in ("a\nhush", "hüsh-hush"):
            with pytest.raises(MalformedRequest, match="'authorization'") as caught:
                await made.call("GET", server.url, [("authorization", value)])
            assert "hush" not in str(caught.value)
            assert caught.value.__context__ is None


async def test_a_call_has_a_limit():
    async def handler(line):
        await line.request()
        await line.say(CHUNKED)
        while True:  # an answer that never stops coming
            await line.say(b"1\r\nx\r\n")
            await trio.sleep(0.01)

    made = calling(call_timeout=0.1)
    async with serving(handler) as server:
        with pytest.raises(ConnectionLost, match=r"no whole answer within 0\.1 s"):
            await made.call("GET", server.url)
        assert await settle(lambda: server.open == 0)


async def test_a_cancelled_call_closes_its_connection_and_the_next_one_works():
    async def handler(line):
        await line.request()
        if line.number <= 30:
            await line.gone()
        await line.say(OK)

    made = calling()
    async with serving(handler) as server:
        for _ in range(30):
            with trio.move_on_after(0.005):
                await made.call("POST", server.url, body=bytes(1000))
        gc.collect()  # a generator that was left behind would warn here, and warnings are errors
        while server.accepted < 30:
            with trio.move_on_after(0.005):
                await made.call("GET", server.url)
        assert (await made.call("GET", server.url)).body == b"ok"


async def test_no_call_is_ever_sent_twice():
    async def handler(line):
        seen.append(await line.request())
        if line.number == 1:
            await line.say(OK)
            await line.gone()

    seen = []
    async with serving(handler) as server:
        made = calling()
        assert (await made.call("POST", server.url)).body == b"ok"
        assert await settle(lambda: server.open == 0)
        with pytest.raises(ConnectionLost):
            await made.call("POST", server.url)
    assert len(seen) == server.accepted == 2


async def test_one_client_per_proxy_and_a_bound_on_them():
    made = calling(max_clients=2)
    first, second = Proxy("http", "proxy", 1), Proxy("http", "proxy", 1, "ann")
    client = made.client(first)
    assert client is made.client(Proxy("http", "proxy", 1))
    assert client is not made.client(second)
    assert client is made.client(first)
    made.client(None)
    assert client is made.client(first)
    assert len(made._clients) == 2

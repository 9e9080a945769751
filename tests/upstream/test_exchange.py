import pytest
import trio

from kiro_trio.upstream import exchange
from kiro_trio.upstream.errors import ConnectionLost, MalformedRequest, MalformedResponse
from tests.upstream.asking import both_schemes, client_of, context_for, get, on_memory, read_all
from tests.upstream.peer import CHUNKED, OK, answering, linger, serving, settle


@both_schemes
async def test_the_request_arrives_as_it_was_given(scheme):
    seen = []

    async def handler(line):
        seen.append(await line.request())
        await line.say(OK)

    async with serving(handler, context_for(scheme)) as server, client_of() as client:
        headers = [("X-Amz-Target", "a.b"), ("authorization", "Bearer dummy"), ("content-length", "99")]
        async with await client.request("POST", server.url + "path?q=1&r", headers, b"\0body") as response:
            assert (response.status, await read_all(response)) == (200, b"ok")
    head, body = seen[0]
    assert body == b"\0body"
    assert head.split(b"\r\n") == [
        b"POST /path?q=1&r HTTP/1.1",
        b"Host: %s:%d" % (server.host.encode(), server.port),
        b"X-Amz-Target: a.b",
        b"authorization: Bearer dummy",
        b"Content-Length: 5",
    ]


async def test_a_given_host_is_kept_and_a_get_has_no_length():
    seen = []

    async def handler(line):
        seen.append((await line.request())[0])
        await line.say(OK)

    async with serving(handler) as server, client_of() as client:
        await get(client, server.url, headers=[("host", "q.example")])
    assert seen == [b"GET / HTTP/1.1\r\nhost: q.example"]


@pytest.mark.parametrize(
    ("url", "headers", "culprit"),
    [
        ("http://h/", [("authorization", "Bearer hush\nhush")], "'authorization'"),
        ("http://h/", [("x-ümlaut", "hush")], "'x-ümlaut'"),
        ("http://h/", [("a", "1"), ("b", "höush")], "'b'"),
        ("http://h/hush hush", [], "method or target"),
        ("http://h/hush\u00e9", [], "method or target"),
        ("ftp://hush/", [], "URL"),
        ("http:///hush", [], "URL"),
        ("http://user:hush@h/", [], "URL of h"),
        ("http://h:99999/hush", [], "URL"),
        ("http://h:0/hush", [], "URL"),
        ("http://.h/", [], "URL"),
        ("hush", [], "URL"),
    ],
)
async def test_what_cannot_be_sent_is_named_but_not_shown(url, headers, culprit):
    client, streams = on_memory(lambda far: None)
    with pytest.raises(MalformedRequest) as caught:
        await client.request("GET", url, headers)
    assert culprit in str(caught.value)
    assert "hush" not in str(caught.value)
    error = caught.value
    while error := error.__cause__ or error.__context__:
        assert "hush" not in str(error)
    assert streams == []


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 50 + OK,
    ],
)
async def test_heads_that_are_refused(raw):
    async with serving(answering(raw)) as server, client_of() as client:
        with pytest.raises(MalformedResponse) as caught:
            await client.request("GET", server.url)
        assert str(server.port) in str(caught.value)
        assert "OpenSSH" not in str(caught.value)
        assert await settle(lambda: server.open == 0)


@both_schemes
@pytest.mark.parametrize("ending", ["closes", "resets", "waits"])
async def test_an_answer_that_comes_before_the_body_was_read_is_read(scheme, ending):
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large"

    async def handler(line):
        await line.stream.receive_some(1000)
        await line.say(refusal)
        if ending == "resets":
            linger(line)
        elif ending == "waits":
            await trio.sleep_forever()

    async with serving(handler, context_for(scheme)) as server, client_of() as client:
        for _ in range(3):
            with trio.fail_after(20):
                async with await client.request("POST", server.url, body=bytes(5_000_000)) as response:
                    assert response.status == 413
                    assert await response.read_limited(100) == b"too large"
            assert client.idle == 0


async def test_an_early_200_still_gets_the_whole_body():
    async def handler(line):
        await line.stream.receive_some(1000)
        await line.say(CHUNKED)
        total = 1000
        while total < 3_000_000:
            total += len(await line.stream.receive_some())
        await line.say(b"4\r\ndone\r\n0\r\n\r\n")

    async with (
        serving(handler) as server,
        client_of() as client,
        await client.request("POST", server.url, body=bytes(3_000_000)) as response,
    ):
        assert (response.status, await read_all(response)) == (200, b"done")


async def test_a_server_that_goes_away_in_mid_body_is_a_lost_connection():
    async def handler(line):
        await line.stream.receive_some(1000)
        linger(line)

    async with serving(handler) as server, client_of() as client:
        with pytest.raises(ConnectionLost) as caught:
            await client.request("POST", server.url, body=bytes(5_000_000))
        assert type(caught.value) is ConnectionLost
        assert f"{server.port}: " in str(caught.value)


PLAIN = CHUNKED[:-2] + b"Content-Type: a/b; c=d\r\nX-Empty:\r\nX-Words:  one two \r\n\r\n"
WORDS = b"2\r\nok\r\n0\r\n\r\n"
ODD = {
    "plain": PLAIN + WORDS,
    "an error": PLAIN.replace(b"200 OK", b"429 Too Many Requests") + WORDS,
    "no reason": PLAIN.replace(b"200 OK", b"200") + WORDS,
    "a close": PLAIN[:-2] + b"connection: close\r\n\r\n" + WORDS,
    "a length": OK,
    "a length and chunks": PLAIN[:-2] + b"content-length: 7\r\n\r\n" + WORDS,
    "HTTP/1.0": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0") + WORDS,
    "something before": b"HTTP/1.1 102 Processing\r\n\r\n" + PLAIN + WORDS,
    "a field twice": PLAIN[:-2] + b"x-words: three\r\n\r\n" + WORDS,
    "a folded field": PLAIN[:-2] + b"x-more: one,\r\n two\r\n\r\n" + WORDS,
    "not ASCII": PLAIN[:-2] + b"x-more: \xe4\r\n\r\n" + WORDS,
    "no content": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("step", [1, 7, 100_000])
async def test_by_hand_or_by_h11_an_answer_is_the_same(name, step):
    async def handler(line):
        while (await line.request())[0]:
            for start in range(0, len(ODD[name]), step):
                await line.say(ODD[name][start : start + step])
                await trio.lowlevel.checkpoint()

    seen = []
    for by_hand in (True, False):
        async with serving(handler) as server, client_of(by_hand=by_hand) as client:
            for more in ([], [("Connection", "close")]):
                async with await client.request("POST", server.url, more, b"body") as response:
                    body = await read_all(response)
                    seen.append((response.status, response.headers, response.framed, body))
                seen.append(client.idle)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]
    assert seen[3] == 0
    if name == "plain":
        assert seen[1] == 1
        assert seen[0][1]["x-words"] == "one two"


async def test_plain_heads_need_no_h11(monkeypatch):
    made = []
    monkeypatch.setattr(exchange.h11, "Connection", lambda *a, **k: made.append(a))
    async with serving(answering(*[ODD["plain"]] * 2)) as server, client_of() as client:
        for _ in range(2):
            async with await client.request("POST", server.url, body=b"body") as response:
                assert await read_all(response) == b"ok"
        assert client.idle == 1
    assert made == []

import pytest
import trio

from kiro_trio.upstream.errors import ConnectionLost, MalformedResponse
from kiro_trio.upstream.http1 import Http1Client
from tests.upstream import peer
from tests.upstream.asking import both_decoders, client_of, get
from tests.upstream.peer import CHUNKED, answering, serving, virtual_time


def response_bytes(kind, body):
    if kind == "length":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    if kind == "close":
        return b"HTTP/1.1 200 OK\r\n\r\n" + body
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7)
    )
    return CHUNKED + chunks + b"0\r\nX-Trailer: 1\r\n\r\n"


@both_decoders
@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_a_response_cut_at_any_byte_is_never_whole(kind, by_hand):
    body = b"0123456789" * 3
    raw = response_bytes(kind, body)

    @virtual_time
    async def main():
        for cut in range(len(raw)):
            near, far = trio.testing.memory_stream_pair()

            async def open_tcp(_host, _port, near=near):
                return near

            client = Http1Client(peer.client_context(), open_tcp=open_tcp, by_hand=by_hand)
            await far.send_all(raw[:cut])
            await far.aclose()
            received = b""
            with pytest.raises(ConnectionLost) as caught:  # noqa: PT012
                async with await client.request("GET", "http://h/") as response:
                    while piece := await response.receive_some():
                        received += piece
            assert "h:80" in str(caught.value)
            assert body.startswith(received)
            assert client.idle == 0
            if cut > raw.index(b"\r\n\r\n") + 20:
                assert received

    main()


async def test_a_body_that_lasts_until_the_close_needs_close_notify_under_tls():
    async def clean(line):
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await line.stream.unwrap()

    async def cut(line):
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\nall of")

    async with client_of() as client:
        async with serving(clean, peer.server_context()) as server:
            assert await get(client, server.url) == b"all of it"
        async with serving(cut, peer.server_context()) as server:
            with pytest.raises(ConnectionLost):
                await get(client, server.url)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("HEAD", b"200 OK\r\nContent-Length: 5"),
        ("HEAD", b"200 OK\r\nTransfer-Encoding: chunked"),
        ("GET", b"204 No Content"),
        ("GET", b"304 Not Modified\r\nETag: x"),
    ],
)
async def test_responses_without_a_body_end_at_their_head(method, head):
    async with serving(answering(b"HTTP/1.1 " + head + b"\r\n\r\n")) as server, client_of() as client:
        async with await client.request(method, server.url) as response:
            assert response.framed
            assert await response.receive_some() == b""
        assert client.idle == 1


@both_decoders
async def test_a_body_that_is_malformed_gives_its_good_part_first(by_hand):
    raw = CHUNKED + b"3\r\nabc\r\nsecret\r\n"
    async with serving(answering(raw)) as server, client_of(by_hand=by_hand) as client:
        async with await client.request("GET", server.url) as response:
            assert await response.receive_some() == b"abc"
            with pytest.raises(MalformedResponse) as caught:
                await response.receive_some()
            assert "secret" not in str(caught.value)
        assert client.idle == 0

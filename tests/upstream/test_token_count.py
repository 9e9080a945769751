import pytest

from kiro_trio.upstream.clients import Clients
from kiro_trio.upstream.token_count import PATIENCE, PAUSE, RemoteCount
from tests.upstream import peer
from tests.upstream.peer import serving

BODY = b'{ "model":"m", "messages":[{"role":"user","content":[{"type":"image","x":1.50}]}] }'
KEY = "sk-dummy-for-counting"


def response(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


class Elsewhere:
    """A server that counts, by script; the last answer for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.seen: list[tuple[bytes, bytes]] = []

    async def __call__(self, line: peer.Line) -> None:
        request = await line.request()
        self.seen.append(request)
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        await (line.say(answer) if answer else line.gone())


def counting(url: str, **more) -> RemoteCount:
    return RemoteCount(Clients(peer.client_context()), f"{url}v1/messages/count_tokens", KEY, **more)


@pytest.mark.parametrize(
    ("auth_type", "header"),
    [("x-api-key", b"x-api-key: %s" % KEY.encode()), ("bearer", b"authorization: Bearer %s" % KEY.encode())],
)
async def test_the_body_is_passed_on_byte_for_byte(auth_type, header):
    elsewhere = Elsewhere(response(b'{"input_tokens": 4711}'))
    async with serving(elsewhere) as server:
        remote = counting(server.url, auth_type=auth_type)
        assert await remote.count(BODY, beta="token-counting-2024-11-01") == 4711
    head, body = elsewhere.seen[0]
    assert body == BODY
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/messages/count_tokens HTTP/1.1"
    assert header in lines
    assert b"anthropic-version: 2023-06-01" in lines
    assert b"anthropic-beta: token-counting-2024-11-01" in lines
    assert KEY not in repr(remote)
    assert server.url not in repr(remote)


async def test_without_a_key_and_a_beta_there_are_no_such_headers():
    elsewhere = Elsewhere(response(b'{"input_tokens": 0}'))
    async with serving(elsewhere) as server:
        remote = RemoteCount(Clients(peer.client_context()), server.url, "")
        assert await remote.count(BODY) == 0
    head = elsewhere.seen[0][0].lower()
    assert not any(word in head for word in (b"x-api-key", b"authorization", b"anthropic-beta"))


@pytest.mark.parametrize(
    "answer",
    [
        response(b"{}", b"500 Oops"),
        response(b"{}", b"401 No"),
        response(b"{}"),
        response(b'{"input_tokens": "5"}'),
        response(b'{"input_tokens": -5}'),
        response(b"\xff"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
    ],
)
async def test_trouble_elsewhere_is_no_number_and_is_not_asked_for_again_at_once(answer, autojump_clock):
    elsewhere = Elsewhere(answer, response(b'{"input_tokens": 7}'))
    async with serving(elsewhere) as server:
        remote = counting(server.url)
        assert await remote.count(BODY) is None
        assert await remote.count(BODY) is None
        assert len(elsewhere.seen) == 1
        autojump_clock.jump(PAUSE + 1)
        assert await remote.count(BODY) == 7


@pytest.mark.parametrize("status", [b"400 Bad", b"404 None", b"413 Large"])
async def test_what_one_client_sent_wrong_does_not_stop_the_next(status):
    elsewhere = Elsewhere(response(b"{}", status), response(b'{"input_tokens": 7}'))
    async with serving(elsewhere) as server:
        remote = counting(server.url)
        assert await remote.count(BODY) is None
        assert await remote.count(BODY) == 7


async def test_silence_is_not_waited_for(autojump_clock):
    async with serving(Elsewhere(b"")) as server:
        remote = counting(server.url)
        began = autojump_clock.current_time()
        assert await remote.count(BODY) is None
        assert autojump_clock.current_time() - began == pytest.approx(PATIENCE, abs=0.1)


async def test_nobody_there_is_no_number():
    remote = counting("http://127.0.0.1:1/")
    assert await remote.count(BODY) is None

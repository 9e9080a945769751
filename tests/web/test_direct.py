"""The short way of prompts: what goes it, and that nobody can tell it from the long one."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from kiro_trio.simulator.script import Pause, Say
from kiro_trio.web import direct_http1
from kiro_trio.web.direct import Direct
from tests.end_to_end.house import KEY, House, house, prompt, saying, scripted
from tests.web.served import eventually, read_all

HELLO = json.dumps(prompt("Hello")).encode()
BOTH = pytest.mark.parametrize("fast_path", [True, False])


def asking(body: bytes = HELLO, path: str = "/v1/messages", more: str = f"x-api-key: {KEY}\r\n") -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body


LAST = f"x-api-key: {KEY}\r\nconnection: close\r\n"
"""With it the connection is closed after the answer, and the way is the long one."""


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths of requests that went the short way."""
    taken: list[str] = []
    begin = Direct.begin

    def watched(self: Direct, data: bytes) -> Any:
        begun = begin(self, data)
        if begun is not None:
            taken.append(data.split(b" ", 2)[1].decode())
        return begun

    with monkeypatch.context() as patch:
        patch.setattr(Direct, "begin", watched)
        yield taken


async def exchanged(here: House, *pieces: bytes, pause: float = 0.01) -> bytes:
    """Send these pieces, then end; return all that came before the connection was closed."""
    async with await trio.open_tcp_stream("127.0.0.1", here.port) as stream:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.sleep(pause)
        return await read_all(stream)


def told(answers: bytes) -> list[tuple[int, list[str], str]]:
    """Status, names of headers and body of each answer, without what differs between any two."""
    found = []
    for answer in answers.split(b"HTTP/1.1 ")[1:]:
        head, _, body = answer.decode().partition("\r\n\r\n")
        names = sorted(line.partition(":")[0].lower() for line in head.split("\r\n")[1:])
        if "transfer-encoding" in names:
            pieces, rest = [], body
            while rest and not rest.startswith("0\r\n\r\n"):
                size, _, rest = rest.partition("\r\n")
                pieces.append(rest[: int(size, 16)])
                rest = rest[int(size, 16) + 2 :]
            body = "".join(pieces) + ("" if rest == "0\r\n\r\n" else "CUT")
        found.append((int(head[:3]), names, re.sub(r"(req|msg)_\w+", r"\1_", body)))
    return found


@asynccontextmanager
async def two_houses(folder: Path, *rules: Any, **settings: Any) -> AsyncIterator[list[House]]:
    for name in ("fast", "slow"):
        (folder / name).mkdir()
    async with (
        house(folder / "fast", scripted(*rules), fast_path=True, **settings) as fast,
        house(folder / "slow", scripted(*rules), fast_path=False, **settings) as slow,
    ):
        yield [fast, slow]


ASKED = {
    "a stream": asking(),
    "a stream that is held": asking(path="/cc/v1/messages"),
    "a doubled prefix": asking(path="/v1/v1/messages?beta=true"),
    "in one piece": asking(json.dumps(prompt("Hello", stream=False)).encode()),
    "a field too many": asking(json.dumps(prompt("Hello", max_tokens=-1)).encode()),
    "no JSON": asking(b"{"),
    "no body": asking(b""),
    "an unknown model": asking(json.dumps(prompt("Hello", model="gpt-9")).encode()),
    "a wrong key": asking(more="x-api-key: wrong\r\n"),
    "no key": asking(more=""),
    "a bearer": asking(more=f"Authorization: Bearer {KEY}\r\n"),
    "a wrong path": asking(path="/v1/message"),
}


async def test_both_ways_answer_the_same(tmp_path) -> None:
    async with two_houses(tmp_path, saying(Say("Hello there."))) as houses:
        for name, request in ASKED.items():
            fast, slow = [
                told(await exchanged(here, request, asking(b"", "/nowhere", LAST))) for here in houses
            ]
            assert len(fast) == 2, name
            assert fast == slow, name


async def test_prompts_go_the_short_way_and_all_else_the_long_one(tmp_path, monkeypatch) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello there.")))) as here:
        with counted(monkeypatch) as taken:
            for request in ASKED.values():
                await exchanged(here, request, asking(b"", "/nowhere", LAST))
            await here.http.get("/v1/models", headers={"x-api-key": KEY})
            await here.post(prompt("Hello"))
            async with here.anthropic() as sdk:
                await sdk.messages.count_tokens(
                    model="claude-sonnet-4-5", messages=[{"role": "user", "content": "Hello"}]
                )
        assert taken == [
            *("/v1/messages", "/cc/v1/messages", "/v1/v1/messages?beta=true"),
            *("/v1/messages",) * 5,  # in one piece, and four that are wrong
            "/v1/messages",  # a bearer
            "/v1/messages",  # httpx
        ]


async def test_without_the_setting_nothing_goes_the_short_way(tmp_path, monkeypatch) -> None:
    async with house(tmp_path, fast_path=False) as here:
        with counted(monkeypatch) as taken:
            assert (await here.post(prompt("Hello"))).status_code == 200
        assert taken == []


async def test_a_request_may_come_in_any_pieces(tmp_path, monkeypatch) -> None:
    body = json.dumps(prompt("Hello " * 20_000)).encode()
    whole = asking(body)
    head = whole.index(b"\r\n\r\n") + 4
    async with house(tmp_path, scripted(saying(Say("Hello there.")))) as here:
        with counted(monkeypatch) as taken:
            for cuts in (
                [head],
                [head, head + 1, head + 50_000],
                [head + 10, len(whole) - 1],
                [10, head],
                [1],
            ):
                pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
                answers = told(await exchanged(here, *pieces, asking(b"", "/nowhere", LAST)))
                assert [status for status, _, _ in answers] == [200, 404], cuts
                assert "Hello there." in answers[0][2]
        assert len(taken) == 3  # a head that is not whole is h11's


@BOTH
async def test_requests_behind_one_another_are_answered_in_their_order(tmp_path, fast_path: bool) -> None:
    rules = [saying(Say(f"This is {name}."), prompt=name) for name in ("one", "two", "three")]
    asked = [asking(json.dumps(prompt(f"Say {name}")).encode()) for name in ("one", "two", "three")]
    models = f"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n".encode()
    async with house(tmp_path, scripted(*rules), fast_path=fast_path) as here:
        sent = b"".join([asked[0], models, asked[1], asked[2], asking(b"", "/nowhere", LAST)])
        answers = told(await exchanged(here, sent))
    assert [status for status, _, _ in answers] == [200, 200, 200, 200, 404]
    for number, words in ((0, "This is one."), (1, "claude"), (2, "This is two."), (3, "This is three.")):
        assert words in answers[number][2]


@BOTH
async def test_a_body_that_does_not_come_is_given_up(tmp_path, fast_path: bool) -> None:
    async with house(tmp_path, fast_path=fast_path, body_timeout=0.2) as here:
        ((status, _, body),) = told((await exchanged(here, asking()[:-5])).partition(b"HTTP/1.1 400")[0])
        assert status == 408
        assert json.loads(body)["error"]["type"] == "timeout_error"
        assert here.chats() == []


async def test_a_body_is_given_its_whole_time(tmp_path) -> None:
    async with house(tmp_path, body_timeout=5.0) as here:
        answers = told(
            await exchanged(here, asking()[:-5], asking()[-5:], asking(b"", "/nowhere", LAST), pause=0.2)
        )
        assert [status for status, _, _ in answers] == [200, 404]


async def test_a_client_that_leaves_within_its_request_leaves_nothing(tmp_path) -> None:
    async with house(tmp_path) as here:
        stream = await trio.open_tcp_stream("127.0.0.1", here.port)
        await stream.send_all(asking()[:-5])
        await trio.sleep(0.1)
        connected = trio.lowlevel.current_statistics().tasks_living
        await stream.aclose()
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living < connected)
        assert here.chats() == []


async def test_a_client_that_ends_its_side_is_gone(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello"), Pause()))) as here:
        async with await trio.open_tcp_stream("127.0.0.1", here.port) as stream:
            await stream.send_all(asking())
            await stream.receive_some(1)
            await stream.send_eof()
            assert not (await read_all(stream)).endswith(b"0\r\n\r\n")
        with trio.fail_after(5):
            await here.chats()[0].ended.wait()


async def test_a_client_that_leaves_while_another_request_waits_is_noticed_in_the_end(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello"), Pause(0.3), Say("there"), nth=(1,)))) as here:
        stream = await trio.open_tcp_stream("127.0.0.1", here.port)
        await stream.send_all(asking() + asking())
        await stream.receive_some(1)
        connected = trio.lowlevel.current_statistics().tasks_living
        await stream.aclose()
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living <= connected - 3)
        await eventually(lambda: all(chat.ended.is_set() for chat in here.chats()))


async def test_a_limit_is_told_as_on_the_long_way(tmp_path) -> None:
    async with two_houses(tmp_path, saying(Say("Hello")), admin_api_key="sk-owner") as houses:
        answers = []
        for here in houses:
            made = await here.http.post(
                "/api/admin/keys", json={"name": "robot", "perMinute": 1}, headers={"x-api-key": "sk-owner"}
            )
            mine = f"x-api-key: {made.json()['secret']}\r\n"
            answers.append(told(await exchanged(here, asking(more=mine) * 2, asking(b"", "/nowhere", LAST))))
        assert [status for status, _, _ in answers[0]] == [200, 429, 404]
        assert "retry-after" in answers[0][1][1]
        assert answers[0] == answers[1]


async def test_a_bug_before_the_answer_is_said_and_one_in_it_is_seen(tmp_path, monkeypatch) -> None:
    async def broken(*_arguments: object) -> Any:
        raise KeyError("of ours")

    async def half(*_arguments: object) -> Any:
        async def conduct(door: Any) -> None:
            await door.start(200, [])
            await door.write(b"half")
            raise ExceptionGroup("several", [KeyError("of ours")])

        return conduct

    async with house(tmp_path, scripted(saying(Say("Hello")))) as here:
        with monkeypatch.context() as patch:
            patch.setattr(direct_http1, "prepare", broken)
            (bug, after) = told(await exchanged(here, asking(), asking(b"", "/nowhere", LAST)))
            patch.setattr(direct_http1, "prepare", half)
            cut = await exchanged(here, asking())
        assert bug[0] == 500
        assert "of ours" not in bug[2]
        assert after[0] == 404
        assert cut.endswith(b"4\r\nhalf\r\n")
        assert (await here.post(prompt("Hello"))).status_code == 200


async def test_an_answer_that_is_running_ends_before_a_stop(tmp_path) -> None:
    slow = saying(Say("Hello"), Pause(0.3), Say(" there."))
    async with house(tmp_path, scripted(slow), shutdown_grace=5.0) as here:
        async with await trio.open_tcp_stream("127.0.0.1", here.port) as stream:
            await stream.send_all(asking())
            await stream.receive_some(1)
            here.shutdown.set()
            assert (await read_all(stream)).endswith(b"0\r\n\r\n")
        with trio.fail_after(5):
            await here.stopped.wait()


async def test_a_stop_ends_what_takes_too_long_with_an_error_event(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello"), Pause())), shutdown_grace=0.1) as here:
        async with await trio.open_tcp_stream("127.0.0.1", here.port) as stream:
            await stream.send_all(asking())
            await stream.receive_some(1)
            here.shutdown.set()
            rest = await read_all(stream)
        assert b"overloaded_error" in rest
        assert rest.endswith(b"0\r\n\r\n")

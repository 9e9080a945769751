"""Played back, an exchange ends as it ended: what the client saw then is what one sees now."""

import re
from itertools import groupby

import pytest
import trio
from outcome import acapture

from kiro_trio.captures.capture import NotACapture, decode_capture, encode_capture
from kiro_trio.cli.playback import player_of, settings_of
from kiro_trio.cli.replay_ending import as_captured
from kiro_trio.cli.replay_file import Given, Unreadable, read_given
from kiro_trio.cli.replay_house import Place, opened
from kiro_trio.simulator.script import CallTool, Corrupt, Cut, Framing, Garbage, Say, Stall, Throw
from tests.end_to_end.house import events, house, prompt, saying, scripted, text_of
from tests.gateway.test_capturing import kept

SAY = Say("One two three four five six seven.", piece=3)

EXCHANGES = {
    "refused": saying(status="improper"),
    "refused with a reason": saying(status="tool-schema"),
    "an error of Kiro's": saying(status="internal"),
    "cut at once": saying(SAY, misfortunes=[Cut(how="close")]),
    "cut after words": saying(SAY, misfortunes=[Cut(700, "close")]),
    "reset after words": saying(SAY, misfortunes=[Cut(700)]),
    "silent from the first": saying(SAY, misfortunes=[Stall()]),
    "silent after words": saying(SAY, misfortunes=[Stall(700)]),
    "corrupt after words": saying(SAY, misfortunes=[Corrupt(frame=4, byte=40)]),
    "corrupt at once": saying(SAY, misfortunes=[Corrupt(frame=0, byte=3)]),
    "without an end of its own, and cut": saying(SAY, misfortunes=[Framing("close"), Cut(700)]),
    "no stream": saying(SAY, misfortunes=[Garbage()]),
    "a call that is cut short": saying(SAY, CallTool("Look", '{"path": "a', stop=False)),
    "an exception in the stream": saying(SAY, Throw("InternalServerException", "no")),
    "whole": saying(SAY),
}

TOOLS = [{"name": "Look", "description": "Looks.", "input_schema": {"type": "object"}}]


def plain(answer):
    """An answer without what is another each time: names, and how words come in pieces."""
    if not answer.startswith(b"event: "):
        return re.sub(rb"(msg|req|toolu|tooluse)_\w+", b"#", answer)
    found = events(answer)
    return [name for name, _ in groupby(name for name, _ in found)], text_of(found), found[-1]


IN_ONE_PIECE = ("refused", "cut after words", "silent after words", "whole")
CASES = [*((name, True) for name in EXCHANGES), *((name, False) for name in IN_ONE_PIECE)]

HASTE = {"idle_timeout": 0.3, "first_byte_timeout": 0.3}
"""For who is silent; who speaks may take its time on a busy machine."""

AT_ONCE = 4


async def answered_twice(folder, name, stream):
    """What the client was answered, how often Kiro was asked, the capture; how it ends played back, and with what."""
    settings = {"capture_folder": str(folder / "captures"), "capture_which": "all", "capture_prose": "words"}
    settings |= HASTE if name.startswith("silent") else {}
    async with house(folder, scripted(EXCHANGES[name]), **settings) as here:
        answer = await here.post(prompt("Hello", stream=stream, tools=TOOLS))
        (capture,) = await kept(folder / "captures")
        tries = len(here.chats())
    pieces = []
    given = Given("x", "anthropic", capture.asked.body, capture.asked.path, {}, capture)
    async with opened(given, Place()) as asker:
        ended = await asker.ask(given.body, pieces.append)
    return answer, tries, capture, ended, b"".join(pieces)


@pytest.fixture(scope="module")
def all_answered(tmp_path_factory):
    """All cases, some at a time: most of each is waiting, for who is silent and before the next try."""
    found = {}

    async def answer(case, limit) -> None:
        async with limit:
            found[case] = await acapture(answered_twice, tmp_path_factory.mktemp("playback"), *case)

    async def answer_all() -> None:
        limit = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            for case in CASES:
                nursery.start_soon(answer, case, limit)

    trio.run(answer_all)
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_capture_is_answered_as_the_client_was(all_answered, case) -> None:
    answer, tries, capture, ended, played = all_answered[case].unwrap()
    assert ended.signature == as_captured(capture.answer).signature
    assert ended.status == answer.status_code
    assert plain(played) == plain(answer.content)
    assert ended.whole == (case[0] == "whole")
    assert len(player_of(capture).script.rules) == tries + 1


async def test_a_capture_without_words_is_answered_as_long_and_ends_alike(tmp_path) -> None:
    folder = tmp_path / "captures"
    async with house(tmp_path, scripted(EXCHANGES["cut after words"]), capture_folder=str(folder)) as here:
        answer = await here.post(prompt("Hello"))
        (capture,) = await kept(folder)
    pieces = []
    given = Given("x", "anthropic", capture.asked.body, capture.asked.path, {}, capture)
    async with opened(given, Place()) as asker:
        ended = await asker.ask(given.body, pieces.append)
    assert ended.signature == as_captured(capture.answer).signature
    (names, said, _), (names_again, said_again, _) = plain(answer.content), plain(b"".join(pieces))
    assert names_again == names
    assert len(said_again) == len(said)
    assert said_again.startswith("Xxx xxx")
    assert b"One" in answer.content
    assert b"One" not in b"".join(pieces)


def foreign(**changes):
    """A capture from somebody else."""
    capture = {
        "format": "kiro-trio capture", "version": 1, "gateway": "0", "id": "r", "at": 1, "prose": "filler",
        "asked": {"path": "/v1/messages", "headers": {}, "size": 2, "body": {}},
        "answer": {"outcome": "bad_request", "status": 400},
    }  # fmt: skip
    return decode_capture({**capture, **changes})


def test_a_capture_sets_nothing_but_how_things_are_said() -> None:
    settings = {
        "thinkingHistory": "drop",
        "proxyUrl": "http://elsewhere:1",
        "upstreamUrl": "http://elsewhere",
        "zoo": 1,
    }
    chosen = settings_of(foreign(settings=settings))
    assert (chosen.thinking_history, chosen.proxy_url, chosen.upstream_url) == ("drop", "", "")
    with pytest.raises(NotACapture, match="damaged"):
        settings_of(foreign(settings={"sizeHints": "perhaps"}))


def test_a_capture_asks_nobody_else(tmp_path) -> None:
    path = tmp_path / "x.json"
    asked = {"path": "//elsewhere/v1/messages", "headers": {}, "size": 2, "body": {}}
    path.write_bytes(encode_capture(foreign(asked=asked), 10**6))
    with pytest.raises(Unreadable, match="damaged"):
        read_given(str(path))
    headers = {"x-api-key": "k", "user-agent": "a\r\nb: c", "anthropic-beta": "one"}
    path.write_bytes(
        encode_capture(foreign(asked={**asked, "path": "/v1/messages", "headers": headers}), 10**6)
    )
    assert read_given(str(path)).headers == {"anthropic-beta": "one"}


@pytest.mark.parametrize("status", [99, 101, 600, "x"])
def test_a_status_that_is_none_is_damage(status) -> None:
    exchange = {"endpoint": "ide", "said": None, "status": status}
    with pytest.raises(NotACapture, match="damaged"):
        foreign(tries=[{"account": 1, "seconds": 1, "outcome": "x", "exchanges": [exchange]}])

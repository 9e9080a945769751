"""What time it is belongs to the turn: the head of a conversation stays the same when the clock moves on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.prompt import Prompt, Text, Turn
from kiro_trio.kiro.request import build_request
from kiro_trio.kiro.system import client_text

ID = "11111111-1111-4111-8111-111111111111"
TELLS_THE_TIME = [
    "Today's date: 2026-11-22",
    "Today\u2019s date is Nov 22, 2026.",
    "Current time: 12:34:56 UTC",
    "  - The current date and time is 2026-11-22T12:34:56Z",
    "Today is Sunday, November 22",
    "CURRENT DATE: 11/22/2026",
]
SAYS_SOMETHING_ELSE = [
    "Write dates as 2026-11-22.",
    "The current directory is /srv/2026-11-22",
    "Today we work on the parser",
    "Currently 3 files are open, one from 12:30",
    "now: see section 10:30",
]


def request_of(system: str):
    prompt = Prompt("claude-sonnet-4-5", (Turn("user", (Text("Hello"),)),), system=(system,))
    return build_request(prompt, conversation_id=ID, continuation_id=ID)


@pytest.mark.parametrize("line", TELLS_THE_TIME)
def test_a_line_that_tells_the_time_goes_into_the_turn(line: str) -> None:
    request = request_of(f"You are an agent.\n{line}\nBe brief.")
    state = json.loads(request.body(origin="AI_EDITOR", agent_fields=True, profile_arn=None))[
        "conversationState"
    ]
    assert line.strip() in state["currentMessage"]["userInputMessage"]["content"]
    assert line.strip() not in state["history"][0]["userInputMessage"]["content"]
    assert any("tells the time" in warning for warning in request.warnings)


@pytest.mark.parametrize("line", SAYS_SOMETHING_ELSE)
def test_other_lines_stay_where_they_are(line: str) -> None:
    text = f"You are an agent.\n{line}\nBe brief."
    assert client_text([text]) == (text, "")


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        ("Today's date: 2026-11-22\nBe brief.", "Be brief."),
        ("You are an agent.\nToday's date: 2026-11-22\nBe brief.", "You are an agent.\nBe brief."),
        ("You are an agent.\nToday's date: 2026-11-22", "You are an agent."),
        ("Today's date: 2026-11-22\nIt is now 12:30", ""),
    ],
)
def test_a_line_goes_with_one_line_end(text: str, stable: str) -> None:
    assert client_text([text])[0] == stable


def test_the_head_is_the_same_whatever_the_time() -> None:
    hashes = {
        request_of(f"You are an agent.\nToday's date: 2026-11-{day}\nBe brief.").prefix_hash
        for day in range(10, 30)
    }
    assert len(hashes) == 1


@given(st.lists(st.sampled_from(TELLS_THE_TIME + SAYS_SOMETHING_ELSE) | st.text(max_size=40), max_size=8))
def test_no_words_are_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    stable, clock = client_text([text])
    if not text or text.isspace():
        assert (stable, clock) == ("", "")
        return
    assert sorted("".join((stable + clock).split())) == sorted("".join(text.split()))
    assert client_text([stable])[1] == "" or clock

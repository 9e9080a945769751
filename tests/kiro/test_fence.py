import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.kiro.fence import Unfenced

JSON = '{"title": "A `word` and\\n```\\n"}'


def unfenced(*pieces: str) -> str:
    fence = Unfenced()
    return "".join([*map(fence.feed, pieces), fence.end()])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (JSON, JSON),
        (f"```json\n{JSON}\n```", JSON),
        (f"\n```JSON \r\n{JSON}\n\n```\n", JSON),
        (f"```\n{JSON}\n```", JSON),
        (f"```json\n{JSON}", JSON),
        (f"```json\n{JSON}\n", f"{JSON}\n"),
        (f"```json\n{JSON}```", JSON),
        # What is more than a fence is kept to the letter.
        (f"```python\n{JSON}\n```", f"```python\n{JSON}\n```"),
        (f"Here it is:\n```json\n{JSON}\n```", f"Here it is:\n```json\n{JSON}\n```"),
        (f"```json\n{JSON}\n```\nHope that helps!", f"{JSON}\n```\nHope that helps!"),
        ("``", "``"),
        ("```json", "```json"),
        (" ", " "),
        ("", ""),
        ("null", "null"),
    ],
)
def test_a_fence_round_the_whole_answer_goes_and_nothing_else(said, wanted):
    assert unfenced(said) == wanted
    assert unfenced(*said) == wanted


def test_many_backticks_are_no_fence_in_pieces_either():
    said = "```\n" + "`" * 18
    assert unfenced(said) == "`" * 18
    assert unfenced("```\n```", "```", "`````````", "```") == "`" * 18


PIECES = st.lists(
    st.sampled_from(["```", "``", "`", "json", "\n", " ", "{}", "x", "\r\n", " " * 150]), max_size=12
)


@given(PIECES, st.randoms())
def test_the_pieces_do_not_matter(pieces, random):
    said = "".join(pieces)
    cuts = sorted(random.randint(0, len(said)) for _ in range(5))
    parts = [said[start:end] for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    if len(said) < 200:
        assert unfenced(*parts) == unfenced(said)


@given(st.text(alphabet="`json{} \n\rx", max_size=60))
def test_nothing_but_fences_and_white_space_is_lost(said):
    found = unfenced(*said)
    opening = re.match(r"\s*```(json|jsonc)?[ \t]*\r?\n", said)
    rest = said[opening.end() :] if opening else said
    assert rest.startswith(found)
    assert rest[len(found) :].strip() in ({"", "```"} if opening else {""})
    assert opening or found == said


@given(st.text(alphabet=" `\nx", max_size=400))
def test_little_is_held_back(said):
    fence, given_back = Unfenced(), 0
    for count, character in enumerate(said, 1):
        given_back += len(fence.feed(character))
        assert count - given_back <= 210


def test_whether_it_is_json_is_known():
    for said, expected in ((JSON, True), (f"```json\n{JSON}\n```", True), ("Sorry, no.", False), ("", False)):
        fence = Unfenced()
        fence.feed(said)
        fence.end()
        assert fence.is_json is expected
    assert json.loads(JSON)

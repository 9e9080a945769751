from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.kiro.model_names import ClaudeName, Reading, parse_claude, plain_name, readings


@settings(max_examples=60)
@given(
    st.text(max_size=60)
    | st.from_regex(r"(claude-)?[a-z0-9.-]{0,20}(-thinking|-high|-20250101|\[1m\]){0,3}", fullmatch=True)
)
def test_readings_begin_with_the_name_itself_and_take_ever_more_off_it(asked):
    read = list(readings(asked))
    assert read[0] == Reading(plain_name(asked))
    lengths = [len(reading.name) for reading in read]
    assert all(later <= earlier + 1 for earlier, later in pairwise(lengths))
    assert len(read) == len(set(read))


def test_everything_that_a_name_says_is_read_step_by_step():
    assert list(readings("Claude-Opus-4-6-20260204-thinking-high")) == [
        Reading("claude-opus-4-6-20260204-thinking-high"),
        Reading("claude-opus-4.6-20260204-thinking-high"),
        Reading("claude-opus-4-6-20260204-thinking", effort="high"),
        Reading("claude-opus-4.6-20260204-thinking", effort="high"),
        Reading("claude-opus-4-6-20260204", thinking=True, effort="high"),
        Reading("claude-opus-4.6-20260204", thinking=True, effort="high"),
        Reading("claude-opus-4-6", thinking=True, effort="high"),
        Reading("claude-opus-4.6", thinking=True, effort="high"),
    ]


@pytest.mark.parametrize(
    ("name", "claude"),
    [
        ("claude-opus-4-6", ClaudeName("opus", (4, 6))),
        ("claude-3-5-haiku", ClaudeName("haiku", (3, 5))),
        ("claude-sonnet-4", ClaudeName("sonnet", (4, 0))),
        ("claude-opus-5.5-fast", ClaudeName("opus", (5, 5))),
        ("claude-opus", ClaudeName("opus", (0, 0))),
        ("sonnet", ClaudeName("sonnet", (0, 0))),
        ("claude-sonnet-" + "9" * 5000, ClaudeName("sonnet", (0, 0))),
        ("claude-2.1", None),
        ("claude", None),
        ("gpt-5", None),
        ("", None),
    ],
)
def test_claude_models_have_a_family_and_a_version(name, claude):
    assert parse_claude(name) == claude


def test_a_name_that_nobody_has_given_to_a_model_is_not_taken_apart():
    assert len(list(readings("x" + "-max" * 63))) == 64
    assert list(readings("x" + "-max" * 10_000)) == [Reading("x" + "-max" * 10_000)]

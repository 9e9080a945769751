import base64
import struct
import time
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.conversation.prompt import (
    Document,
    Image,
    Prompt,
    RedactedThinking,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    WebSearch,
)
from kiro_trio.conversation.tokens import Tally, estimate_text, estimate_tokens, text_units, tokens_of

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 750, 100)).decode()
WORDS = "The quick brown fox jumps over the lazy dog. "


def says(*blocks, **changes) -> int:
    return estimate_tokens(Prompt(**({"model": "m", "turns": (Turn("user", blocks),)} | changes)))


@settings(max_examples=40)
@given(st.text(st.sampled_from("aZ 9\n{äЖ請😀"), min_size=1, max_size=30), st.integers(1, 400))
def test_a_long_text_counts_as_its_characters_do_whatever_its_script(text, times) -> None:
    assert text_units(text * times) == times * sum(map(text_units, text))


LONG = WORDS * 20


@pytest.mark.parametrize(
    "block",
    [
        Text(LONG),
        Thinking(LONG),
        RedactedThinking(LONG),
        ToolUse("t", "Read", {"path": LONG}),
        ToolUse("t", "Read", {"path": [{"deep": LONG}]}),
        ToolUse("t", "Read", MappingProxyType({"path": LONG})),
        ToolUse("t", "Read", {"path": LONG + "\ud800"}),
        ToolResult("t", (Text(LONG),)),
        ToolResult("t", (Image("image/png", PNG),)),
        Image("image/png", PNG),
        Document("application/pdf", "JVBERi0="),
    ],
    ids=range(11),
)
def test_no_block_is_overlooked(block) -> None:
    assert says(block) >= says() + 100


def test_nothing_else_of_a_prompt_is_overlooked() -> None:
    for changes in (
        {"system": (LONG,)},
        {"tools": (Tool("Read", LONG, {}),)},
        {"tools": (Tool("Read", "", {"d": LONG}),)},
        {"json_schema": {"d": LONG}},
    ):
        assert says(**changes) >= says() + 100
    assert says(web_search=WebSearch()) > says()


def test_a_picture_counts_by_its_size() -> None:
    assert says(Image("image/png", PNG)) - says() == 100


PROSE = (
    "Structured concurrency gives every task a parent that waits for it. When one of them fails, its siblings are "
    "cancelled, and the error arrives where the tasks were started, not in a log that nobody reads. "
)
CODE = '''def parse(line: str) -> tuple[str, int]:
    """Split a line into its name and its number."""
    name, _, number = line.partition(":")
    if not number.strip().isdigit():
        raise ValueError(f"no number in {line!r}")
    return name.strip(), int(number)
'''
SCHEMA = (
    '{"name":"Read","description":"Read a file","input_schema":{"type":"object","properties":{"file_path":'
    '{"type":"string","description":"The absolute path"},"limit":{"type":"integer","minimum":1}},'
    '"required":["file_path"],"additionalProperties":false}}'
)
CHINESE = "结构化并发使程序中的任务始终有明确的生命周期。当一个任务失败时,同一作用域内的其他任务会被取消,错误向上传播。"


@pytest.mark.parametrize(
    ("text", "true"),
    [
        # Counted with the tokenizer of Anthropic's Python SDK 0.38.
        ("", 0),
        (PROSE, 43),
        (CODE, 70),
        (SCHEMA, 58),
        (CHINESE, 45),
    ],
    ids=["nothing", "prose", "code", "schema", "chinese"],
)
def test_the_estimate_is_near_the_truth(text, true) -> None:
    assert true * 0.75 <= estimate_text(text) <= true * 1.35


@given(st.lists(st.text() | st.text("a中\n", min_size=900, max_size=1100), max_size=6), st.integers(0, 10**6))
def test_pieces_count_together_what_they_count_one_by_one(pieces, most) -> None:
    tally, units = Tally(), 0
    for number, piece in enumerate(pieces):
        if not tally.may_exceed(most, piece):
            assert units + text_units(piece) <= most
        tally.add(piece)
        units += text_units(piece)
        if number % 2:
            assert tally.units == units
    assert tally.units == units
    assert tally.may_exceed(units - 1, "")


def test_half_characters_count_too() -> None:
    assert estimate_text("\ud800" * 100) >= 100


def test_whole_tokens_are_rounded_up() -> None:
    assert [tokens_of(units) for units in (0, 1, 100, 101)] == [0, 1, 1, 2]


def test_a_megabyte_takes_milliseconds() -> None:
    prompt = Prompt("m", tuple(Turn("user", (Text((WORDS * 50)[:2000]),)) for _ in range(500)))
    timings = []
    for _ in range(5):
        start = time.process_time()
        estimate_tokens(prompt)
        timings.append(time.process_time() - start)
    assert min(timings) < 0.06  # 6 ms when nobody else is there

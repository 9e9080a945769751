import time

import pytest

from fuzz.targets.thinking_splitter import joined
from kiro_trio.conversation.reply import TextDelta, ThinkingDelta
from kiro_trio.kiro.thinking import TAGS, ThinkingSplitter

TOOL = object()
"""Stands for an event that ends a segment."""


def split(*pieces, tags=TAGS):
    splitter = ThinkingSplitter(tags)
    spans = []
    for piece in pieces:
        spans += splitter.end() if piece is TOOL else splitter.feed(piece)
    return spans + splitter.end()


VECTORS = {
    "1": (["<thi", "nking>\nAB", "C</thinking>\n\nHi"], [("T", "ABC"), ("X", "Hi")]),
    "2": (["\n\n<thinking>\na\n</thinking>\n\nb"], [("T", "a"), ("X", "b")]),
    "3": (["<thinking>abc</thinking>Answer"], [("T", "abc"), ("X", "Answer")]),
    "4": (["<thinking>done.</thinking>\n\nAnswer"], [("T", "done."), ("X", "Answer")]),
    "5": (["<thinking>say `</thinking>` now\n</thinking>\n\nok"], [("T", "say `</thinking>` now"), ("X", "ok")]),
    "6": (["<thinking>a</thinking>", TOOL], [("T", "a")]),
    "7": (["<thinking>a", TOOL], [("T", "a")]),
    "8": (["<thinking>a</thinking>\n\n"], [("T", "a")]),
    "9": (["Hello <thinking> is a tag"], [("X", "Hello <thinking> is a tag")]),
    "10": (["plain answer"], [("X", "plain answer")]),
    "11": (["<thinking>é", "ü</thinking>ö"], [("T", "éü"), ("X", "ö")]),
    "12": (["text<"], [("X", "text<")]),
    "13": (["<thinking></thinking>\n\nx"], [("X", "x")]),
    "parenthesis behind the opening tag": (["<thinking>(a)</thinking>b"], [("T", "(a)"), ("X", "b")]),
    "stars behind the opening tag": (["<thinking>**a**\n</thinking>\nb"], [("T", "**a**"), ("X", "b")]),
    "answer on the next line": (["<thinking>a\n</thinking>\nb"], [("T", "a"), ("X", "b")]),
    "a quotation ends at the tag": (['<thinking>he said "done"</thinking>\nb'], [("T", 'he said "done"'), ("X", "b")]),
    "different quotes are none": (["<thinking>a`</thinking>'b"], [("T", "a`"), ("X", "'b")]),
    "a quote at the end": (["<thinking>a`</thinking>"], [("T", "a`")]),
    "white space alone": ([" \n\t "], []),
    "white space before words": (["\n  a"], [("X", "\n  a")]),
    "a beginning of a tag": (["  <think"], [("X", "  <think")]),
    "an empty line of thought": (["<thinking>\n\n</thinking>x"], [("X", "x")]),
    "only an opening tag": (["<thinking>\n"], []),
    "thought without an end": (["<thinking>a\n"], [("T", "a\n")]),
    "thought that ends in half a tag": (["<thinking>a</think"], [("T", "a</think")]),
    "thinks again behind a tool": (
        ["<thinking>a</thinking>b", TOOL, "\n<thinking>c</thinking>d"],
        [("T", "a"), ("X", "b"), ("T", "c"), ("X", "d")],
    ),
    "words, then a tag behind a tool": (["a", TOOL, "b<thinking>"], [("X", "ab<thinking>")]),
    "tags of the answer": (["<thinking>a</thinking>b<thinking>c</thinking>"], [("T", "a"), ("X", "b<thinking>c</thinking>")]),
    "another family's tag": (["<think>a</thinking></think>b"], [("T", "a</thinking>"), ("X", "b")]),
    "reasoning": (["<reasoning>a</reasoning>b"], [("T", "a"), ("X", "b")]),
    "a code block": (
        ["<thinking>\n```xml\n</thinking>\n<a/>\n```\nso</thinking>\nb"],
        [("T", "```xml\n</thinking>\n<a/>\n```\nso"), ("X", "b")],
    ),
    "an indented code block": (["<thinking>a\n  ~~~\nx</thinking>\n  ~~~\n</thinking>b"], [("T", "a\n  ~~~\nx</thinking>\n  ~~~"), ("X", "b")]),
    "a code block in another": (["<thinking>~~~\n```\n~~~\na</thinking>b"], [("T", "~~~\n```\n~~~\na"), ("X", "b")]),
    "a code block that nobody closed": (["<thinking>\n```\nx\n</thinking>\n\nb"], [("T", "```\nx"), ("X", "b")]),
    "a code block that nobody closed, and no answer": (["<thinking>\n```\nx\n</thinking>\n", TOOL], [("T", "```\nx")]),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name) -> None:
    pieces, wanted = VECTORS[name]
    assert joined(split(*pieces)) == wanted


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_character_by_character(name) -> None:
    pieces, wanted = VECTORS[name]
    apart = [character for piece in pieces for character in ([piece] if piece is TOOL else piece)]
    assert joined(split(*apart)) == wanted


def test_plain_text_is_not_held_back() -> None:
    splitter = ThinkingSplitter()
    assert splitter.feed("plain <") == [TextDelta("plain <")]
    assert splitter.feed("") == []
    assert splitter.feed("thinking>") == [TextDelta("thinking>")]


def test_thinking_is_given_as_it_comes() -> None:
    splitter = ThinkingSplitter()
    assert splitter.feed("<thinking>one ") == [ThinkingDelta("one ")]
    assert splitter.feed("two <") == [ThinkingDelta("two ")]
    assert splitter.feed("b>") == [ThinkingDelta("<b>")]


@pytest.mark.parametrize("piece", ["<", "`", "\n", "</thinkin", " ", "```\n", "`</thinking>`"])
def test_time_is_linear(piece) -> None:
    def seconds(count: int) -> float:
        splitter = ThinkingSplitter()
        start = time.process_time()
        splitter.feed("<thinking>")
        for _ in range(count):
            splitter.feed(piece)
        splitter.end()
        return time.process_time() - start

    small = min(seconds(2_000) for _ in range(3))
    assert seconds(16_000) < 8 * small * 4 + 0.05

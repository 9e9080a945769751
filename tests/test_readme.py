"""The two READMEs say the same, and what they quote is what the program says."""

import ast
import errno
import os
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
ENGLISH, CHINESE = ((HOUSE / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
SECTIONS = {ENGLISH: "Troubleshooting", CHINESE: "疑难解答"}


def without_code(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text):
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), re.MULTILINE)]


def tables(text):
    """For each table what stands in its first column, and how many columns it has."""
    found = re.findall(r"(?:^\|.*\n)+", without_code(text), re.MULTILINE)
    return [
        [(row.count(" |"), code(row.split(" | ")[0])) for row in table.splitlines()[2:]] for table in found
    ]


def code(text):
    return re.findall(r"`([^`]+)`", text)


def commands(text):
    """What stands in blocks of code, without comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [[re.sub(r"\s+#.*", "", line).strip() for line in block.splitlines()] for block in blocks]


@pytest.mark.parametrize("look", [headings, tables, commands])
def test_both_have_the_same(look):
    assert look(ENGLISH)
    assert look(CHINESE) == look(ENGLISH)


def test_both_name_the_same_commands_files_and_variables():
    def named(text):
        return {
            span for span in code(without_code(text)) if re.search(r"^kiro-trio |^[A-Z_]{6,}|\.json$", span)
        }

    assert named(CHINESE) == named(ENGLISH)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["README.md", "README.zh-CN.md"])
def test_links_into_the_page_have_a_heading(text):
    names = {name.lower().replace(" ", "-") for name in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= names


def said():
    """All that the program can say, in pieces."""
    for path in (HOUSE / "kiro_trio").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def quoted(text):
    """What users may see of ours, as the section quotes it; what Claude Code says itself stands in italics there."""
    section = re.search(rf"^## {SECTIONS[text]}$(.*?)^## ", text, re.MULTILINE | re.DOTALL)[1]
    for line in section.splitlines():
        if line.startswith("| `"):
            yield from code(line.split(" | ")[0])


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["README.md", "README.zh-CN.md"])
def test_every_text_that_troubleshooting_quotes_is_one_that_the_program_says(text):
    quotes = list(quoted(text))
    assert len(quotes) > 20
    ours = [*said(), os.strerror(errno.EADDRINUSE)]
    # The status line's own beginning is put before what it says.
    pieces = [quote.removeprefix("kiro-trio: ") for quote in quotes]
    assert [piece for piece in pieces if not any(piece in words for words in ours)] == []

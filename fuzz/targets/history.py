"""Whatever turns go in, what comes out has the form that Kiro takes, loses no word, and normalising it again changes nothing.

The form is that of `kiro_trio.kiro.history`. What was said stays as it was while the conversation goes on, so that Kiro's cache holds.
"""

from collections import Counter
from collections.abc import Callable

from hypothesis import strategies as st

from fuzz.strategies.prompts import conversations, prefills
from kiro_trio.conversation.prompt import (
    Document,
    Image,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from kiro_trio.kiro.entries import Handback
from kiro_trio.kiro.history import History, normalise
from kiro_trio.kiro.options import Prefill
from tests.kiro.prompts import user
from tests.kiro.wire_rules import CALL_ID, has_empty_key

BOUNDED = 200
EXAMPLES = st.tuples(
    conversations(),
    conversations(max_turns=3),
    prefills,
    st.builds(Handback, native=st.booleans(), tags=st.booleans()),
)

_ORDER = {
    "user": [ToolResult, Text, (Image, Document)],
    "assistant": [(Thinking, RedactedThinking), Text, ToolUse],
}


def check(example, normalise: Callable[..., History] = normalise) -> None:
    (turns, words), (more, _), prefill, handback = example
    made = normalise(turns, prefill, handback)
    check_form(made.turns)
    again = normalise(made.turns, prefill, handback)
    assert again.turns == made.turns
    assert again.warnings == ()
    if prefill is Prefill.CONTINUE:
        said = everything_said(made.turns)
        assert [word for word in words if said.count(word) != 1] == []
        assert Counter(_media(made.turns)) == Counter(_media(turns))
    before = normalise((*turns, user("and now?")), prefill, handback).turns
    after = normalise((*turns, user("and now?"), *more, user("x")), prefill, handback).turns
    assert after[: len(before) - 1] == before[:-1]


def _media(turns) -> list[Image | Document]:
    """What is attached, in messages and in results of tools."""
    blocks = [block for turn in turns for block in turn.blocks]
    parts = [part for block in blocks for part in getattr(block, "content", (block,))]
    return [part for part in parts if isinstance(part, Image | Document)]


def check_form(turns: tuple[Turn, ...]) -> None:
    assert [turn.role for turn in turns] == [("user", "assistant")[n % 2] for n in range(len(turns))]
    assert len(turns) % 2 == 1 or not turns
    waiting: list[str] = []
    ids: set[str] = set()
    for turn in turns:
        assert turn.blocks
        assert _in_order(turn)
        assert all(block.text.strip() for block in turn.blocks if isinstance(block, Text))
        if turn.role == "assistant":
            assert any(isinstance(block, Text | ToolUse) for block in turn.blocks)
            waiting = [block.id for block in turn.blocks if isinstance(block, ToolUse)]
            assert len({*waiting} - ids) == len(waiting), "no id twice in a conversation"
            assert all(map(CALL_ID.fullmatch, waiting))
            assert not any(has_empty_key(block.input) for block in turn.blocks if isinstance(block, ToolUse))
            ids.update(waiting)
        else:
            _check_results([block for block in turn.blocks if isinstance(block, ToolResult)], waiting)
            waiting = []


def _in_order(turn: Turn) -> bool:
    """Whether the blocks stand as they should, with at most one text and one thinking."""
    kinds = [
        next(n for n, kind in enumerate(_ORDER[turn.role]) if isinstance(block, kind))
        for block in turn.blocks
    ]
    once = [1] if turn.role == "user" else [0, 1]
    return kinds == sorted(kinds) and all(kinds.count(kind) <= 1 for kind in once)


def _check_results(results: list[ToolResult], waiting: list[str]) -> None:
    assert sorted(block.tool_use_id for block in results) == sorted(waiting)
    for block in results:
        (part,) = block.content
        assert part.text.strip()


def everything_said(turns) -> str:
    def said(block) -> str:
        match block:
            case Text(text) | Thinking(text):
                return text
            case ToolResult(content=content):
                return "\n".join(map(said, content))
            case _:
                return ""

    return "\n".join(said(block) for turn in turns for block in turn.blocks)

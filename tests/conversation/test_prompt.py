"""Turns and blocks are values: they never change, and two that say the same are the same."""

import pytest

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


def values():
    """One of each, new every time."""
    text = Text("a")
    return (
        text,
        Image("image/png", "a"),
        Document("application/pdf", "a"),
        Thinking("a"),
        RedactedThinking("a"),
        ToolUse("a", "b", {}),
        ToolResult("a", (text,)),
        Turn("user", (text,)),
    )


def test_a_value_stays_what_it_is():
    for value in values():
        field = value.__struct_fields__[0]
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, field, getattr(value, field))
    assert values() == values()


def test_values_of_different_kinds_differ():
    assert len([(one, other) for one in values() for other in values() if one == other]) == len(values())

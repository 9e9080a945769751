"""A prompt counts at least one token, and whatever is added to it never makes it count less; pieces of a text make no difference."""

from hypothesis import strategies as st

from fuzz.strategies import prompts
from kiro_trio.conversation.prompt import Prompt, Tool, Turn
from kiro_trio.conversation.tokens import estimate_text, estimate_tokens, text_units

_TEXTS = st.text(st.characters(), max_size=30)
EXAMPLES = st.tuples(prompts.prompts(), prompts.conversations(max_turns=1), prompts.TOOLS, _TEXTS, _TEXTS)


def check(example: tuple[tuple[Prompt, list], tuple[tuple[Turn, ...], list], Tool, str, str]) -> None:
    (prompt, _), (turns, _), tool, first, second = example
    estimate = estimate_tokens(prompt)
    assert estimate >= 1
    fields = {
        name: getattr(prompt, name)
        for name in ("model", "turns", "system", "tools", "web_search", "json_schema")
    }
    for name, added in (("turns", turns), ("tools", (tool,)), ("system", (first,))):
        assert estimate_tokens(Prompt(**(fields | {name: (*fields[name], *added)}))) >= estimate
    assert text_units(first + second) == text_units(first) + text_units(second)
    assert estimate_text(first + second) >= estimate_text(first) >= 0

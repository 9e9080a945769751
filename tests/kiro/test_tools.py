import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.conversation.prompt import Choice, Prompt, Tool, ToolChoice, WebSearch
from kiro_trio.kiro.hints import NO_HINTS, Hints
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.kiro.tally import Tally
from kiro_trio.kiro.tool_names import ToolNames
from kiro_trio.kiro.tools import declare, offered_tools

HINTS = Hints()


def declared(*tools, called=(), choice=Choice.AUTO, **changes):
    tally = Tally()
    prompt = Prompt("auto", (), tools=tools, tool_choice=ToolChoice(choice))
    offered = offered_tools(prompt, tally)
    names = ToolNames([tool.name for tool in offered], called)
    made = declare(prompt, offered, called, names, RequestOptions(**changes), tally)
    specifications = {
        entry.tool_specification.name: msgspec.to_builtins(
            entry.tool_specification, builtin_types=(msgspec.Raw,)
        )
        for entry in made.entries
    }
    return specifications, made.continued, tally.warnings()


def description(tool, **changes):
    specifications, continued, warnings = declared(tool, **changes)
    ((_, specification),) = specifications.items()
    return specification["description"], continued, warnings


@settings(max_examples=60)
@given(
    st.text(st.sampled_from("ab \n"), max_size=2_000),
    st.sampled_from(["Write", "Edit", "Bash"]),
    st.integers(900, 2_000),
)
def test_nothing_of_a_long_description_is_lost_and_the_hint_stays_whole(text, name, most):
    said, continued, _ = description(Tool(name, text, {}), description_chars=most)
    hint = HINTS.by_tool.get(name, "")
    assert 0 < len(said) <= most
    assert said.endswith(hint)
    words = text if text.strip() else f"Tool: {name}"
    if continued:
        first, _, _ = said.partition("\n[The rest of this description")
        title, _, rest = continued.partition("\n")
        assert name in title
        assert first + rest == words
    else:
        assert said == (f"{words}\n{hint}" if hint else words)


def test_a_long_description_is_divided_between_lines():
    said, continued, warnings = description(Tool("Bash", "line\n" * 300, {}), description_chars=1_000)
    assert "line\n\n[The rest" in said
    assert continued.startswith("# Rest of the description of the tool Bash\nline\nline")
    assert warnings == ("description of a tool continued in the system text (1)",)


def test_a_long_description_is_cut_if_the_owner_wants_that():
    said, continued, warnings = description(
        Tool("Write", "x" * 1_000, {}), description_chars=600, continue_descriptions=False
    )
    assert said == "x" * (600 - len(HINTS.by_tool["Write"]) - 2) + "…\n" + HINTS.by_tool["Write"]
    assert continued == ""
    assert warnings == ("description of a tool cut (1)",)


def test_without_a_limit_nothing_is_cut():
    assert description(Tool("Bash", "x" * 20_000, {}), description_chars=0)[0] == "x" * 20_000


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_tool_without_a_description_gets_its_name(text):
    assert description(Tool("Bash", text, {}))[0] == "Tool: Bash"


def test_hints_are_the_owners():
    own = Hints({"save": "Short pieces."}, "Be short.")
    assert description(Tool("save", "Saves.", {}), hints=own)[0] == "Saves.\nShort pieces."
    assert description(Tool("Write", "Writes.", {}), hints=own)[0] == "Writes."
    assert description(Tool("Write", "Writes.", {}), hints=NO_HINTS)[0] == "Writes."
    assert own.policy_for(["save"]) == "Be short."
    assert own.policy_for(["Write"]) == ""


def test_tools_keep_the_clients_order_and_stand_ins_follow():
    specifications, _, warnings = declared(
        Tool("B", "b", {}), Tool("A", "a", {}), called=["Z", "A", "y.y", "b"]
    )
    assert [name[:4] for name in specifications] == ["B", "A", "Z", "y_y_"]
    assert specifications["Z"]["description"] == "Tool used in conversation history"
    assert warnings == ("stand-in declared for a tool of the history (2)",)


def test_names_are_given_once():
    specifications, _, warnings = declared(Tool("A", "one", {}), Tool("A", "two", {}))
    assert [specification["description"] for specification in specifications.values()] == ["one"]
    assert warnings == ("tool with the name of another one left out (1)",)


def test_the_placeholder_of_deferred_tools_is_not_declared():
    assert list(declared(Tool("DeferredToolPlaceholder", "never call", {}), Tool("A", "a", {}))[0]) == ["A"]


def test_without_tools_nothing_is_declared():
    assert declared() == ({}, "", ())


def test_a_chosen_web_search_is_among_the_tools():
    search = WebSearch()
    prompt = Prompt("auto", (), web_search=search, tool_choice=ToolChoice(Choice.TOOL, "web_search"))
    assert [tool.name for tool in offered_tools(prompt, Tally())] == ["web_search"]
    with pytest.raises(PromptRefused):
        offered_tools(Prompt("auto", (), tool_choice=ToolChoice(Choice.TOOL, "web_search")), Tally())

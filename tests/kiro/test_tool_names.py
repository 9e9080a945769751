import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.kiro.tool_names import VALID_NAME, ToolNames, shortened

NAMES = st.one_of(
    st.sampled_from(
        ["Read", "read", "READ", "a.b", "a/b", "a_b", "9a", "", "ü", "x" * 63, "x" * 64, "X" * 64]
    ),
    st.text(max_size=80),
    st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,70}", fullmatch=True),
)

LONG = "mcp__very_long_server_name_for_testing__do_something_really_long_and_descriptive"


@settings(max_examples=60)
@given(st.lists(NAMES, max_size=12), st.lists(NAMES, max_size=6))
def test_declared_names_and_kiros_names_are_a_bijection(declared, mentioned):
    names = ToolNames(declared, mentioned)
    shorts = {name: names.short(name) for name in declared}
    assert {names.original(short): short for short in shorts.values()} == shorts
    assert len({short.lower() for short in shorts.values()}) == len(shorts)
    for short in (*shorts.values(), *map(names.short, mentioned)):
        assert VALID_NAME.fullmatch(short)
        assert names.short(names.original(short)) == short


@settings(max_examples=60)
@given(st.lists(NAMES, unique_by=str.lower, max_size=8), NAMES)
def test_a_name_keeps_its_short_form_when_another_tool_comes(declared, newcomer):
    before, after = ToolNames(declared), ToolNames([*declared, newcomer])
    taken = {before.short(name).lower() for name in declared}
    if newcomer.lower() not in taken:
        assert [after.short(name) for name in declared] == [before.short(name) for name in declared]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("x" * 63, "x" * 63),
        ("x" * 64, "x" * 54 + "_7ce10097"),
        (LONG, "mcp__very_long_server_name_for_testing__do_something_r_8c711583"),
        ("Read", "Read"),
        ("mcp__fix-it__go", "mcp__fix-it__go"),
    ],
)
def test_known_names(name, short):
    names = ToolNames([name])
    assert names.short(name) == short
    assert names.original(short) == name


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a b/c.d", "a_b_c_d_"),
        ("9lives", "t9lives_"),
        ("_x", "t_x_"),
        ("", "t_"),
        ("ünder", "t_nder_"),
        ("ж" * 80, "t_____"),
    ],
)
def test_names_that_kiro_does_not_take(name, begins):
    short = ToolNames([name]).short(name)
    assert short.startswith(begins)
    assert VALID_NAME.fullmatch(short)


def test_a_name_that_looks_like_anothers_short_form_keeps_it():
    taken = shortened(LONG)
    names = ToolNames([LONG, taken])
    assert names.short(taken) == taken
    assert names.short(LONG) == shortened(LONG, 1)


def test_names_that_differ_in_case_only_get_names_that_differ_in_more():
    names = ToolNames(["Read", "read"])
    assert names.short("Read") == "Read"
    assert names.short("read").startswith("read_")


def test_a_name_of_the_history_means_the_tool_that_kiro_would_take_it_for():
    names = ToolNames(["Bash"], ["bash", "Glob", "glob"])
    assert [names.short(name) for name in ("bash", "Glob", "glob")] == ["Bash", "Glob", "Glob"]
    assert names.original("Bash") == "Bash"


def test_a_name_that_nobody_gave_stays():
    assert ToolNames([]).original("made_up") == "made_up"

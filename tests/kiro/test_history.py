import json
import sys

import pytest

from fuzz.targets.history import everything_said
from kiro_trio.conversation.prompt import (
    Document,
    Image,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from kiro_trio.kiro.entries import Handback
from kiro_trio.kiro.history import BEGINNING, NOTHING_SAID, normalise
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import Prefill
from kiro_trio.kiro.pairing import EMPTY_RESULT, NO_RESULT
from tests.kiro.prompts import PNG, assistant, call, result, session, system, user


def calls_made(work):
    count = 0

    def count_one(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(count_one)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "turns",
    [
        session,
        lambda n: [user("a")] * n,
        lambda n: [assistant(call("same"))] * n,
        lambda n: [user(*[result("stray")] * n)],
        lambda n: [turn for _ in range(n) for turn in (assistant(call("same")), user(result("same")))],
        lambda n: [assistant(*["a"] * n, *[call("same")] * n), user(*[result("same")] * n)],
    ],
    ids=["session", "users", "calls", "strays", "same ids", "one turn"],
)
def test_the_work_grows_with_the_conversation_and_no_faster(turns):
    small, large = turns(200), turns(800)
    assert calls_made(lambda: normalise(large)) < 4.5 * calls_made(lambda: normalise(small))


def blocks_of(turns, **options):
    return [(turn.role, list(turn.blocks)) for turn in normalise(turns, **options).turns]


def test_a_normal_session_comes_out_as_it_went_in():
    turns = (
        user("first"),
        assistant("Reading.", call("t1", "Read", path="a.txt")),
        user(result("t1", "line 1"), "go on"),
        assistant("Done."),
        user("thanks"),
    )
    made = normalise(turns)
    assert made.turns == turns
    assert made.warnings == ()


def test_messages_of_one_speaker_become_one():
    turns = [user("a", "b"), user("c"), assistant("d"), assistant("e", "f"), user("g")]
    assert blocks_of(turns) == [
        ("user", [Text("a\nb\nc")]),
        ("assistant", [Text("d\n\nef")]),
        ("user", [Text("g")]),
    ]


def test_words_about_something_stand_apart_from_the_models_own():
    about = Text("Searched the web for: x", apart=True)
    turns = [user("a", about), assistant("b", "c", about, about, "d", "e"), user("f")]
    words = about.text
    assert blocks_of(turns) == [
        ("user", [Text(f"a\n{words}")]),
        ("assistant", [Text(f"bc\n\n{words}\n\n{words}\n\nde")]),
        ("user", [Text("f")]),
    ]


def test_system_messages_are_said_between_the_users_words_in_their_own_tags():
    made = normalise(
        [user("hi"), system("cwd: /p"), assistant("yes"), user("go"), system("one", "two"), system()]
    )
    assert [turn.blocks for turn in made.turns] == [
        (Text("hi\n<system-reminder>\ncwd: /p\n</system-reminder>"),),
        (Text("yes"),),
        (Text("go\n<system-reminder>\none\ntwo\n</system-reminder>"),),
    ]
    assert made.warnings == ("system message put into the user's (2)",)


def test_a_system_message_alone_is_a_message_of_the_user():
    assert blocks_of([system("<system-reminder>x</system-reminder>")]) == [
        ("user", [Text("<system-reminder>x</system-reminder>")])
    ]


def test_a_conversation_that_begins_with_the_assistant_gets_a_beginning():
    assert blocks_of([assistant("Hello!"), user("hi")]) == [
        ("user", [Text(BEGINNING)]),
        ("assistant", [Text("Hello!")]),
        ("user", [Text("hi")]),
    ]


def test_empty_messages_in_the_middle_vanish_with_their_turn():
    assert blocks_of(
        [user("a"), assistant(" "), user("b"), assistant("c"), user(""), assistant("d"), user("e")]
    ) == [
        ("user", [Text("a\nb")]),
        ("assistant", [Text("c\n\nd")]),
        ("user", [Text("e")]),
    ]


@pytest.mark.parametrize("turns", [[user("")], [user("a"), assistant("b"), user(" \n")], [system(), user()]])
def test_an_empty_last_message_says_that_it_is_empty(turns):
    made = normalise(turns)
    assert made.turns[-1] == user(NOTHING_SAID)
    assert made.warnings == ("empty message of the user filled (1)",)


def test_nothing_at_all_stays_nothing():
    assert normalise([]).turns == ()


def test_a_late_result_becomes_text_and_its_call_gets_a_stand_in():
    made = normalise(
        [user("a"), assistant(call("t1")), user("wait"), assistant("so?"), user(result("t1", "late"))]
    )
    assert made.turns[2] == user(result("t1", NO_RESULT, is_error=True), "wait")
    assert made.turns[4] == user("[Result of an earlier tool call, t1:]\nlate")
    assert made.warnings == (
        "missing tool result stood in for (1)",
        "tool result without its call put into the text (1)",
    )


def test_an_unknown_result_stands_before_the_words_of_its_message():
    made = normalise([user("a"), assistant("b"), user("now", result("ghost", "boo", is_error=True), "go")])
    assert made.turns[-1] == user("[Error of an earlier tool call, ghost:]\nboo\nnow\ngo")


def test_a_second_result_of_one_call_becomes_text():
    made = normalise([user("a"), assistant(call("t1")), user(result("t1", "one"), result("t1", "two"))])
    assert made.turns[-1] == user(result("t1", "one"), "[Result of an earlier tool call, t1:]\ntwo")


def test_an_id_used_again_gets_a_new_one_with_its_result():
    made = normalise(
        [
            user("a"),
            assistant(call("t1")),
            user(result("t1", "one")),
            assistant(call("t1")),
            user(result("t1", "two")),
        ]
    )
    (renamed,) = made.turns[3].blocks
    assert renamed.id.startswith("t1_")
    assert made.turns[4] == user(result(renamed.id, "two"))
    assert made.warnings == ("id of a tool call changed (1)",)


def test_equal_ids_in_one_message_are_answered_in_order():
    made = normalise(
        [user("a"), assistant(call("t"), call("t")), user(result("t", "one"), result("t", "two"))]
    )
    ids = [block.id for block in made.turns[1].blocks]
    assert [(block.tool_use_id, block.content[0].text) for block in made.turns[2].blocks] == [
        (ids[0], "one"),
        (ids[1], "two"),
    ]


def test_ids_that_kiro_does_not_take_are_changed():
    made = normalise(
        [user("a"), assistant(call("toolu/1 ü"), call("")), user(result("toolu/1 ü"), result(""))]
    )
    first, second = (block.id for block in made.turns[1].blocks)
    assert first.startswith("toolu_1___")
    assert second.startswith("call_")


def test_empty_keys_in_a_calls_input_are_renamed():
    made = normalise(
        [user("a"), assistant(ToolUse("t", "T", {"": 1, "_": [{"": 2}], "x": "y"})), user(result("t"))]
    )
    (use,) = made.turns[1].blocks
    assert json.dumps(use.input) == '{"__": 1, "_": [{"_": 2}], "x": "y"}'


@pytest.mark.parametrize("content", [(), (Text(""),), (Text(" \n"),)])
def test_an_empty_result_says_so(content):
    made = normalise([user("a"), assistant(call("t")), user(ToolResult("t", content))])
    assert made.turns[-1] == user(result("t", EMPTY_RESULT))


def test_attachments_of_a_result_move_to_its_message():
    image, document = Image("image/png", PNG), Document("application/pdf", "JVBERi0=", "a")
    made = normalise(
        [user("a"), assistant(call("t")), user(result("t", [Text("see"), image, document]), "look")]
    )
    results, text, *media = made.turns[-1].blocks
    assert results.content[0].text.splitlines()[0] == "see"
    assert "An image" in results.content[0].text
    assert "A document" in results.content[0].text
    assert text == Text("look")
    assert media == [image, document]
    assert made.warnings == ("attachment of a tool result moved to its message (2)",)


def test_results_inside_the_assistants_turn_split_it():
    turn = assistant("Searching.", call("s", "web_search", query="q"), result("s", "found"), "It says x.")
    assert blocks_of([user("a"), turn, user("b")]) == [
        ("user", [Text("a")]),
        ("assistant", [Text("Searching."), call("s", "web_search", query="q")]),
        ("user", [result("s", "found")]),
        ("assistant", [Text("It says x.")]),
        ("user", [Text("b")]),
    ]


class TestPrefill:
    TURNS = (user("Is it new?"), assistant("{"))

    def test_is_quoted_for_continuation(self):
        made = normalise(self.TURNS)
        ((block,),) = (turn.blocks for turn in made.turns)
        assert block.text.startswith("Is it new?\n<system-reminder>\nYour answer has already begun")
        assert block.text.endswith("\n{\n</system-reminder>")
        assert made.warnings == ("prefill of the assistant's answer put into the user's message (1)",)

    def test_is_dropped_with_a_warning(self):
        made = normalise(self.TURNS, Prefill.DROP)
        assert made.turns == (user("Is it new?"),)
        assert made.warnings == ("prefill of the assistant's answer dropped (1)",)

    def test_is_refused_with_its_place(self):
        with pytest.raises(PromptRefused) as refusal:
            normalise(self.TURNS, Prefill.REFUSE)
        assert refusal.value.path == "messages.1.role"

    def test_without_words_is_none(self):
        assert normalise((user("a"), assistant(" "))).turns == (user("a"),)

    def test_that_calls_a_tool_is_answered(self):
        made = normalise([user("a"), assistant("b", call("t"))])
        assert made.turns[-1] == user(result("t", NO_RESULT, is_error=True))

    def test_before_an_empty_system_message_is_still_one(self):
        assert "already begun" in everything_said(normalise([*self.TURNS, system()]).turns)


class TestEarlierThinking:
    SIGNED = Thinking("hm", "c2ln")

    def turns(self, *thinking):
        return [user("a"), assistant(*thinking, "so", call("t")), user(result("t"))]

    def test_signed_stays_when_handed_back_natively(self):
        made = normalise(self.turns(self.SIGNED), handback=Handback(native=True))
        assert made.turns[1].blocks[0] == self.SIGNED
        assert made.warnings == ()

    def test_of_two_signed_ones_in_a_message_the_second_is_left_out(self):
        made = normalise(self.turns(self.SIGNED, Thinking("more", "c2ln")), handback=Handback(native=True))
        assert [type(block) for block in made.turns[1].blocks] == [Thinking, Text, ToolUse]
        assert made.warnings == ("earlier thinking left out (1)",)

    def test_unsigned_goes_into_tags_before_the_answer(self):
        made = normalise(self.turns(Thinking("hm")), handback=Handback(native=True, tags=True))
        assert made.turns[1].blocks[0] == Text("<thinking>hm</thinking>\n\nso")

    def test_is_left_out_with_a_warning(self):
        made = normalise(self.turns(self.SIGNED, RedactedThinking("c2Vj")))
        assert made.turns[1] == assistant("so", call("t"))
        assert made.warnings == ("earlier thinking left out (2)",)

    def test_alone_does_not_make_a_message(self):
        made = normalise(
            [user("a"), assistant(self.SIGNED), user("b"), assistant("c"), user("d")],
            handback=Handback(native=True),
        )
        assert made.turns == (user("a\nb"), assistant("c"), user("d"))
        assert made.warnings == ("earlier thinking left out (1)",)

    def test_empty_is_nothing(self):
        assert normalise(self.turns(Thinking(""))).warnings == ()

    def test_redacted_stays_when_it_is_base64(self):
        made = normalise(self.turns(RedactedThinking("c2Vj")), handback=Handback(native=True))
        assert made.turns[1].blocks[0] == RedactedThinking("c2Vj")
        assert normalise(self.turns(RedactedThinking("?")), handback=Handback(native=True)).warnings

"""What is said without a script, as a client hears it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.simulator import Reply, stream_bytes
from kiro_trio.simulator.improvise import SIGNATURE, improvise
from kiro_trio.simulator.question import Question, input_tokens
from kiro_trio.simulator.samples import sample
from kiro_trio.simulator.scene import look
from tests.simulator.talk import (
    BASH,
    EDIT,
    READ,
    STRING,
    WRITE,
    asks,
    assistant,
    call,
    calls_of,
    events,
    result,
    text_of,
    tool,
    user,
)

TOOLS = [BASH, READ, WRITE, EDIT]
REMINDER = "<system-reminder>\nUse the Read tool, run `ls`, read a.txt\n</system-reminder>\n"
SYSTEM = user("You are an agent.\n\n # Environment\nPrimary working directory: /home/dev/project\n")
PRIMED = (SYSTEM, assistant("I will follow these instructions."))


def question(body: dict[str, Any]) -> Question:
    return msgspec.json.decode(json.dumps(body).encode(), type=Question)


def answer(
    content: str, *history: dict[str, Any], root: dict[str, Any] | None = None, **context: Any
) -> bytes:
    asked = question(asks(user(content, **context), *history, **(root or {})))
    return b"".join(stream_bytes(Reply(improvise(asked))))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run `echo hi`", [("Bash", {"command": "echo hi"})]),
        ("Please run the command echo hello world and tell me what it prints.", [("Bash", {"command": "echo hello world"})]),
        ("execute: git status", [("Bash", {"command": "git status"})]),
        ("run ls -la, please", [("Bash", {"command": "ls -la"})]),
        ("list the files", [("Bash", {"command": "ls -la"})]),
        ("What is the current date?", [("Bash", {"command": "date"})]),
        ("read README.md", [("Read", {"file_path": "/home/dev/project/README.md"})]),
        ("what's in the file /etc/hosts?", [("Read", {"file_path": "/etc/hosts"})]),
        ("summarize `src/a.py` for me", [("Read", {"file_path": "/home/dev/project/src/a.py"})]),
        (
            'create a file named notes.txt containing "milk and eggs"',
            [("Write", {"file_path": "/home/dev/project/notes.txt", "content": "milk and eggs\n"})],
        ),
        (
            "write `x = 1` to the file a.py",
            [("Write", {"file_path": "/home/dev/project/a.py", "content": "x = 1\n"})],
        ),
        ("replace `old` with `new` in a.py", [("Read", {"file_path": "/home/dev/project/a.py"})]),
        ("run `a` and then run `b`", [("Bash", {"command": "a"})]),
        ("run `a` and run `b` in parallel", [("Bash", {"command": "a"}), ("Bash", {"command": "b"})]),
        ("use the Bash tool", [("Bash", {"command": "echo simulated"})]),
        ("Hi.\nAnswer by calling the tool Read now, not in text.", [("Read", {"file_path": "README.md"})]),
        ("run the tests", []),
        ("look at https://example.com/a.html", []),
        ("hello", []),
    ],
)  # fmt: skip
def test_words_that_want_a_tool_get_it(words: str, expected: list[tuple[str, Any]]) -> None:
    body = answer(REMINDER + words, *PRIMED, tools=TOOLS)
    assert calls_of(body) == expected
    assert text_of(body)


def test_without_the_tool_there_is_no_call() -> None:
    assert not calls_of(answer("run `ls`", tools=[READ]))
    assert not calls_of(answer("run `ls`"))


def test_tools_of_other_clients_get_the_properties_they_have() -> None:
    shell = tool("execute_bash", cmd=STRING, reason=STRING)
    ((name, given_input),) = calls_of(answer("run `ls`", tools=[shell]))
    assert (name, given_input["cmd"]) == ("execute_bash", "ls")
    assert set(given_input) == {"cmd", "reason"}


def test_one_of_few_tools_is_called_when_its_name_is_spoken_of() -> None:
    weather = tool("get_weather", city=STRING, unit={"enum": ["C", "F"]})
    assert calls_of(answer("What's the weather in Oslo?", tools=[weather])) == [
        ("get_weather", {"city": "Oslo", "unit": "C"})
    ]
    assert not calls_of(answer("How are you?", tools=[weather]))


def test_what_came_back_is_told() -> None:
    asked = user("run `echo hi`", tools=TOOLS)
    done = answer(
        "",
        asked,
        assistant("Sure.", call("t1", "Bash", command="echo hi")),
        toolResults=[result("t1", "hi!")],
        tools=TOOLS,
    )
    assert not calls_of(done)
    assert "hi!" in text_of(done)
    failed = answer(
        "",
        asked,
        assistant("Sure.", call("t1", "Bash")),
        toolResults=[result("t1", "boom", "error")],
        tools=TOOLS,
    )
    assert "did not work" in text_of(failed)
    assert "boom" in text_of(failed)


def test_a_plan_of_two_steps_goes_on_after_the_first_result() -> None:
    asked = user("replace `old` with `new` in /a.py")
    first = assistant("Reading.", call("t1", "Read", file_path="/a.py"))
    body = answer("", asked, first, toolResults=[result("t1", "old")], tools=TOOLS)
    edit = {"file_path": "/a.py", "old_string": "old", "new_string": "new"}
    assert calls_of(body) == [("Edit", edit)]
    done = user("", toolResults=[result("t1", "old")])
    second = assistant("Editing.", call("t2", "Edit", **edit))
    body = answer("", asked, first, done, second, toolResults=[result("t2", "edited")], tools=TOOLS)
    assert not calls_of(body)
    assert "edited" in text_of(body)


def test_a_plan_ends_with_the_first_step_that_fails() -> None:
    asked = user("replace `old` with `new` in /a.py")
    first = assistant("Reading.", call("t1", "Read", file_path="/a.py"))
    body = answer("", asked, first, toolResults=[result("t1", "no such file", "error")], tools=TOOLS)
    assert not calls_of(body)
    assert "no such file" in text_of(body)


def test_a_new_request_after_an_old_one_is_planned_afresh() -> None:
    history = (
        user("run `a`"),
        assistant("", call("t1", "Bash", command="a")),
        user("", toolResults=[result("t1")]),
        assistant("Done."),
    )
    assert calls_of(answer("run `b`", *history, tools=TOOLS)) == [("Bash", {"command": "b"})]


SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}


@pytest.mark.parametrize(
    "demand",
    [
        "Your final answer must be one JSON value that satisfies the JSON Schema below, and nothing else.\n{}",
        "Respond with a single JSON object that matches this schema: {}",
        "Reply with JSON only.\n\nSchema:\n\n{}\n\nNo prose.",
    ],
)
def test_json_is_bare_and_fits_the_schema(demand: str) -> None:
    content = "<session>\nplease fix the login test\n</session>\n\n" + demand.format(
        json.dumps(SCHEMA, indent=1)
    )
    assert json.loads(text_of(answer(content, *PRIMED))) == {"title": "Please fix the login test"}


def test_json_without_a_schema_and_the_topic_of_old_clients() -> None:
    assert json.loads(text_of(answer("Answer in JSON only: who are you?")))["answer"]
    system = (
        user("Format your response as a JSON object with two fields: 'isNewTopic' and 'title'"),
        assistant("OK"),
    )
    assert json.loads(text_of(answer("add a route", *system))) == {"isNewTopic": True, "title": "Add a route"}


def test_an_agent_that_has_tools_is_not_made_to_speak_json_by_its_manual() -> None:
    manual = user(f"Tools give a single JSON object that matches: {json.dumps(SCHEMA)}")
    assert "You said" in text_of(answer("hello", manual, assistant("OK"), tools=TOOLS))


@pytest.mark.parametrize(
    "demand",
    [
        "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.",
        "Your task is to create a detailed summary of the conversation",
    ],
)
def test_compaction_gets_a_summary_and_no_calls(demand: str) -> None:
    history = (*PRIMED, user("run `ls` in the yard"), assistant("Done."))
    body = answer(demand, *history, tools=TOOLS)
    assert not calls_of(body)
    assert "<summary>" in text_of(body)
    assert "in the yard" in text_of(body)


def test_titles_and_counting() -> None:
    assert text_of(
        answer("Please write a 5-10 word title for this:", user("fix the parser"), assistant("Done."))
    ) == ("Fix the parser")
    assert text_of(answer("count to 4")) == "1, 2, 3, 4."


def test_words_are_heard_and_come_in_several_pieces() -> None:
    body = answer("Good morning, tell me about trio", *PRIMED, tools=TOOLS)
    assert text_of(body).startswith("Hello! You said: “Good morning, tell me about trio”.")
    assert sum(name == "assistantResponseEvent" for name, _ in events(body)) > 5


def test_thinking_by_tags() -> None:
    system = (user("<thinking_mode>enabled</thinking_mode>\nBe good."), assistant("OK"))
    assert text_of(answer("hello", *system)).startswith("<thinking>\nThe user says: hello.")


def test_thinking_natively() -> None:
    body = answer("hello", root={"additionalModelRequestFields": {"output_config": {"effort": "high"}}})
    thoughts = [payload for name, payload in events(body) if name == "reasoningContentEvent"]
    assert "".join(payload.get("text", "") for payload in thoughts).startswith("The user says: hello.")
    assert thoughts[-1] == {"signature": SIGNATURE}
    assert "<thinking>" not in text_of(body)


def test_thinking_that_is_not_to_be_seen_is_only_signed() -> None:
    fields = {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive", "display": "omitted"}}
    body = answer("hello", root={"additionalModelRequestFields": fields})
    assert [payload for name, payload in events(body) if name == "reasoningContentEvent"] == [
        {"signature": SIGNATURE}
    ]


def test_own_words_are_found_among_what_clients_add() -> None:
    content = f"{REMINDER}fix the test\n\n# Environment\n - Working directory: /srv/app\n<system-reminder>\nbe kind\n</system-reminder>"
    scene = look(question(asks(user(content))))
    assert (scene.ask, scene.directory) == ("fix the test", "/srv/app")


def test_the_system_prompt_is_not_taken_for_a_request() -> None:
    asked = question(asks(user("now"), *PRIMED, user("before"), assistant("Yes.")))
    assert (look(asked).ask, look(asked).earlier) == ("now", ("before",))


def test_everything_that_is_sent_counts_against_the_window() -> None:
    before = input_tokens(question(asks(user("hi"))))
    picture = {"format": "png", "source": {"bytes": "A" * 9000}}
    for more, least, most in (
        (asks(user("hi" + "x" * 400)), 100, 100),
        (asks(user("hi", tools=[tool("a", "x" * 400)])), 100, 150),
        (asks(user("hi", toolResults=[result("t", "x" * 400)])), 100, 100),
        (
            asks(user("hi"), user("", modelId=None), assistant("", call("t", "Read", path="x" * 400))),
            100,
            120,
        ),
        (asks(user("hi", images=[picture])), 1500, 1500),
    ):
        assert least <= input_tokens(question(more)) - before <= most


@given(st.text(max_size=200), st.booleans())
def test_anything_gets_an_answer(words: str, with_tools: bool) -> None:
    body = answer(words, *PRIMED, tools=TOOLS if with_tools else [])
    assert text_of(body).strip()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "two words"),
        ({"type": ["null", "integer"], "minimum": 5}, 5),
        ({"type": "number", "exclusiveMinimum": 1}, 2.0),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"const": 3}}, [3]),
        ({"enum": ["a", "b"]}, "a"),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "string", "maxLength": 3}, "two"),
        ({"type": "string", "minLength": 11}, "two words.."),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"default": 7}}}, {"a": 7}),
        (
            {"type": "object", "properties": {"a": {}, "b": {"type": "boolean"}}, "required": ["b"]},
            {"b": True},
        ),
        (True, "two words"),
        ({"$ref": "#/nowhere"}, "two words"),
    ],
)
def test_samples_fit_their_schemas(schema: Any, expected: Any) -> None:
    assert sample(schema, "two words") == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "type",
                "properties",
                "items",
                "enum",
                "anyOf",
                "$ref",
                "minimum",
                "required",
                "format",
                "maxLength",
            ]
        ),
        json_values,
    )
)
def test_no_schema_makes_sampling_stumble(schema: dict[str, Any]) -> None:
    assert json.dumps(sample(schema, "words"))

"""Shrinking: a smaller request that fails in the same way, and what it was about."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.cli.demo import demo_request
from kiro_trio.shrinking.places import places, rewritten, without
from kiro_trio.shrinking.shrink import Enough, shrink
from kiro_trio.shrinking.soundness import defects
from kiro_trio.shrinking.words import needed


def run(body, fails, tries=2000):
    """What is left, and the bodies that were asked for."""
    search, asked = shrink(body, tries), []
    try:
        candidate = next(search)
        while True:
            asked.append(candidate.body)
            candidate = search.send(fails(candidate.body))
    except StopIteration as done:
        return done.value, asked


def user(*blocks):
    return {"role": "user", "content": list(blocks) or "Go on."}


def call(identity, name="Read", **given_input):
    return {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": identity, "name": name, "input": given_input}],
    }


def result(identity, text="done"):
    return {"type": "tool_result", "tool_use_id": identity, "content": [{"type": "text", "text": text}]}


def tool(name, **schema):
    return {"name": name, "description": f"What {name} does.", "input_schema": {"type": "object", **schema}}


def session(turns=6):
    """A conversation with a call in every turn."""
    messages = [user({"type": "text", "text": "Please do the work."})]
    for number in range(turns):
        messages += [call(f"toolu_{number}", path=f"/a/{number}"), user(result(f"toolu_{number}"))]
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1024,
        "system": [{"type": "text", "text": "Be good."}, {"type": "text", "text": "Be better."}],
        "messages": messages,
        "tools": [tool("Read"), tool("Write"), tool("Bash")],
        "metadata": {"user_id": "somebody"},
        "temperature": 1,
    }


def said(*history, **current):
    """What Kiro would be told."""
    return {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": "c-1",
            "history": list(history),
            "currentMessage": {"userInputMessage": {"content": "Go on.", "modelId": "auto", **current}},
        },
        "profileArn": "arn:x",
    }


def asked(text="Hello", **context):
    return {"userInputMessage": {"content": text, "userInputMessageContext": context}}


def answered(text="Hi", *uses):
    return {"assistantResponseMessage": {"content": text, **({"toolUses": list(uses)} if uses else {})}}


USE = {"toolUseId": "t1", "name": "Read", "input": {}}
RESULT = {"toolUseId": "t1", "content": [{"text": "done"}], "status": "success"}


CULPRITS = {
    "a tool": (lambda body: any(one["name"].startswith("B") for one in body.get("tools", ())), "tool 'B'"),
    "a field": (lambda body: "temperature" in body, "temperature"),
    "a system block": (lambda body: len(body.get("system", ())) == 2, "system"),
    "a long text": (
        lambda body: any(len(value) > 40 for _, value in places(body) if isinstance(value, str)),
        "41 characters",
    ),
    "a key of an input": (lambda body: '"path"' in json.dumps(body["messages"]), "tool_use"),
    "two calls": (lambda body: json.dumps(body).count('"tool_use"') > 1, "assistant: tool_use"),
}


@pytest.mark.parametrize("name", CULPRITS)
def test_what_a_refusal_is_about_is_what_is_left(name) -> None:
    fails, words = CULPRITS[name]
    body = session() | {"stop_sequences": ["x" * 90]}
    shrunk, _ = run(body, fails)
    assert fails(shrunk.body)
    assert not shrunk.exhausted
    assert words in needed(shrunk.body)
    assert len(json.dumps(shrunk.body)) < 700
    assert defects(shrunk.body) <= defects(body)


def test_nothing_is_needed_by_who_refuses_everything() -> None:
    shrunk, _ = run(session(), lambda _: True)
    assert needed(shrunk.body) == ""
    assert shrunk.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "P"}]}]


FAULTS = st.sampled_from(
    ["tool", "temperature", "Write", "toolu_3", "better", "user_id", "/a/2", "description"]
)


@settings(max_examples=40)
@given(st.sets(FAULTS, min_size=1, max_size=3), st.integers(1, 300))
def test_the_laws_of_shrinking(words, tries) -> None:
    body = session()

    def fails(candidate):
        return all(word in json.dumps(candidate) for word in words)

    shrunk, bodies = run(body, fails, tries)
    assert fails(shrunk.body)
    assert len({json.dumps(one) for one in bodies}) == len(bodies) == len(shrunk.tried) <= tries
    assert [one.failed for one in shrunk.tried] == [fails(one) for one in bodies]
    assert all(defects(one) <= defects(body) for one in bodies)
    if not shrunk.exhausted:
        whole = [path for path, _ in places(shrunk.body) if path]
        for path in whole:  # nothing that is taken apart can be spared
            smaller = without(shrunk.body, {path})
            if fails(smaller) and not defects(smaller) - defects(body):
                assert path[-1] in {"type", "role", "content", "text", "id", "name", "model", "max_tokens", "input",
                                    "input_schema", "tool_use_id", "messages", "tools", "properties", "description"}  # fmt: skip


def test_whoever_has_enough_gets_the_smallest_so_far() -> None:
    search = shrink(session(), 100)
    candidate = next(search)
    search.send(True)  # noqa: FBT003
    with pytest.raises(StopIteration) as done:
        search.throw(Enough())
    assert done.value.value.body == candidate.body
    assert done.value.value.exhausted


DEFECTS = {
    "begins with the assistant": said(answered()),
    "assistant after assistant": said(asked(), answered(), answered()),
    "user after user": said(asked()),
    "the user says nothing": said(asked(" "), answered()),
    "the assistant says nothing": said(asked(), answered("")),
    "a call without its result": said(
        asked(),
        answered("", USE),
        userInputMessageContext={"tools": [{"toolSpecification": {"name": "Read"}}]},
    ),
    "a result without its call": said(userInputMessageContext={"toolResults": [RESULT]}),
    "an unknown tool is called": said(
        asked(), answered("", USE), userInputMessageContext={"toolResults": [RESULT]}
    ),
    "a schema that requires nothing": said(
        userInputMessageContext={
            "tools": [{"toolSpecification": {"inputSchema": {"json": {"required": []}}}}]
        }
    ),
    "shape": {"messages": 1},
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_seen_alone(name) -> None:
    assert defects(DEFECTS[name]) == {name}


def test_a_sound_conversation_has_no_defect() -> None:
    assert defects(session()) == set()
    assert defects(said(asked(), answered())) == set()


def small_talk(turns=8):
    return [one for number in range(turns) for one in (asked(f"Q{number}"), answered(f"A{number}"))]


@pytest.mark.parametrize(
    "name", [name for name in DEFECTS if name not in {"shape", "begins with the assistant"}]
)
def test_a_defect_is_what_is_left_of_what_kiro_was_told(name) -> None:
    state = DEFECTS[name]["conversationState"]
    longer = {"conversationState": {**state, "history": [*small_talk(), *state["history"]]}}
    shrunk, _ = run(longer, lambda body: name in defects(body))
    assert defects(shrunk.body) == {name}
    assert len(shrunk.body["conversationState"].get("history", [])) <= 3


def test_the_demos_request_shrinks_to_one_keyword() -> None:
    shrunk, asked_for = run(demo_request(), lambda body: '"minimum"' in json.dumps(body))
    assert needed(shrunk.body) == "tool 'R' with input_schema.properties.offset.minimum"
    assert len(asked_for) < 60


@given(
    st.recursive(
        st.none() | st.text(max_size=3),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    )
)
def test_places_can_be_taken_away_and_written_over(tree) -> None:
    before = json.dumps(tree)
    for path, _ in list(places(tree)):
        if path:
            assert len(list(places(without(tree, {path})))) < len(list(places(tree)))
        assert "#" in json.dumps(rewritten(tree, {path: "#"}))
    assert json.dumps(tree) == before

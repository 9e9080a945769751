"""Every invariant holds for a good request, and is seen broken when it is broken."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.simulator.models import MODELS
from kiro_trio.simulator.question import Question
from kiro_trio.simulator.refusals import REFUSALS
from kiro_trio.simulator.rules import INVARIANTS, MAX_BODY, Violation, examine
from tests.simulator.talk import READ, STRING, asks, assistant, call, result, tool, user

OPTIONAL = {invariant.name for invariant in INVARIANTS if invariant.optional}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()


def good() -> dict[str, Any]:
    return asks(
        user("and now?", tools=[copy.deepcopy(READ), {"cachePoint": {"type": "default"}}]),
        user("be brief"),
        assistant("I will follow these instructions."),
        user("look", images=[image()], documents=[document("a")]),
        assistant("", call("tooluse_1", path="a"), call("tooluse_2", "read", path="b")),
        user("", toolResults=[result("tooluse_2"), result("tooluse_1", "no such file", "error")]),
        assistant("It is not there."),
        profileArn="arn:aws:codewhisperer:us-east-1:1:profile/A",
    )


def image(format: str = "png", data: str = PNG) -> dict[str, Any]:  # noqa: A002
    return {"format": format, "source": {"bytes": data}}


def document(name: str, format: str = "pdf") -> dict[str, Any]:  # noqa: A002
    return {"name": name, "format": format, "source": {"bytes": "AAAA"}}


def state(body: dict[str, Any]) -> dict[str, Any]:
    return body["conversationState"]


def turn(body: dict[str, Any], number: int) -> dict[str, Any]:
    """A message of the history; -1 is the current one."""
    message = state(body)["currentMessage"] if number == -1 else state(body)["history"][number]
    return next(iter(message.values()))


def context(body: dict[str, Any], number: int) -> dict[str, Any]:
    return turn(body, number)["userInputMessageContext"]


def schema(body: dict[str, Any]) -> dict[str, Any]:
    return context(body, -1)["tools"][0]["toolSpecification"]["inputSchema"]["json"]


def setting(
    target: Callable[[dict[str, Any]], Any], key: Any, value: Any
) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        target(body)[key] = value

    return change


def in_turn(number: int, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return setting(lambda body: turn(body, number), key, value)


def in_call(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return setting(lambda body: turn(body, 3)["toolUses"][0], key, value)


def in_result(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return setting(lambda body: context(body, 4)["toolResults"][0], key, value)


def in_tool(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return setting(lambda body: context(body, -1)["tools"][0]["toolSpecification"], key, value)


def in_schema(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return setting(schema, key, value)


def history(change: Callable[[list[Any]], Any]) -> Callable[[dict[str, Any]], None]:
    return lambda body: change(state(body)["history"])


BREAKS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("trigger", setting(state, "chatTriggerType", "AUTO")),
    ("conversation-id", setting(state, "conversationId", "with blanks")),
    ("conversation-id", setting(state, "conversationId", "x" * 257)),
    ("current-is-user", setting(state, "currentMessage", assistant("hm"))),
    ("current-is-user", setting(state, "currentMessage", {})),
    ("alternates", history(lambda turns: turns.pop())),
    ("alternates", history(lambda turns: turns.pop(0))),
    ("alternates", history(lambda turns: turns.insert(1, user("again")))),
    ("alternates", history(lambda turns: turns[0].update(assistant("both")))),
    ("alternates", history(lambda turns: turns.__setitem__(0, {}))),
    ("origin", in_turn(0, "origin", "FRIDGE")),
    ("sizes", in_turn(-1, "content", "x" * 600_001)),
    ("sizes", in_result("content", [{"text": "x" * 800_001}])),
    ("user-speaks", in_turn(0, "content", " \n")),
    ("assistant-speaks", in_turn(5, "content", " ")),
    ("call-ids", in_call("toolUseId", "with.dot")),
    ("call-ids", in_call("toolUseId", "x" * 65)),
    ("call-ids", in_call("toolUseId", "tooluse_2")),
    ("call-inputs", in_call("input", "text")),
    ("call-inputs", in_call("input", {"a": [{"": 1}]})),
    ("call-names", in_call("name", "mcp/a.b")),
    ("calls-have-tools", in_call("name", "Glob")),
    ("results-answer-calls", lambda body: context(body, 4)["toolResults"].pop()),
    ("results-answer-calls", lambda body: context(body, 4)["toolResults"].append(result("tooluse_9"))),
    ("results-answer-calls", lambda body: context(body, 4)["toolResults"].append(result("tooluse_1"))),
    ("results-answer-calls", setting(lambda body: context(body, -1), "toolResults", [result("tooluse_1")])),
    ("results-answer-calls", setting(lambda body: context(body, 0), "toolResults", [result("tooluse_1")])),
    ("results-speak", in_result("content", [])),
    ("results-speak", in_result("content", [{"text": " "}])),
    ("results-speak", in_result("content", [{"text": "a", "json": {}}])),
    ("results-speak", in_result("status", "ok")),
    ("tool-names", lambda body: context(body, -1)["tools"].append(tool("read file"))),
    ("tool-names", lambda body: context(body, -1)["tools"].append(tool("x" * 65))),
    ("tools-unique", lambda body: context(body, -1)["tools"].append(tool("READ"))),
    ("tools-described", in_tool("description", " ")),
    ("tools-described", in_tool("description", "x" * 10_025)),
    ("tool-schemas", in_schema("type", "string")),
    ("tool-schemas", in_schema("anyOf", [])),
    ("tool-schemas", in_schema("required", None)),
    ("tool-schemas", in_schema("required", [1])),
    ("tool-schemas", in_schema("properties", None)),
    ("tool-schemas", in_tool("inputSchema", {"json": [1]})),
    ("image-formats", in_turn(2, "images", [image("jpg")])),
    ("image-data", in_turn(2, "images", [image(data="%%%")])),
    ("image-data", in_turn(2, "images", [image("gif")])),
    ("image-count", in_turn(2, "images", [image()] * 21)),
    ("document-formats", in_turn(2, "documents", [document("a", "exe")])),
    ("document-names", in_turn(2, "documents", [document("a"), document("a")])),
    ("model", in_turn(-1, "modelId", "claude-3-5-sonnet")),
    ("effort", lambda body: body.update(additionalModelRequestFields={"output_config": {"effort": "high"}})),
    ("plain-schemas", in_schema("properties", {"a": {"type": "array", "items": {"format": "uri"}}})),
    ("plain-schemas", in_schema("required", [])),
    ("no-agent-fields", lambda body: None),
    ("results-alone", in_turn(4, "content", "by the way")),
    ("shape", setting(state, "currentMessage", None)),
    ("shape", in_turn(-1, "content", 7)),
    ("shape", in_turn(0, "modelId", ["claude"])),
]  # fmt: skip


def verdict(body: Any, also: set[str] | None = None) -> Question | Violation:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return examine(data, MODELS, also=also or set())


def test_a_good_request_breaks_nothing() -> None:
    found = verdict(good())
    assert isinstance(found, Question)
    assert found.current.content == "and now?"


@pytest.mark.parametrize(
    ("name", "change"), BREAKS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(BREAKS)]
)
def test_every_way_to_break_an_invariant_is_seen(name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    body = good()
    change(body)
    found = verdict(body, {name} & OPTIONAL)
    assert isinstance(found, Violation)
    assert found.invariant == name
    assert found.refusal in REFUSALS
    assert found.evidence


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_an_optional_invariant_holds_only_when_it_is_asked_for(name: str) -> None:
    body = good()
    next(change for broken, change in BREAKS if broken == name)(body)
    assert isinstance(verdict(body), Question)


def test_there_is_a_way_to_break_every_invariant() -> None:
    # A picture over 10 MB does not fit into a body of 5 MiB: that bound is the schema's, and never met.
    assert {invariant.name for invariant in INVARIANTS} - {name for name, _ in BREAKS} == {"image-size"}


def test_an_invariant_can_be_left_out() -> None:
    body = good()
    turn(body, 5)["content"] = ""
    data = json.dumps(body).encode()
    assert isinstance(examine(data, MODELS, without={"assistant-speaks"}), Question)


@pytest.mark.parametrize(
    ("model", "fields", "refusal"),
    [
        ("claude-opus-4.6", {"output_config": {"effort": "high"}, "thinking": {"type": "adaptive"}}, None),
        ("claude-opus-4.6", {"reasoning": {"effort": "high"}}, "effort-schema"),
        ("gpt-5.6-sol", {"reasoning": {"effort": "high"}}, None),
        ("claude-haiku-4.5", {"output_config": {"effort": "high"}}, "effort"),
    ],
)
def test_effort_is_for_models_that_take_it(model: str, fields: dict[str, Any], refusal: str | None) -> None:
    found = verdict(asks(user("hi", modelId=model), additionalModelRequestFields=fields))
    assert getattr(found, "refusal", None) == refusal


def test_what_is_no_json_or_too_large() -> None:
    assert verdict(b"{") == Violation("json", "improper-json", "Input data was truncated")
    assert verdict(b" " * (MAX_BODY + 1)) == Violation("body-size", "improper", f"{MAX_BODY + 1} bytes")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_no_body_makes_it_stumble(data: st.DataObject) -> None:
    body: Any = good()
    place = body
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if data.draw(st.booleans()) or not isinstance(place[key], dict | list):
            place[key] = data.draw(json_values)
            break
        place = place[key]
    assert isinstance(verdict(body, OPTIONAL), Question | Violation)


def test_unknown_fields_are_ignored_and_null_means_absent() -> None:
    body = good() | {"agentMode": None, "novelty": 1}
    turn(body, -1)["userIntent"] = "CITE_SOURCES"
    turn(body, 0)["images"] = None
    turn(body, 0)["strange"] = STRING
    assert isinstance(verdict(body), Question)

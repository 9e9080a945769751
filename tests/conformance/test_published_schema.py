"""What we send is what AWS has published of Kiro's requests: every name, every type, every word of an enumeration."""

import json
from dataclasses import replace
from typing import Any

import pytest

from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.kiro.endpoint import PRESETS
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import EarlierThinking, RequestOptions
from kiro_trio.kiro.request import build_request
from kiro_trio.kiro.websearch import search_body, search_id
from tests.conformance.published import Schema, published
from tests.dialects.anthropic.requests import SAMPLES
from tests.shared import messages_corpus, needs_shared

ID = "11111111-1111-4111-8111-111111111111"
MANNERS = {
    "plain": RequestOptions(),
    "native documents": RequestOptions(native_documents=True, strict_schemas=True),
    "tags": RequestOptions(native_effort=False, earlier_thinking=EarlierThinking.TAGS),
}
RECORDED = {
    name: json.dumps(record["body"]).encode()
    for name, record in messages_corpus().items()
    if "thread" not in record["body"]
}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return published("GenerateAssistantResponse")


def bodies(request: bytes, model: str | None = None) -> list[dict[str, Any]]:
    """A client's request as it is sent in every manner, by every preset."""
    prompt = parse_messages(request).prompt
    prompt = replace(prompt, model=model) if model else prompt
    sent = []
    for options in MANNERS.values():
        made = build_request(prompt, conversation_id=ID, continuation_id=ID, options=options)
        for preset in PRESETS.values():
            body = made.body(origin=preset.origin, agent_fields=preset.agent_fields, profile_arn="arn:aws:x")
            sent.append(json.loads(body))
    return sent


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("model", [None, "claude-opus-4.8"])
def test_our_own_requests(schema: Schema, name: str, model: str | None) -> None:
    for body in bodies(SAMPLES[name], model):
        assert schema.problems(body) == []


@needs_shared
def test_every_recorded_request(schema: Schema) -> None:
    troubled = {}
    for name, request in RECORDED.items():
        try:
            problems = [problem for body in bodies(request) for problem in schema.problems(body)]
        except PromptRefused as refusal:
            problems = [refusal.message]
        if problems:
            troubled[name] = problems[:3]
    assert len(RECORDED) > 100
    assert troubled == {}


def test_searches(schema: Schema) -> None:
    body = json.loads(search_body("trio", search_id(bytes(64), 1.8e9)))
    assert published("InvokeMCP").problems(body) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda state: state.update(novelty=1), "unknown to ConversationState"),
        (lambda state: state.pop("chatTriggerType"), "missing"),
        (lambda state: state["currentMessage"]["userInputMessage"].update(origin="MARS"), "is none of"),
        (lambda state: state["currentMessage"]["userInputMessage"].update(content=5), "is no string"),
        (lambda state: state["currentMessage"].update(assistantResponseMessage={"content": ""}), "2 members"),
        (
            lambda state: state["currentMessage"]["userInputMessage"].update(
                images=[{"format": "png", "source": {"bytes": "?"}}]
            ),
            "is no blob",
        ),
        (lambda state: state.update(history={}), "no list"),
    ],
)
def test_the_check_finds_what_is_wrong(schema: Schema, change, problem: str) -> None:
    body = bodies(SAMPLES["plain"])[0]
    change(body["conversationState"])
    assert any(problem in found for found in schema.problems(body))

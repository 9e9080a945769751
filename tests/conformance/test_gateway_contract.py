"""Claude Code's gateway contract: the table holds together, and the rows that have no other test."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import trio

from kiro_trio.simulator.script import Pause, Say
from tests.conformance.contract import CONTRACT, Row
from tests.dialects.grammar import read
from tests.end_to_end.house import KEY, House, house, prompt, saying, scripted

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("row", CONTRACT, ids=lambda row: f"{row.section}: {row.requirement}")
def test_every_row_is_held_by_tests_that_exist_or_has_a_reason(row: Row) -> None:
    assert row.tests or row.reason
    for name in row.tests:
        path, _, function = name.partition("::")
        source = ast.parse((TESTS / path).read_text())
        known = {
            node.name for node in ast.walk(source) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert function == "*" or function in known, name


def current(here: House) -> dict[str, Any]:
    return here.chats()[-1].body["conversationState"]["currentMessage"]["userInputMessage"]


async def test_words_are_passed_on_as_they_come(tmp_path) -> None:
    heard: dict[bytes, float] = {}
    steps = (Say("first words"), Pause(1.0), Say("last words"))
    async with house(tmp_path, scripted(saying(*steps))) as here:
        asking = here.http.stream("POST", "/v1/messages?beta=true", json=prompt(), headers={"x-api-key": KEY})
        async with asking as answer:
            async for piece in answer.aiter_raw():
                for words in (b"first words", b"last words"):
                    if words in piece:
                        heard[words] = trio.current_time()
    assert heard[b"last words"] - heard[b"first words"] > 0.8


async def test_a_silent_upstream_is_filled_with_pings(tmp_path) -> None:
    steps = (Pause(0.6), Say("first words"), Pause(0.6), Say("last words"))
    async with house(tmp_path, scripted(saying(*steps)), grace_time=0.1, ping_interval=0.1) as here:
        body = (await here.post(prompt(), "/v1/messages?beta=true")).content
    before, between = body.split(b"first words")[0], body.split(b"first words")[1].split(b"last words")[0]
    assert before.count(b"event: ping\n") >= 2
    assert between.count(b'"text_delta","text":""}') >= 2  # a ping that all versions count
    assert read(body).ending == "whole"


async def test_marks_of_a_cache_change_nothing_that_is_said(tmp_path) -> None:
    def marked(mark: dict[str, Any]) -> dict[str, Any]:
        text = {"type": "text", "text": "Be brief.", **mark}
        call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}, **mark}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text], **mark}
        messages = [
            {"role": "user", "content": [text]},
            {"role": "system", "content": [text]},
            {"role": "assistant", "content": [text, call]},
            {"role": "user", "content": [result, text]},
        ]
        tool = {"name": "Bash", "description": "Run", "input_schema": {"type": "object"}, **mark}
        session = {"user_id": "user_x_account__session_0b4445e1-f5be-49e1-87ce-62bbc28ad705"}
        return prompt(system=[text], messages=messages, tools=[tool], metadata=session, **mark)

    async with house(tmp_path) as here:
        for mark in ({}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}):
            assert (await here.post(marked(mark))).status_code == 200
        plain, cached = (chat.body for chat in here.chats())
    assert plain == cached


async def test_headers_are_an_open_list(tmp_path) -> None:
    headers = {
        "x-api-key": KEY,
        "anthropic-version": "2099-12-31",
        "anthropic-beta": "oauth-2025-04-20,never-heard-of-2031-01-01, ,x",
        "anthropic-novelty": "1",
        "x-claude-code-novelty": "1",
        "x-claude-code-parent-agent-id": "p",
        "accept": "application/json",
    }
    async with house(tmp_path) as here:
        answer = await here.http.post("/v1/messages?beta=true", json=prompt(), headers=headers)
        sent = json.dumps(dict(here.chats()[-1].headers)).lower()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "novelty" not in sent
    assert "anthropic" not in sent


async def test_bodies_are_an_open_list(tmp_path) -> None:
    body = prompt(
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        output_config={"effort": "high", "task_budget": {"tokens": 5000}, "novelty": {}},
        diagnostics={"a": [1]},
        novelty=[None],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "hi", "novelty": 1}], "novelty": {"a": 1}}
        ],
    )
    async with house(tmp_path) as here:
        answer = await here.post(body)
        assert "novelty" not in json.dumps(here.chats()[-1].body)
    assert answer.status_code == 200


async def test_the_attribution_block_does_not_reach_kiro(tmp_path) -> None:
    blocks = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330.3eb; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are an agent."},
    ]
    async with house(tmp_path) as here:
        await here.post(prompt(system=blocks))
        sent = json.dumps(here.chats()[-1].body)
    assert "billing" not in sent
    assert "You are an agent." in sent


@pytest.mark.parametrize(
    "model", ["claude-opus-4-8", "claude-sonnet-4-5", "auto", "claude-opus-9-9", "my-own-alias"]
)
async def test_adaptive_thinking_for_any_model(tmp_path, model: str) -> None:
    aliases = {"my-own-alias": "claude-opus-4.8"}
    async with house(tmp_path, model_aliases=aliases) as here:
        answer = await here.post(prompt(model=model, thinking={"type": "adaptive"}, stream=False))
        assert all(exchange.refused is None for exchange in here.simulator.seen)
    assert answer.status_code == 200
    assert [block["type"] for block in answer.json()["content"]] == ["thinking", "text"]


async def test_effort_reaches_kiro(tmp_path) -> None:
    async with house(tmp_path) as here:
        await here.post(
            prompt(model="claude-opus-4-8", thinking={"type": "adaptive"}, output_config={"effort": "low"})
        )
        fields = here.chats()[-1].body["additionalModelRequestFields"]
    assert fields["output_config"] == {"effort": "low"}


async def test_beta_fields_of_tools_are_accepted(tmp_path) -> None:
    tool = {
        "name": "Bash",
        "description": "Run a command",
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
        "strict": True,
        "defer_loading": True,
        "eager_input_streaming": True,
        "input_examples": [{"command": "ls"}],
        "allowed_callers": ["direct"],
    }
    async with house(tmp_path) as here:
        answer = await here.post(prompt(tools=[tool]))
        declared = current(here)["userInputMessageContext"]["tools"][0]["toolSpecification"]
    assert answer.status_code == 200
    assert set(declared) == {"name", "description", "inputSchema"}


async def test_structured_output_is_bare_json(tmp_path) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    fenced = Say('```json\n{"title": "A"}\n```')
    body = prompt(output_config={"format": {"type": "json_schema", "schema": schema}}, stream=False)
    async with house(tmp_path, scripted(saying(fenced))) as here:
        answer = await here.post(body)
        asked = current(here)["content"]
    assert answer.json()["content"] == [{"type": "text", "text": '{"title": "A"}'}]
    assert "JSON Schema" in asked


async def test_system_messages_may_stand_anywhere(tmp_path) -> None:
    messages = [
        {"role": "system", "content": "first"},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": [{"type": "text", "text": "between"}]},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "go on"},
        {"role": "system", "content": "last"},
        {"role": "system", "content": []},
    ]
    async with house(tmp_path) as here:
        answer = await here.post(prompt(messages=messages))
        sent = json.dumps(here.chats()[-1].body)
    assert answer.status_code == 200
    assert all(word in sent for word in ("first", "between", "go on", "last"))


async def test_discovery_is_quick_and_direct(tmp_path) -> None:
    async with house(tmp_path) as here:
        with trio.fail_after(3):
            answer = await here.http.get(
                "/v1/models?limit=1000", headers={"x-api-key": KEY}, follow_redirects=False
            )
    assert answer.status_code == 200
    assert all(set(row) >= {"id", "display_name"} for row in answer.json()["data"])
    assert answer.json()["has_more"] is False

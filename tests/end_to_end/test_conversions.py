"""What a request becomes on its way to Kiro, and what later ones owe to earlier ones, through the whole house."""

import json
from functools import partial
from typing import Any

import pytest
import trio

from kiro_trio.gateway import listing
from kiro_trio.simulator.models import Model
from kiro_trio.simulator.script import Match, Reply, Rule, Say
from tests.end_to_end.house import KEY, House, events, house, prompt, saying, scripted
from tests.gateway.pdfs import in_base64, pdf
from tests.upstream.peer import serving
from tests.upstream.test_token_count import Elsewhere, response
from tests.web.served import eventually

SESSION = "0b4445e1-f5be-49e1-87ce-62bbc28ad705"


def document(*pages: str) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "application/pdf", "data": in_base64(pdf(*pages))}
    return {"type": "document", "source": source, "title": "report.pdf"}


def with_document() -> dict[str, Any]:
    content = [document("The answer is 42."), {"type": "text", "text": "What is the answer?"}]
    return prompt(messages=[{"role": "user", "content": content}])


async def post(here: House, body: dict[str, Any], **headers: str) -> None:
    answer = await here.http.post("/v1/messages", json=body, headers={"x-api-key": KEY, **headers})
    assert answer.status_code == 200


def current(here: House, index: int = -1) -> dict[str, Any]:
    state = here.chats()[index].body["conversationState"]
    return state["currentMessage"]["userInputMessage"]


async def test_a_pdf_is_read(tmp_path) -> None:
    async with house(tmp_path) as here:
        answer = await here.post(with_document())
        said = current(here)["content"]
        counted = await here.post(with_document(), "/v1/messages/count_tokens")
    assert "The answer is 42." in said
    assert "report.pdf" in said
    assert "PDF read as text (1)" in answer.headers["x-kiro-trio-warnings"]
    assert 10 < counted.json()["input_tokens"] < 100


async def test_a_pdf_is_handed_on_or_noted_if_the_owner_wants(tmp_path) -> None:
    async with house(tmp_path, documents="native") as here:
        await here.post(with_document())
        assert [row["format"] for row in current(here)["documents"]] == ["pdf"]
    async with house(tmp_path, documents="note") as here:
        await here.post(with_document())
        assert "42" not in current(here)["content"]
        assert "documents" not in current(here)


async def test_turns_share_a_conversation_and_sub_agents_do_not(tmp_path) -> None:
    headers = {"x-claude-code-session-id": SESSION}
    async with house(tmp_path) as here:
        await post(here, prompt(), **headers)
        await post(here, prompt("Again"), **headers)
        await post(here, prompt(), **headers, **{"x-claude-code-agent-id": "a1"})
        states = [exchange.body["conversationState"] for exchange in here.chats()]
    first, second, agent = (state["conversationId"] for state in states)
    assert first == second != agent
    assert SESSION not in json.dumps(states)


BEGUN = [{"role": "user", "content": "Say it"}, {"role": "assistant", "content": "It has beg"}]


async def test_the_owner_decides_what_becomes_of_an_answer_that_has_begun(tmp_path) -> None:
    for choice, status, kept in (("continue", 200, True), ("drop", 200, False), ("refuse", 400, False)):
        async with house(tmp_path, prefill=choice) as here:
            answer = await here.post(prompt(messages=BEGUN))
            said = json.dumps([chat.body for chat in here.chats()])
        assert (answer.status_code, "It has beg" in said) == (status, kept)


async def test_the_owner_decides_what_becomes_of_what_kiro_does_not_take(tmp_path) -> None:
    source = {"type": "base64", "media_type": "image/bmp", "data": "Qk0="}
    picture = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    for choice, status in (("note", 200), ("refuse", 400)):
        async with house(tmp_path, unsupported_media=choice) as here:
            assert (await here.post(prompt(messages=picture))).status_code == status


async def test_the_owner_decides_when_schemas_are_stripped(tmp_path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a"}}}
    for strict in (False, True):
        async with house(tmp_path, strict_schemas=strict) as here:
            await here.post(prompt(tools=[{"name": "A", "input_schema": schema}]))
            assert ("pattern" in json.dumps(here.chats()[0].body)) != strict


async def test_the_owner_decides_what_is_too_large_for_kiro(tmp_path) -> None:
    async with house(tmp_path, upstream_body_limit=100_000) as here:
        fits, over = [(await here.post(prompt("x" * size))) for size in (90_000, 100_000)]
        assert len(here.chats()) == 1
    assert fits.status_code == 200
    assert (over.status_code, over.json()["error"]["type"]) == (400, "invalid_request_error")
    assert over.json()["error"]["message"].startswith("prompt is too long: the request's body would have 100")


async def test_a_refused_model_is_a_404(tmp_path) -> None:
    async with house(tmp_path, unknown_models="refuse") as here:
        answer = await here.post(prompt(model="claude-nonesuch-9"))
        assert here.chats() == []
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("depth", [500, 800, 900, 940, 970, 5000])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_what_is_nested_deeply_is_answered_or_refused(tmp_path, depth: int, path: str) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": "NESTED"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]},
    ]
    schema = {"type": "json_schema", "schema": "NESTED"}
    bodies = [
        prompt(messages=history),
        prompt(tools=[{"name": "t", "input_schema": "NESTED"}]),
        prompt(output_config={"format": schema}),
    ]
    async with house(tmp_path) as here:
        for body in bodies:
            answer = await here.post(json.dumps(body).replace('"NESTED"', nested).encode(), path)
            assert answer.status_code in {200, 400}, answer.text


async def test_estimates_follow_what_kiro_counts(tmp_path) -> None:
    words = prompt("some words of a longer text " * 2000)
    async with house(tmp_path) as here:
        before = (await here.post(words, "/v1/messages/count_tokens")).json()["input_tokens"]
        told = events((await here.post(words)).content)
        after = (await here.post(words, "/v1/messages/count_tokens")).json()["input_tokens"]
        again = events((await here.post(words)).content)
    assert told[0][1]["message"]["usage"]["input_tokens"] == before
    measured = told[-2][1]["usage"]["input_tokens"]
    assert abs(after - measured) < abs(before - measured)
    assert abs(after / measured - 1) < 0.02
    assert again[0][1]["message"]["usage"]["input_tokens"] == after
    learnt = json.loads((tmp_path / "credentials.calibration.json").read_text())["ratios"]
    assert list(learnt) == ["claude-sonnet-4.5"]


async def test_estimates_stay_as_they_are_if_the_owner_wants(tmp_path) -> None:
    words = prompt("some words of a longer text " * 2000)
    async with house(tmp_path, calibrate_tokens=False) as here:
        before = (await here.post(words, "/v1/messages/count_tokens")).json()
        await here.post(words)
        assert (await here.post(words, "/v1/messages/count_tokens")).json() == before
    assert not (tmp_path / "credentials.calibration.json").exists()


async def test_tokens_are_counted_elsewhere_only_for_who_asks_for_the_count(tmp_path) -> None:
    elsewhere = Elsewhere(response(b'{"input_tokens":4711}'), response(b"", b"500 Oops"))
    async with serving(elsewhere) as server, house(tmp_path, count_tokens_api_url=server.url) as here:
        body = json.dumps(prompt()).encode()
        headers = {"x-api-key": KEY, "anthropic-beta": "b1"}
        first = await here.http.post("/v1/messages/count_tokens", content=body, headers=headers)
        await here.post(body)
        second = await here.post(body, "/v1/messages/count_tokens")
    assert first.json() == {"input_tokens": 4711}
    assert 1 < second.json()["input_tokens"] < 100
    assert [sent for _, sent in elsewhere.seen] == [body, body]
    assert b"anthropic-beta: b1" in elsewhere.seen[0][0]


async def test_models_that_kiro_lists_are_listed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(listing, "LIST_AFTER", 0.0)
    simulator = scripted()
    simulator.models = {**simulator.models, "claude-opus-9": Model("claude-opus-9", 3_000_000, 9.0)}
    async with house(tmp_path, simulator) as here:
        listed = partial(here.http.get, "/v1/models", headers={"x-api-key": here.settings.api_key})
        await eventually(lambda: any(exchange.call == "models" for exchange in simulator.seen))
        ids: list[str] = []
        with trio.fail_after(5):
            while "claude-opus-9" not in ids:
                ids = [row["id"] for row in (await listed()).json()["data"]]
        answer = await here.post(prompt(model="claude-opus-9"))
        assert answer.status_code == 200
        assert current(here)["modelId"] == "claude-opus-9"
    assert "claude-opus-4-8" in ids
    assert all(name.startswith(("claude", "anthropic")) for name in ids if "opus" in name)


async def test_what_kiro_refused_is_not_offered_again(tmp_path) -> None:
    refused = Reply(status="effort")
    simulator = scripted(Rule(Match(nth=(1,)), refused), saying(Say("Hello")))
    body = prompt(model="claude-opus-4.8", thinking={"type": "adaptive"})
    async with house(tmp_path, simulator) as here:
        for _ in range(2):
            await here.post(body)
        native = ["additionalModelRequestFields" in exchange.body for exchange in here.chats()]
    assert native == [True, False, False]

"""The document for clients says what happens: whatever is sent, the answer is published, in its status and its shape."""

import json
import re

import httpx
import pytest
from jsonschema import Draft202012Validator

from fuzz.strategies.published import CLIENTS as DOCUMENT
from kiro_trio.dialects.anthropic.errors import ERROR_STATUS
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.session.plan import POLICIES
from kiro_trio.settings import Settings
from kiro_trio.simulator.script import CallTool, Match, Metering, Reply, Rule, Say, Think
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.web.app import make_app
from tests.conformance.openapi import Asked
from tests.dialects.anthropic.requests import SAMPLES
from tests.end_to_end.house import KEY, house, prompt, scripted


@pytest.mark.parametrize("name", sorted(SAMPLES))
async def test_what_clients_really_send_is_published(tmp_path, name) -> None:
    body = json.loads(SAMPLES[name])
    schema = {"$ref": "#/components/schemas/MessagesRequest", "components": DOCUMENT.document["components"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(body)] == []
    async with house(tmp_path) as here:
        for path in ("/v1/messages", "/cc/v1/messages", "/v1/messages/count_tokens"):
            answer = await here.post(body, path)
            assert answer.status_code == 200, answer.text
            assert DOCUMENT.problems(Asked("POST", path, path), answer) == []


@pytest.mark.parametrize("stream", [True, False])
async def test_everything_that_a_model_can_say_is_published(tmp_path, stream) -> None:
    said = (Think("Hm."), Say("Yes."), CallTool("Bash", {"command": "ls"}), Metering(0.5))
    tools = [{"name": "Bash", "input_schema": {"type": "object"}}]
    async with house(tmp_path, scripted(Rule(Match(), Reply(steps=said)))) as here:
        answer = await here.post(prompt(stream=stream, tools=tools))
        assert answer.status_code == 200
        for word in ("thinking", "tool_use", "credits"):
            assert word in answer.text
        assert DOCUMENT.problems(Asked("POST", "/v1/messages", ""), answer) == []


@pytest.mark.parametrize("stream", [True, False])
async def test_searches_are_published(tmp_path, stream) -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    async with house(tmp_path) as here:
        answer = await here.post(
            prompt("Perform a web search for the query: trio", stream=stream, tools=tools)
        )
        assert "web_search_tool_result" in answer.text
        assert DOCUMENT.problems(Asked("POST", "/v1/messages", ""), answer) == []


@pytest.mark.parametrize(
    "word", ["token", "suspended", "throttled", "internal", "monthly", "improper", "model"]
)
async def test_the_ends_of_requests_that_fail_are_published(tmp_path, word) -> None:
    async with house(tmp_path, scripted(Rule(Match(), Reply(status=word)))) as here:
        answer = await here.post(prompt())
        assert answer.status_code >= 400
        assert DOCUMENT.problems(Asked("POST", "/v1/messages", ""), answer) == []


async def test_refusals_at_the_door_are_published(tmp_path) -> None:
    async with house(tmp_path, body_limit=1000) as here:
        for method, path, operation in DOCUMENT.operations:
            url = path.replace("{model_id}", "claude-sonnet-4-5")
            for headers, status in (({}, 401), ({"x-api-key": "wrong"}, 403)):
                answer = await here.http.request(method, url, headers=headers)
                assert answer.status_code == (200 if operation.get("security") == [] else status), path
                assert DOCUMENT.problems(Asked(method, path, url), answer) == []
            if method == "POST":
                large = await here.http.post(url, content=b"x" * 2000, headers={"x-api-key": KEY})
                assert large.status_code == 413
                assert DOCUMENT.problems(Asked(method, path, url), large) == []


async def test_a_gateway_that_cannot_serve_is_published(tmp_path) -> None:
    async with house(tmp_path, Simulator(accounts=[])) as here:
        answer = await here.http.get("/readyz")
        assert answer.status_code == 503
        assert DOCUMENT.problems(Asked("GET", "/readyz", ""), answer) == []


async def test_the_document_is_published_and_whole(tmp_path) -> None:
    Draft202012Validator.check_schema({"$defs": DOCUMENT.schemas})
    text = json.dumps(DOCUMENT.document)
    assert set(re.findall(r"#/components/schemas/([^\"]+)", text)) <= set(DOCUMENT.schemas)
    names = [operation["operationId"] for _, _, operation in DOCUMENT.operations]
    assert len(set(names)) == len(names)
    async with house(tmp_path) as here:
        assert (await here.http.get("/openapi.json")).json() == DOCUMENT.document


async def test_the_document_has_every_path_of_the_application(tmp_path) -> None:
    app = make_app(await open_gateway(Settings(credentials_file=str(tmp_path / "credentials.json"))))
    rules = {re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    assert {rule for rule in rules if "/v1/v1/" not in rule} == set(DOCUMENT.document["paths"])


def test_a_message_has_every_status_of_the_table_of_failures() -> None:
    told = set(DOCUMENT.document["paths"]["/v1/messages"]["post"]["responses"])
    assert {str(policy.status) for policy in POLICIES.values()} - {"499"} <= told
    assert {policy.error_type for policy in POLICIES.values()} <= set(ERROR_STATUS)


def test_the_judge_finds_what_is_wrong() -> None:
    asked = Asked("GET", "/healthz", "")
    good = {"status": "alive"}
    assert DOCUMENT.problems(asked, httpx.Response(200, json=good)) == []
    for answer in (
        httpx.Response(201, json=good),
        httpx.Response(200, text="alive"),
        httpx.Response(200, json={}),
        httpx.Response(200, json={**good, "secret": 1}),
        httpx.Response(200, json={"status": "dead"}),
    ):
        assert len(DOCUMENT.problems(asked, answer)) == 1

"""The document says what happens; and whatever is sent, valid or not, the answer is never a bug of ours."""

import json
import re
import tempfile
from pathlib import Path

import httpx
import msgspec
import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kiro_trio.admin import openapi
from kiro_trio.admin.problems import Kind
from kiro_trio.admin.table import ROUTES
from tests.admin.owner import ADMIN_KEY, owner
from tests.conformance.openapi import Asked, Document
from tests.end_to_end.house import KEY

DOCUMENT = Document(json.loads(msgspec.json.encode(openapi.document(ROUTES))))

IDS = {
    "id": ["1", "2", "3", "0", "77", "abc", "-1", "9" * 15, "9" * 40, "1%2F..%2F2"],
    "request": ["req_1", "%00", "..%2F..%2Fetc", "x" * 200],
    "key": ["key_1", "default", "%0d%0a"],
    "signIn": ["signin_1", "%2e%2e"],
}

# Words that get further than made-up ones.
BETTER = {
    "provider": st.sampled_from(["google", "builder-id", "idc"]),
    "startUrl": st.sampled_from(["https://d-1.awsapps.com/start", ""]),
    "region": st.sampled_from(["us-east-1", "", "nowhere"]),
    "refreshToken": st.just("r" * 120),
    "stores": st.just([]),
}

# One needs the key and counts wrong ones, one never ends.
LEFT_OUT = r"POST .*/session$|/events$"


# To make a failing list shorter takes minutes, and the assertion names the one request that failed.
@settings(max_examples=4, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(st.lists(DOCUMENT.requests(IDS, LEFT_OUT, BETTER), min_size=60, max_size=120))
def test_no_input_finds_a_bug_or_an_answer_that_is_not_published(asked) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trio.run(ask_all, Path(folder), asked)


async def ask_all(folder: Path, asked: list[Asked]) -> None:
    (folder / "config.json").write_text(json.dumps({"apiKey": KEY, "adminApiKey": ADMIN_KEY}))
    async with owner(folder) as me:
        for one in asked:
            headers = {"x-api-key": ADMIN_KEY, "x-forwarded-for": "203.0.113.7", "content-type": one.kind}
            answer = await me.here.http.request(
                one.method, one.url, params=one.query, content=one.content, headers=headers
            )
            assert answer.status_code not in {401, 403, 500, 503}, (one, answer.text)
            assert DOCUMENT.problems(one, answer) == [], (one, answer.text)
        assert (await me.get("/credentials"))["total"] >= 0


async def test_refusals_at_the_door_are_published(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for method, path, _ in DOCUMENT.operations:
            url = re.sub(r"\{\w+\}", "1", path)
            answer = await me.here.http.request(method, url)
            login = path.endswith("/session") and method == "POST"
            assert answer.status_code == (400 if login else 401), (method, path)
            assert DOCUMENT.problems(Asked(method, path, url), answer) == []


async def test_logging_in_with_whatever_is_published_too(tmp_path) -> None:
    path = "/api/admin/session"
    async with owner(tmp_path) as me:
        for content in (b"", b"{}", b"[", b'{"adminApiKey": 1}', *[b'{"adminApiKey": "x"}'] * 12):
            answer = await me.here.http.post(path, content=content)
            assert answer.status_code in {400, 401, 429}
            assert DOCUMENT.problems(Asked("POST", path, path), answer) == []
        assert answer.status_code == 429


def test_every_reference_of_the_document_is_there() -> None:
    text = json.dumps(DOCUMENT.document)
    names = re.findall(r"#/components/schemas/([^\"]+)", text)
    assert len(names) > 20
    assert set(names) <= set(DOCUMENT.schemas)


async def test_the_document_is_published_and_answers_fit_it(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert await me.get("/openapi.json") == DOCUMENT.document
        for path in (
            "/credentials",
            "/live",
            "/status",
            "/keys",
            "/usage",
            "/requests",
            "/config",
            "/models",
        ):
            answer = await me.ask("GET", path)
            asked = Asked("GET", f"/api/admin{path}", path)
            assert DOCUMENT.problems(asked, answer) == []
            more = httpx.Response(200, json={**answer.json(), "more": 1})
            assert "more" in DOCUMENT.problems(asked, more)[0]
            less = httpx.Response(200, json=dict([*answer.json().items()][1:]))
            assert "is a required property" in DOCUMENT.problems(asked, less)[0]


def test_every_schema_is_one() -> None:
    Draft202012Validator.check_schema({"$defs": DOCUMENT.schemas})
    for _, _, operation in DOCUMENT.operations:
        assert "200" in operation["responses"]
        assert operation["operationId"]
    names = [operation["operationId"] for _, _, operation in DOCUMENT.operations]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_sentence(route) -> None:
    assert route.summary
    assert route.handler.__doc__ or route.path == "/openapi.json"


def test_the_page_about_the_api_names_every_route_and_every_error() -> None:
    text = (Path(__file__).parents[2] / "docs/admin-api.md").read_text("utf-8")
    assert [route.path for route in ROUTES if f"{route.method} {route.path}" not in text] == []
    assert [kind for kind in Kind if f"| `{kind.word}` | {kind.status} |" not in text] == []


def test_the_page_about_the_api_names_every_field_of_an_answer() -> None:
    text = (Path(__file__).parents[2] / "docs/admin-api.md").read_text("utf-8")
    fields = {name for schema in DOCUMENT.schemas.values() for name in schema.get("properties", {})}
    assert [name for name in sorted(fields) if name not in text] == []

"""The document says what happens; and whatever is sent, valid or not, the answer is never a bug of ours."""

import json
import re
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from fuzz.strategies.published import OWNERS as DOCUMENT
from kiro_trio.admin.problems import Kind
from kiro_trio.admin.table import ROUTES
from tests.admin.owner import owner
from tests.conformance.openapi import Asked


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

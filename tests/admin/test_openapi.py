"""The document says what happens; and whatever is sent, valid or not, the answer is never a bug of ours."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiro_trio.admin import openapi
from kiro_trio.admin.problems import Kind
from kiro_trio.admin.table import ROUTES
from tests.admin.owner import ADMIN_KEY, owner
from tests.end_to_end.house import KEY

DOCUMENT = msgspec.to_builtins(openapi.document(ROUTES))
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if not path.endswith("/events")
]

# These ask Kiro, who may say no to made-up tokens.
ASKS_KIRO = re.compile(r"/credentials(/import|/\d+/(refresh|balance))?$")

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.just("x" * 150)
    | st.sampled_from(["direct", "us-east-1", "idc", "ksk_abcdefghijklmnop", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def _object(schema: Any) -> st.SearchStrategy[Any]:
    required = set(schema.get("required", []))
    fields = {name: of(kind) for name, kind in schema.get("properties", {}).items()}
    return st.fixed_dictionaries(
        {name: kind for name, kind in fields.items() if name in required},
        optional={name: kind for name, kind in fields.items() if name not in required},
    )


def _string(schema: Any) -> st.SearchStrategy[Any]:
    return st.from_regex(schema["pattern"]) if "pattern" in schema else st.text(max_size=40)


KINDS = {
    "object": _object,
    "array": lambda schema: st.lists(of(schema.get("items", {})), max_size=4),
    "integer": lambda schema: st.integers(schema.get("minimum", -(2**70)), schema.get("maximum", 2**70)),
    "number": lambda _: st.floats(allow_nan=False, allow_infinity=False),
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
    "string": _string,
}


def of(schema: Any) -> st.SearchStrategy[Any]:
    """Values that fit a schema of ours."""
    if "$ref" in schema:
        return of(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of([of(option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return KINDS[schema["type"]](schema) if "type" in schema else anything


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@st.composite
def requests(draw) -> tuple[str, str, dict[str, str], bytes]:
    method, path, operation = draw(st.sampled_from(OPERATIONS))
    path = re.sub(r"\{id\}", lambda _: draw(st.sampled_from(["1", "2", "3", "0", "77", "abc", "-1"])), path)
    path = re.sub(
        r"\{\w+\}", lambda _: draw(st.sampled_from(["req_1", "key_1", "default", "%00", "x"])), path
    )
    query = {
        parameter["name"]: str(draw(of(parameter["schema"]) | st.text(max_size=8)))
        for parameter in operation["parameters"]
        if parameter["in"] == "query" and draw(st.booleans())
    }
    if "requestBody" not in operation:
        return method, path, query, b""
    fitting = of(operation["requestBody"]["content"]["application/json"]["schema"]).map(encoded)
    return method, path, query, draw(fitting | anything.map(encoded) | st.binary(max_size=40))


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(st.lists(requests(), min_size=60, max_size=120))
def test_no_input_finds_a_bug(asked) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trio.run(ask_all, Path(folder), asked)


async def ask_all(folder: Path, asked) -> None:
    (folder / "config.json").write_text(json.dumps({"apiKey": KEY, "adminApiKey": ADMIN_KEY}))
    async with owner(folder) as me:
        for method, path, query, body in asked:
            answer = await me.here.http.request(
                method, path, params=query, content=body, headers={"x-api-key": ADMIN_KEY}
            )
            where = (method, path, query, body, answer.text)
            if answer.status_code == 502:
                assert ASKS_KIRO.search(path), where
            else:
                assert answer.status_code < 500, where
            if answer.status_code == 200:
                schema = DOCUMENT["paths"]
                assert answer.json() is not None, (where, schema)
            else:
                assert set(answer.json()["error"]) == {"type", "message"}, where
        assert (await me.get("/credentials"))["total"] >= 0


def test_every_reference_of_the_document_is_there() -> None:
    text = json.dumps(DOCUMENT)
    names = re.findall(r"#/components/schemas/([^\"]+)", text)
    assert len(names) > 20
    assert set(names) <= set(SCHEMAS)


async def test_the_document_is_published_and_answers_fit_it(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert await me.get("/openapi.json") == DOCUMENT
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
            schema = DOCUMENT["paths"][f"/api/admin{path}"]["get"]["responses"]["200"]["content"]
            answer = await me.get(path)
            assert fits(answer, schema["application/json"]["schema"]), (path, answer)
            assert not fits({**answer, "more": 1}, schema["application/json"]["schema"])


TYPES = {
    "object": dict,
    "array": list,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "string": str,
}


def fits(value: Any, schema: Any) -> bool:
    """Whether a value is of the right types, has what is required, and nothing that is not in the document."""
    if "$ref" in schema:
        return fits(value, SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return any(fits(value, option) for option in schema["anyOf"])
    properties = schema.get("properties")
    return (
        ("type" not in schema or isinstance(value, TYPES[schema["type"]]))
        and value in schema.get("enum", [value])
        and (properties is None or set(schema.get("required", [])) <= set(value) <= set(properties))
        and all(fits(item, properties[name]) for name, item in (value.items() if properties else ()))
        and all(fits(item, schema["items"]) for item in (value if "items" in schema else ()))
    )


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
    fields = {name for schema in SCHEMAS.values() for name in schema.get("properties", {})}
    assert [name for name in sorted(fields) if name not in text] == []

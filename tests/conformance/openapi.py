"""A published OpenAPI document as a source of requests, good and bad, and as the judge of what is answered."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

LONG = "x" * 150
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        [LONG, "direct", "us-east-1", "idc", "text", "ksk_abcdefghijklmnop", "\ud800", "\x00", "a\r\nb: c"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that follows the document, more or less; `path` is the document's word for where."""

    method: str
    path: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    kind: str = "application/json"


class Document:
    """An OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.schemas = document["components"]["schemas"]
        self._made: dict[str, st.SearchStrategy[Any]] = {}
        self.operations = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def of(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        """Values that fit a schema. Made once: to make a strategy, and to have it checked, takes longer than to draw from it."""
        key = json.dumps(schema)
        if key not in self._made:
            self._made[key] = self._make(schema)
        return self._made[key]

    def _make(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return st.deferred(lambda: self.of(self.schemas[schema["$ref"].rpartition("/")[2]]))
        if "anyOf" in schema:
            return st.one_of([self.of(option) for option in schema["anyOf"]])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        return KINDS[schema["type"]](self, schema) if "type" in schema else anything

    def requests(
        self, ids: Mapping[str, list[str]], leave_out: str = r"\Z.", more: Mapping[str, Any] | None = None
    ) -> st.SearchStrategy[Asked]:
        """Requests to all operations; `ids` has words for the paths, `more` better values for parts of bodies, by name."""
        asked = [row for row in self.operations if not re.search(leave_out, f"{row[0]} {row[1]}")]
        # By number: the description of a strategy should not hold the whole document.
        numbers = st.sampled_from(range(len(asked)))
        return numbers.flatmap(lambda number: _request(self, asked[number], ids, more or {}))

    @cached_property
    def closed(self) -> Mapping[str, Any]:
        """The components, in which nothing may be that is not published."""
        return _closed(copy.deepcopy(dict(self.document["components"])))

    def problems(self, asked: Asked, answer: httpx.Response) -> list[str]:
        """What in an answer is not as published: its status, its type, its body."""
        responses = self.document["paths"][asked.path][asked.method.lower()]["responses"]
        told = responses.get(str(answer.status_code))
        if told is None:
            return [f"status {answer.status_code} is not published"]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind not in told["content"]:
            return [f"{kind or 'no content type'} is not published for {answer.status_code}"]
        schema = _closed(copy.deepcopy(dict(told["content"][kind]["schema"])))
        judge = Draft202012Validator({**schema, "components": self.closed})
        values = {"text/event-stream": _events, "text/plain": lambda text: [text]}.get(kind, _json)(
            answer.text
        )
        return [
            f"{error.json_path}: {error.message}"[:500]
            for value in values
            for error in judge.iter_errors(value)
        ]


@st.composite
def _request(draw, document, row, ids, more) -> Asked:
    method, path, operation = row
    url = re.sub(r"\{(\w+)\}", lambda found: quote(draw(st.sampled_from(ids[found[1]])), safe="%"), path)
    query = {
        parameter["name"]: str(draw(document.of(parameter["schema"]) | st.text(max_size=8)))
        for parameter in operation["parameters"]
        if parameter["in"] == "query" and draw(st.booleans())
    }
    if "requestBody" not in operation:
        return Asked(method, path, url, query)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    value = draw(document.of(schema))
    if isinstance(value, dict):
        value = {name: draw(more[name]) if name in more else part for name, part in value.items()}
    content = draw(
        st.just(value).map(encoded)
        | spoiled(value).map(encoded)
        | anything.map(encoded)
        | st.binary(max_size=40)
        | st.integers(0, 60).map(lambda end: encoded(value)[:end])
    )
    kind = draw(
        st.sampled_from(["application/json"] * 4 + ["text/plain", "", "application/x-www-form-urlencoded"])
    )
    return Asked(method, path, url, query, content, kind)


def _object(document: Document, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    required = set(schema.get("required", []))
    fields = {name: document.of(kind) for name, kind in schema.get("properties", {}).items()}
    if not fields:
        return st.dictionaries(st.text(max_size=8), anything, max_size=3)
    return st.fixed_dictionaries(
        {name: kind for name, kind in fields.items() if name in required},
        optional={name: kind for name, kind in fields.items() if name not in required},
    )


def _string(_document: Document, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    return st.text(min_size=schema.get("minLength", 0), max_size=40)


def _array(document: Document, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    return st.lists(document.of(schema.get("items", {})), min_size=schema.get("minItems", 0), max_size=3)


KINDS = {
    "object": _object,
    "array": _array,
    "integer": lambda _, schema: st.integers(schema.get("minimum", -(2**70)), schema.get("maximum", 2**70)),
    "number": lambda *_: st.floats(allow_nan=False, allow_infinity=False),
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
    "string": _string,
}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@st.composite
def spoiled(draw, value: Any) -> Any:
    """A good value with one thing in it that is wrong: another value, a key more, a key less, one twice as long."""
    value = copy.deepcopy(value)
    spots = list(_spots(value))
    if not spots:
        return draw(anything)
    holder, key = draw(st.sampled_from(spots))
    match draw(st.sampled_from(["another", "another", "gone", "more", "longer"])):
        case "gone":
            del holder[key]
        case "more" if isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(anything)
        case "longer" if isinstance(holder[key], str | list):
            holder[key] = holder[key] * 1000
        case _:
            holder[key] = draw(anything)
    return value


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield value, key
        yield from _spots(part)


def _closed(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _closed(part)
    elif isinstance(schema, list):
        for part in schema:
            _closed(part)
    return schema


def _json(text: str) -> list[Any]:
    return [json.loads(text)]


def _events(text: str) -> list[Any]:
    return [
        json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")
    ]

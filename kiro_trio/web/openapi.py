"""The OpenAPI document of what clients may ask, at `GET /openapi.json`; statuses come from the tables that decide them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from quart import Response

from kiro_trio import __version__
from kiro_trio.dialects.anthropic import published_answers as answers
from kiro_trio.dialects.anthropic import published_requests as requests
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.session.plan import POLICIES
from kiro_trio.web import usage

_REF = "#/components/schemas/{name}"

KEYS = {400, 401, 403}
"""Whoever is asked for a key may say so, and that the rest of the request cannot be understood."""

BODY = {408, 413}
FAULTS = {policy.status for policy in POLICIES.values()} - {499}
"""What a request for a message can end in; 499 is the one that nobody is there to hear."""


class Name(msgspec.Struct):
    """Who answers."""

    name: str
    version: str


class Alive(msgspec.Struct):
    """The process answers."""

    status: Literal["alive"]


class Checks(msgspec.Struct):
    """What must be good for a request to be served."""

    accounts: bool
    store: bool
    serving: bool


class Ready(msgspec.Struct):
    """Whether a request would be served."""

    status: Literal["ready", "not ready"]
    checks: Checks


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask: `answers` by media type, `refusals` are the other statuses."""

    method: str
    path: str
    summary: str
    answers: Mapping[str, Any]
    refusals: Iterable[int] = ()
    body: Any = None
    query: Mapping[str, Any] | None = None
    public: bool = False


_JSON = "application/json"
_MESSAGE = {_JSON: answers.Message, "text/event-stream": answers.StreamEvent}
_PAGE = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "after_id": {"type": "string"},
    "before_id": {"type": "string"},
}


def _below(prefix: str, manner: str) -> tuple[Operation, ...]:
    """What can be asked below one of the prefixes."""
    return (
        Operation(
            "post",
            f"{prefix}/messages",
            f"Answer a prompt{manner}",
            _MESSAGE,
            KEYS | BODY | FAULTS,
            requests.MessagesRequest,
        ),
        Operation(
            "post",
            f"{prefix}/messages/count_tokens",
            "Count the tokens of a prompt",
            {_JSON: answers.TokenCount},
            KEYS | BODY,
            requests.CountTokensRequest,
        ),
        Operation("get", f"{prefix}/models", "Models", {_JSON: answers.Models}, KEYS, query=_PAGE),
        Operation("get", f"{prefix}/models/{{model_id}}", "One model", {_JSON: answers.Model}, KEYS | {404}),
        Operation(
            "get",
            f"{prefix}/kiro-trio/usage",
            "What the asking key has used, in a session and this month",
            {_JSON: usage.Usage},
            KEYS,
            query={"session": {"type": "string"}},
        ),
    )


OPERATIONS = (
    *_below("/v1", ""),
    *_below("/cc/v1", "; a stream is held until its token counts are known"),
    Operation("get", "/", "Who answers", {_JSON: Name}, public=True),
    Operation("get", "/healthz", "The process answers", {_JSON: Alive}, public=True),
    Operation("get", "/readyz", "Whether a request would be served", {_JSON: Ready}, {503}, public=True),
    Operation("get", "/metrics", "Figures for Prometheus", {"text/plain": str}, {401, 404}, public=True),
    Operation("get", "/openapi.json", "This document", {_JSON: dict[str, Any]}, public=True),
)


async def show_document(_gateway: Gateway) -> Response:
    """Return the document."""
    return Response(_encoded(), content_type=_JSON)


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """The document, as JSON values."""
    # All at once, for two shapes of one name are told apart by longer ones.
    schemas, components = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    shapes = dict(zip(_TYPES, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for asked in OPERATIONS:
        paths.setdefault(asked.path, {})[asked.method] = _operation(asked, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "kiro_trio", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {
                **components,
                "ContentBlock": _content_block(shapes[requests.KNOWN_BLOCKS], components),
            },
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"key": []}, {"bearer": []}],
    }


_TYPES: list[Any] = [
    *dict.fromkeys(
        kind for asked in OPERATIONS for kind in (*asked.answers.values(), asked.body) if kind is not None
    ),
    answers.Refusal,
    requests.KNOWN_BLOCKS,
]


def _operation(asked: Operation, shapes: Mapping[Any, Any]) -> dict[str, Any]:
    found = {media: {"schema": shapes[kind]} for media, kind in asked.answers.items()}
    told: dict[str, Any] = {
        "operationId": f"{asked.method}{asked.path.replace('/', '_').replace('{', '').replace('}', '')}",
        "summary": asked.summary,
        "parameters": _parameters(asked),
        "responses": {
            "200": {"description": "done", "content": found},
            **{str(status): _refusal(asked, status, shapes) for status in sorted(asked.refusals)},
        },
    }
    if asked.body is not None:
        told["requestBody"] = {"required": True, "content": {_JSON: {"schema": shapes[asked.body]}}}
    if asked.public:
        told["security"] = []
    return told


def _parameters(asked: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", asked.path)
    found = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    query = asked.query or {}
    return [*found, *({"name": name, "in": "query", "schema": schema} for name, schema in query.items())]


def _refusal(asked: Operation, status: int, shapes: Mapping[Any, Any]) -> dict[str, Any]:
    kind = Ready if asked.path == "/readyz" else answers.Refusal
    return {"description": HTTPStatus(status).phrase, "content": {_JSON: {"schema": shapes[kind]}}}


def _content_block(known: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """One of the blocks that are known, or any other object."""
    names = [option["$ref"].rpartition("/")[2] for option in known["anyOf"]]
    taken = [components[name]["properties"]["type"]["enum"][0] for name in names]
    other = {
        "description": "A block of any other type is no mistake: if it holds text, the text is kept.",
        "type": "object",
        "properties": {"type": {"type": "string", "not": {"enum": taken}}},
    }
    return {"anyOf": [*known["anyOf"], other]}

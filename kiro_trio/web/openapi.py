"""The OpenAPI document of what clients may ask, at `GET /openapi.json`; statuses come from the tables that decide them."""

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

OPERATIONS = (
    Operation(
        "post", "/v1/messages", "Answer a prompt", _MESSAGE, KEYS | BODY | FAULTS, requests.MessagesRequest
    ),
    Operation(
        "post",
        "/v1/messages/count_tokens",
        "Count the tokens of a prompt",
        {_JSON: answers.TokenCount},
        KEYS | BODY,
        requests.CountTokensRequest,
    ),
    Operation("get", "/v1/models", "Models", {_JSON: answers.Models}, KEYS, query=_PAGE),
    Operation("get", "/v1/models/{model_id}", "One model", {_JSON: answers.Model}, KEYS | {404}),
    Operation(
        "post",
        "/cc/v1/messages",
        "Answer a prompt; a stream is held until its token counts are known",
        _MESSAGE,
        KEYS | BODY | FAULTS,
        requests.MessagesRequest,
    ),
    Operation(
        "post",
        "/cc/v1/messages/count_tokens",
        "As below /v1",
        {_JSON: answers.TokenCount},
        KEYS | BODY,
        requests.CountTokensRequest,
    ),
    Operation("get", "/cc/v1/models", "As below /v1", {_JSON: answers.Models}, KEYS, query=_PAGE),
    Operation("get", "/cc/v1/models/{model_id}", "As below /v1", {_JSON: answers.Model}, KEYS | {404}),
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
    types = [
        kind for asked in OPERATIONS for kind in (*asked.answers.values(), asked.body) if kind is not None
    ]
    _, components = msgspec.json.schema_components(
        [*types, answers.Refusal, requests.KNOWN_BLOCKS], ref_template=_REF
    )
    paths: dict[str, dict[str, Any]] = {}
    for asked in OPERATIONS:
        paths.setdefault(asked.path, {})[asked.method] = _operation(asked)
    return {
        "openapi": "3.1.0",
        "info": {"title": "kiro_trio", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "ContentBlock": _content_block()},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"key": []}, {"bearer": []}],
    }


def _operation(asked: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{asked.method}{asked.path.replace('/', '_').replace('{', '').replace('}', '')}",
        "summary": asked.summary,
        "parameters": [
            *(
                [{"name": "model_id", "in": "path", "required": True, "schema": {"type": "string"}}]
                if "{model_id}" in asked.path
                else []
            ),
            *(
                {"name": name, "in": "query", "schema": schema}
                for name, schema in (asked.query or {}).items()
            ),
        ],
        "responses": {
            "200": {
                "description": "done",
                "content": {media: {"schema": _schema(kind)} for media, kind in asked.answers.items()},
            },
            **{str(status): _refusal(asked, status) for status in sorted(asked.refusals)},
        },
    }
    if asked.body is not None:
        told["requestBody"] = {"required": True, "content": {_JSON: {"schema": _schema(asked.body)}}}
    if asked.public:
        told["security"] = []
    return told


def _refusal(asked: Operation, status: int) -> dict[str, Any]:
    kind = Ready if asked.path == "/readyz" else answers.Refusal
    return {"description": HTTPStatus(status).phrase, "content": {_JSON: {"schema": _schema(kind)}}}


def _content_block() -> dict[str, Any]:
    known = _schema(requests.KNOWN_BLOCKS)
    names = [option["$ref"].rpartition("/")[2] for option in known["anyOf"]]
    _, components = msgspec.json.schema_components([requests.KNOWN_BLOCKS], ref_template=_REF)
    taken = [components[name]["properties"]["type"]["enum"][0] for name in names]
    other = {
        "description": "A block of any other type is no mistake: if it holds text, the text is kept.",
        "type": "object",
        "properties": {"type": {"type": "string", "not": {"enum": taken}}},
    }
    return {"anyOf": [*known["anyOf"], other]}


def _schema(kind: Any) -> Any:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema

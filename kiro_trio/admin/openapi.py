"""The OpenAPI document of the owner's API, made from the table of its routes: what is written there is what happens."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from kiro_trio import __version__
from kiro_trio.admin.problems import Kind
from kiro_trio.admin.routes import PREFIX, Nothing, Route
from kiro_trio.admin.sessions import COOKIE, CSRF_HEADER

_REF = "#/components/schemas/{name}"

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {
                "type": {"type": "string", "enum": [kind.word for kind in Kind]},
                "message": {"type": "string"},
            },
        }
    },
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document, as JSON values."""
    types = [kind for route in routes for kind in (route.answer, route.body) if kind is not None]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "kiro_trio: the owner's API", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _ERROR},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": f"changes also need the header {CSRF_HEADER}",
                },
            },
        },
        "security": [{"key": []}, {"bearer": []}, {"cookie": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    media = "text/event-stream" if route.path.endswith("/events") else "application/json"
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__.strip("_"),
        "summary": route.summary,
        "parameters": [*_ids(route), *_query(route)],
        "responses": {
            "200": {"description": "done", "content": {media: {"schema": _schema(route.answer)}}},
            **{
                str(kind.status): _problem(kind) for kind in sorted(route.kinds, key=lambda kind: kind.status)
            },
        },
    }
    if route.body is not None:
        content = {"application/json": {"schema": _schema(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.public:
        operation["security"] = []
    return operation


def _problem(kind: Kind) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": kind.word, "content": {"application/json": {"schema": schema}}}


def _ids(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0} if name == "id" else {"type": "string"},
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query(route: Route) -> list[dict[str, Any]]:
    if route.query is Nothing:
        return []
    (shape,), _ = msgspec.json.schema_components([route.query], ref_template=_REF)
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    properties = components[shape["$ref"].rpartition("/")[2]]["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _schema(kind: Any) -> Any:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema

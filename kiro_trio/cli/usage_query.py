"""Asking the gateway what its client has used, as quickly as a status line must. Blocking."""

import http.client
import json
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

# The gateway answers in milliseconds, or waits a second for Kiro.
_PATIENCE = 2.5
_MOST_BYTES = 65536

_SAYINGS = {
    401: "the gateway asks for a key: set ANTHROPIC_AUTH_TOKEN",
    403: "the gateway does not take this key",
    404: "what listens there is no kiro-trio, or an older one",
}


class NoAnswer(Exception):
    """The gateway could not be asked; the text says why, in a few words."""


def ask_usage(environ: Mapping[str, str], session: str) -> dict[str, Any]:
    """What `GET /v1/kiro-trio/usage` says to the client that `environ` describes.

    Raises:
        NoAnswer: there is no gateway, or it does not answer this client.
    """
    base = environ.get("ANTHROPIC_BASE_URL", "")
    if not base:
        raise NoAnswer("ANTHROPIC_BASE_URL is not set")
    place = _place(base)
    path = place.path.rstrip("/").removesuffix("/v1") + "/v1/kiro-trio/usage"
    query = f"?session={quote(session, safe='')}" if session else ""
    connection = _connection(place)
    try:
        connection.request("GET", path + query, headers=_headers(environ))
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException, ValueError):
        raise NoAnswer(f"no gateway at {place.hostname}:{connection.port}") from None
    finally:
        connection.close()
    return _read(answer.status, body)


def _place(base: str) -> SplitResult:
    try:
        place = urlsplit(base)
        if place.scheme in {"http", "https"} and place.hostname and place.port != 0:
            return place
    except ValueError:
        pass
    raise NoAnswer("ANTHROPIC_BASE_URL is no address of a gateway")


def _connection(place: SplitResult) -> http.client.HTTPConnection:
    host = place.hostname or ""
    if place.scheme == "http":
        return http.client.HTTPConnection(host, place.port, timeout=_PATIENCE)
    # Claude Code trusts these too.
    context = ssl.create_default_context(cafile=os.environ.get("NODE_EXTRA_CA_CERTS") or None)
    return http.client.HTTPSConnection(host, place.port, timeout=_PATIENCE, context=context)


def _headers(environ: Mapping[str, str]) -> dict[str, str]:
    headers = {"user-agent": "kiro-trio-statusline", "connection": "close"}
    if token := environ.get("ANTHROPIC_AUTH_TOKEN"):
        headers["authorization"] = f"Bearer {token}"
    if key := environ.get("ANTHROPIC_API_KEY"):
        headers["x-api-key"] = key
    return headers


def _read(status: int, body: bytes) -> dict[str, Any]:
    if status != http.client.OK:
        raise NoAnswer(_SAYINGS.get(status, f"the gateway answered {status}"))
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise NoAnswer(_SAYINGS[404])
    return answer

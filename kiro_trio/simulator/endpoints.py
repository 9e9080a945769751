"""Which call a request is: by its path, or by `x-amz-target` when the path is `/`.

Source: docs/wire.md, "Hosts and calls".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

Binding = Literal["rest", "rpc"]

ROUTES: Mapping[tuple[str, str], str] = {
    ("POST", "/generateAssistantResponse"): "chat",
    ("POST", "/SendMessageStreaming"): "chat",
    ("POST", "/mcp"): "mcp",
    ("GET", "/getUsageLimits"): "usage",
    ("GET", "/ListAvailableModels"): "models",
    ("POST", "/ListAvailableProfiles"): "profiles",
    ("POST", "/setUserPreference"): "preference",
    ("POST", "/refreshToken"): "refresh",
    ("GET", "/login"): "authorize",
    ("POST", "/oauth/token"): "exchange",
    ("POST", "/client/register"): "register",
    ("POST", "/device_authorization"): "device",
    ("GET", "/device"): "approve",
    ("GET", "/authorize"): "authorize",
    ("POST", "/token"): "token",
}
TARGETS: Mapping[str, str] = {
    "GenerateAssistantResponse": "chat",
    "SendMessage": "chat",
    "InvokeMCP": "mcp",
    "GetUsageLimits": "usage",
    "ListAvailableModels": "models",
    "ListAvailableProfiles": "profiles",
    "SetUserPreference": "preference",
}
BEARER_CALLS = {"chat", "mcp", "usage", "models", "profiles", "preference"}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it came: `headers` have lower-case names; `body` is whole."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    http_1_0: bool = False

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query."""
        return dict(parse_qsl(self.target.partition("?")[2]))

    @property
    def bearer(self) -> str:
        """The bearer token, "" if there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


def route(request: Request) -> tuple[str, Binding]:
    """The kind of call, and how it is bound to HTTP."""
    if request.method == "POST" and request.path == "/":
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        json_rpc = request.headers.get("content-type", "").startswith("application/x-amz-json-1.")
        return TARGETS.get(operation, UNKNOWN) if json_rpc else UNKNOWN, "rpc"
    return ROUTES.get((request.method, request.path), UNKNOWN), "rest"


def parsed(request: Request) -> Any:
    """The JSON of the body; the bytes themselves if they are none."""
    try:
        return msgspec.json.decode(request.body) if request.body else None
    except msgspec.DecodeError:
        return request.body


def profile_arns(request: Request, body: Any) -> set[str]:
    """Every profile ARN that came, wherever: body, header and query."""
    fields = body if isinstance(body, dict) else {}
    header = request.headers.get("x-amzn-kiro-profile-arn")
    found = (fields.get("profileArn"), header, request.query.get("profileArn"))
    return {arn for arn in found if isinstance(arn, str) and arn}

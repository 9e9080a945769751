"""Errors as Anthropic's clients expect them: the types, their statuses, and the JSON shape."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

ERROR_STATUS: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
"""Anthropic's error types and the HTTP status that each of them has."""


class InvalidRequest(Exception):
    """What the client sent cannot be read, or asks for what can never be done.

    `path` says where (`messages.3.content.1.source.data`; "" for the body as a whole) and `message` what is wrong
    there; `str(error)` is both. `details` goes into the error object as it is, for clients that act on it.
    """

    def __init__(
        self,
        message: str,
        path: str = "",
        status: int = 400,
        error_type: str = "invalid_request_error",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path
        self.status = status
        self.error_type = error_type
        self.details = details

    def body(self, request_id: str) -> bytes:
        """The JSON answer to this request."""
        return error_body(self.error_type, str(self), request_id, self.details)


def error_body(
    error_type: str, message: str, request_id: str, details: Mapping[str, Any] | None = None
) -> bytes:
    """The JSON body of an error answer: `{"type":"error","error":{"type","message"[,"details"]},"request_id"}`.

    `request_id` must be the same as in the `request-id` header, which clients show to their users.
    """
    error: dict[str, Any] = {"type": error_type, "message": message}
    if details is not None:
        error["details"] = dict(details)
    body = {"type": "error", "error": error, "request_id": request_id}
    return json.dumps(body, separators=(",", ":")).encode()

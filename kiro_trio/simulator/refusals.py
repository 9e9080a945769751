"""How Kiro refuses, in its own words: one row for every HTTP error that it is known to answer with.

Source: docs/wire.md, "Exceptions and errors".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

NAMESPACE = "com.amazon.aws.codewhisperer#"


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plain HTTP answer.

    With `error` the body is Kiro's own error of that type in the binding of the call (REST or RPC). Otherwise it
    is `text`, or `body` as JSON.
    """

    code: int
    error: str = ""
    message: str = ""
    reason: str | None = None
    headers: dict[str, str] = {}
    body: Any = None
    text: str | None = None


def _validation(message: str, reason: str | None = None) -> Status:
    return Status(400, "ValidationException", message, reason)


def _denied(message: str, reason: str | None = None) -> Status:
    return Status(403, "AccessDeniedException", message, reason)


def _oidc(code: int, error: str, description: str) -> Status:
    return Status(code, body={"error": error, "error_description": description})


IMPROPER = "Improperly formed request."
HIGH_LOAD = "Encountered unexpectedly high load when processing the request, please try again."
HIGH_TRAFFIC = "I am experiencing high traffic, please try again shortly."
SUSPENDED = "Your User ID (simulated) temporarily is suspended. We've locked it as a security precaution."

REFUSALS: Mapping[str, Status] = MappingProxyType({
    # What is wrong with the request
    "improper": _validation(IMPROPER),
    "improper-body": _validation(IMPROPER, "REQUEST_BODY_INVALID"),
    "improper-json": _validation(IMPROPER, "REQUEST_BODY_INVALID_JSON"),
    "too-long": _validation("Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"),
    "prompt-too-long": _validation("Input is too long.", "PROMPT_TOO_LONG"),
    "tools": _validation("Invalid tool use format."),
    "tool-schema": _validation("Invalid tool use format.", "TOOL_SCHEMA_INVALID"),
    "tool-duplicate": _validation("Invalid tool use format.", "TOOL_DUPLICATE"),
    "tool-config": _validation("Invalid tool use format.", "TOOL_CONFIG_MISSING"),
    "tool-result": _validation("Invalid tool use format.", "TOOL_USE_RESULT_MISMATCH"),
    "model": _validation("Invalid model ID. Please select a different model to continue.", "INVALID_MODEL_ID"),
    "conversation-id": _validation(IMPROPER, "INVALID_CONVERSATION_ID"),
    "effort": _validation("additionalModelRequestFields is not supported for this model"),
    "effort-schema": _validation("Invalid additionalModelRequestFields: property 'effort' is not defined in the schema"),
    "image-count": _validation(IMPROPER, "IMAGE_COUNT_EXCEEDED"),
    "image-size": _validation(IMPROPER, "IMAGE_SIZE_EXCEEDED"),
    "image-format": _validation(IMPROPER, "IMAGE_FORMAT_UNSUPPORTED"),
    "image-mime": _validation(IMPROPER, "IMAGE_MIME_MISMATCH"),
    "document-count": _validation(IMPROPER, "DOCUMENT_COUNT_EXCEEDED"),
    "document-name": _validation(IMPROPER, "DOCUMENT_DUPLICATE_NAME"),
    # Who asks
    "token": _denied("The bearer token included in the request is invalid."),
    "unauthorized": Status(401, "UnauthorizedException", "The bearer token included in the request is invalid."),
    "arn-required": _validation("profileArn is required for this request."),
    "arn-invalid": _validation("Invalid profileArn."),
    "not-authorized": _denied("User is not authorized to make this call."),
    "builder-id": _denied("AWS Builder ID is not supported for this operation."),
    "suspended": _denied(SUSPENDED, "TEMPORARILY_SUSPENDED"),
    "banned": Status(423, "AccessDeniedException", SUSPENDED, "TEMPORARILY_SUSPENDED"),
    "feature": _denied("Kiro access not available for this account.", "FEATURE_NOT_SUPPORTED"),
    # Too much, too fast
    "monthly": Status(402, "ServiceQuotaExceededException", "You have reached the limit.", "MONTHLY_REQUEST_COUNT"),
    "monthly-400": Status(400, "ThrottlingException", "Maximum Request reached for this month.", "MONTHLY_REQUEST_COUNT"),
    "monthly-429": Status(429, "ThrottlingException", "Maximum Request reached for this month.", "MONTHLY_REQUEST_COUNT"),
    "overage": Status(
        402, "ServiceQuotaExceededException", "You have reached the limit for overages.", "OVERAGE_REQUEST_LIMIT_EXCEEDED"
    ),
    "conversation-limit": Status(
        402, "ServiceQuotaExceededException", "The conversation is too long.", "CONVERSATION_LIMIT_EXCEEDED"
    ),
    "daily": Status(429, "ThrottlingException", "Maximum Request reached for today.", "DAILY_REQUEST_COUNT"),
    "throttled": Status(429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "throttled-400": Status(400, "ThrottlingException", "Too many requests, please wait before trying again."),
    "capacity": Status(429, "ThrottlingException", HIGH_TRAFFIC, "INSUFFICIENT_MODEL_CAPACITY"),
    # Kiro is unwell
    "high-load": Status(500, "InternalServerException", HIGH_LOAD),
    "model-unavailable": Status(
        500, "InternalServerException", "The model is temporarily unavailable.", "MODEL_TEMPORARILY_UNAVAILABLE"
    ),
    "internal": Status(500, "InternalServerException", "An unexpected error occurred, please try again later."),
    "unavailable": Status(503, "ServiceUnavailableException", "Service is temporarily unavailable."),
    "conflict": Status(409, "ConflictException", "The key is disabled.", "CUSTOMER_KMS_KEY_DISABLED"),
    "not-found": Status(404, "ResourceNotFoundException", "The requested resource was not found."),
    "unknown-operation": Status(404, "UnknownOperationException", "The requested operation is not known."),
    "gateway": Status(502, text="<html><body>502 Bad Gateway</body></html>", headers={"content-type": "text/html"}),
    # Renewal and sign-in
    "invalid-grant": _oidc(400, "invalid_grant", "Invalid refresh token provided"),
    "invalid-client": _oidc(401, "invalid_client", "Invalid client provided"),
    "invalid-request": _oidc(400, "invalid_request", "A parameter is missing or wrong"),
    "unsupported-grant": _oidc(400, "unsupported_grant_type", "This grant type is not supported"),
    "pending": _oidc(400, "authorization_pending", "The user has not decided yet"),
    "slow-down": _oidc(400, "slow_down", "Polled too often"),
    "denied": _oidc(400, "access_denied", "The user said no"),
    "expired": _oidc(400, "expired_token", "The device code has expired"),
    "bad-code": _oidc(401, "invalid_grant", "The code is wrong, used or expired"),
})  # fmt: skip

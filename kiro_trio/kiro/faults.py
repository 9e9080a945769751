"""Kiro's ways to say no, as tables: whatever it is, it becomes one `Fault`.

The evidence, the most telling first: a reason code; the text of the message, where the reason is missing or says little;
a status that cannot mean anything else; the exception's name; the status. Only fields of parsed JSON and headers count:
a body may quote anything, the prompt included. Source: docs/wire.md, "Exceptions and errors".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from types import MappingProxyType
from typing import Any

import msgspec

from kiro_trio.conversation.faults import Failure, Fault

REASONS: Mapping[str, Fault] = MappingProxyType({
    "CONTENT_LENGTH_EXCEEDS_THRESHOLD": Fault.CONTEXT_OVERFLOW,
    "PROMPT_TOO_LONG": Fault.CONTEXT_OVERFLOW,
    # The conversation is too long for the service to keep: a shorter one is what helps here too.
    "CONVERSATION_LIMIT_EXCEEDED": Fault.CONTEXT_OVERFLOW,
    "INVALID_MODEL_ID": Fault.MODEL_UNKNOWN,
    "INVALID_CONVERSATION_ID": Fault.BAD_REQUEST,
    "TOOL_USE_RESULT_MISMATCH": Fault.BAD_REQUEST,
    "TOOL_CONFIG_MISSING": Fault.BAD_REQUEST,
    # Somebody else signed the earlier thinking; what is asked without native effort hands none of it back signed.
    "THINKING_SIGNATURE_INVALID": Fault.EFFORT_REFUSED,
    "TOOL_DUPLICATE": Fault.TOOLS_REFUSED,
    "TOOL_SCHEMA_INVALID": Fault.TOOLS_REFUSED,
    "MONTHLY_REQUEST_COUNT": Fault.MONTHLY_QUOTA,
    "OVERAGE_REQUEST_LIMIT_EXCEEDED": Fault.MONTHLY_QUOTA,
    "DAILY_REQUEST_COUNT": Fault.DAILY_QUOTA,
    "INSUFFICIENT_MODEL_CAPACITY": Fault.MODEL_CAPACITY,
    "MODEL_TEMPORARILY_UNAVAILABLE": Fault.MODEL_CAPACITY,
    "TEMPORARILY_SUSPENDED": Fault.SUSPENDED,
    "FEATURE_NOT_SUPPORTED": Fault.ACCESS_DENIED,
    "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS": Fault.ACCESS_DENIED,
    "UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS": Fault.ACCESS_DENIED,
    "INVALID_KMS_GRANT": Fault.ACCESS_DENIED,
    "MISMATCHED_KMS_KEY": Fault.ACCESS_DENIED,
})  # fmt: skip

REASON_FAMILIES: tuple[tuple[str, Fault], ...] = (
    ("IMAGE_", Fault.BAD_REQUEST),
    ("DOCUMENT_", Fault.BAD_REQUEST),
    ("CUSTOMER_KMS_KEY_", Fault.ACCESS_DENIED),
    ("UNAUTHORIZED_", Fault.ACCESS_DENIED),
)
"""Reasons by how they begin, for those that `REASONS` does not have."""

UNEXPLAINED = "improperly formed request"
"""What stands in the `detail` of a failure of which Kiro says no more than this; the prompt may just be too long."""

# `REQUEST_BODY_INVALID` is in neither: it says no more than the status, and the text beside it may say more.

# (pattern in the message, fault, our words for it). In the order of the official command line where two could match.
TEXTS: tuple[tuple[re.Pattern[str], Fault, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), fault, words)
    for pattern, fault, words in (
        (r"\b(?:input|prompt) is too long\b", Fault.CONTEXT_OVERFLOW, "input is too long"),
        (r"\bexceeds? the (?:maximum )?context\b", Fault.CONTEXT_OVERFLOW, "input is too long"),
        (r"\bunexpectedly high load\b", Fault.MODEL_CAPACITY, "unexpectedly high load"),
        (r"\bexperiencing high traffic\b", Fault.MODEL_CAPACITY, "high traffic"),
        (r"\breached for this month\b", Fault.MONTHLY_QUOTA, "requests of the month are spent"),
        (r"\btemporarily (?:is )?suspended\b", Fault.SUSPENDED, "temporarily suspended"),
        (r"\bbearer token included in the request is invalid\b", Fault.TOKEN_REFUSED, "bearer token invalid"),
        (r"\btoken included in the request is expired\b", Fault.TOKEN_REFUSED, "token expired"),
        (r"\bprofileArn is required\b", Fault.PROFILE_REFUSED, "profile ARN required"),
        (r"\binvalid profileArn\b", Fault.PROFILE_REFUSED, "profile ARN invalid"),
        (r"\bnot authorized to make this call\b", Fault.PROFILE_REFUSED, "not authorized to make this call"),
        (r"\bbuilder id is not supported\b", Fault.ACCESS_DENIED, "not for a Builder ID"),
        (r"\baccess not available for this account\b", Fault.ACCESS_DENIED, "no access for this account"),
        (r"\binvalid model id\b", Fault.MODEL_UNKNOWN, "invalid model id"),
        (r"\binvalid tool use format\b", Fault.TOOLS_REFUSED, "invalid tool use format"),
        (r"\badditionalModelRequestFields\b", Fault.EFFORT_REFUSED, "native effort not supported"),
        (r"\bimproperly formed request\b", Fault.BAD_REQUEST, UNEXPLAINED),
    )
)

# Statuses that say more than the exception beside them.
_DECISIVE: Mapping[int, Fault] = MappingProxyType({401: Fault.TOKEN_REFUSED, 423: Fault.SUSPENDED})

NAMES: Mapping[str, Fault] = MappingProxyType({
    "Validation": Fault.BAD_REQUEST,
    "Serialization": Fault.BAD_REQUEST,
    "UnknownOperation": Fault.BAD_REQUEST,
    "DryRunOperation": Fault.BAD_REQUEST,
    "ResourceNotFound": Fault.BAD_REQUEST,
    "ContentLengthExceeded": Fault.CONTEXT_OVERFLOW,
    "RequestEntityTooLarge": Fault.CONTEXT_OVERFLOW,
    "AccessDenied": Fault.ACCESS_DENIED,
    "Conflict": Fault.ACCESS_DENIED,  # all of its known reasons are about the organisation's encryption keys
    "UnrecognizedClient": Fault.TOKEN_REFUSED,
    "ExpiredToken": Fault.TOKEN_REFUSED,
    "InvalidToken": Fault.TOKEN_REFUSED,
    "MissingAuthenticationToken": Fault.TOKEN_REFUSED,
    "Unauthorized": Fault.TOKEN_REFUSED,
    "ServiceQuotaExceeded": Fault.MONTHLY_QUOTA,
    "Throttling": Fault.THROTTLED,
    "ThrottledRequest": Fault.THROTTLED,
    "TooManyRequests": Fault.THROTTLED,
    "LimitExceeded": Fault.THROTTLED,
    "InternalServer": Fault.SERVER_ERROR,
    "InternalFailure": Fault.SERVER_ERROR,
    "Internal": Fault.SERVER_ERROR,
    "ServiceUnavailable": Fault.UNAVAILABLE,
    "RequestTimeout": Fault.UNAVAILABLE,
})  # fmt: skip
"""Exceptions, without the suffix `Exception` or `Error`."""

STATUSES: Mapping[int, Fault] = MappingProxyType({
    **dict.fromkeys(range(200, 300), Fault.NOT_AN_EVENT_STREAM),
    **dict.fromkeys(range(500, 600), Fault.SERVER_ERROR),
    **_DECISIVE,
    400: Fault.BAD_REQUEST,
    402: Fault.MONTHLY_QUOTA,
    403: Fault.ACCESS_DENIED,
    408: Fault.UNAVAILABLE,
    413: Fault.CONTEXT_OVERFLOW,  # a shorter conversation is what helps
    429: Fault.THROTTLED,
    502: Fault.UNAVAILABLE,
    503: Fault.UNAVAILABLE,
    504: Fault.UNAVAILABLE,
})  # fmt: skip

# What an exception is called in a stream, where that is not its name.
_WIRE_NAMES: Mapping[str, str] = MappingProxyType({"error": "InternalServerException"})

# What a code must look like to be shown: a word of Kiro's that nobody can mistake for a key.
_REASON_SHAPE = re.compile(r"[A-Z]{2,20}(?:_[A-Z]{1,20}){1,7}")
_TYPE_SHAPE = re.compile(r"[A-Z][A-Za-z]{2,60}(?:Exception|Error)")
_SUFFIX = re.compile(r"(?:Exception|Error)$")

# Figures of a size that a window may have, with or without commas. Bounded, so that no message takes long to search.
_FIGURE = r"(?<![\d,_])(\d[\d,_]{0,12})(?![\d,_])"
_COMPARISON = re.compile(rf"{_FIGURE}(?: ?\+ ?{_FIGURE})?(?: tokens)? ?> ?{_FIGURE}")
_NUMBER = re.compile(_FIGURE)
_LIMIT_WORDS = re.compile(r"\b(?:limit|maximum|max|window)\b", re.IGNORECASE)
_LONGEST_MESSAGE = 4096
_FEWEST_TOKENS = 100
_LONGEST_WAIT = 366 * 86400.0


@dataclass(frozen=True, slots=True)
class _Words:
    """What Kiro says: an exception's type, a reason code, a text. Each may be ""."""

    type: str
    reason: str
    message: str

    @property
    def name(self) -> str:
        return _SUFFIX.sub("", self.type)


def classify(status: int, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> Failure:
    """Say what an HTTP answer that is no event stream means.

    Args:
        status: Of the answer, 2xx included.
        headers: With names in lower case.
        body: As far as it was read.
        now: Seconds since 1970; without it, a `retry-after` that is a date is not understood.
    """
    words = _words(headers.get("x-amzn-errortype", ""), body)
    fault, text = _judge(words, status)
    return _failure(words, fault, text, status=status, retry_after=_retry_after(headers, now))


def classify_exception(name: str, payload: bytes) -> Failure:
    """Say what an exception or an error inside an event stream means; `name` may be empty, or have a namespace."""
    words = _words(_WIRE_NAMES.get(name, name), payload)
    fault, text = _judge(words, None)
    return _failure(words, fault, text)


def exception_name(name: str, payload: bytes) -> str:
    """The name of an exception inside an event stream, without namespace and suffix."""
    return _words(name, payload).name


def _words(name: str, body: bytes) -> _Words:
    fields = _fields(body)
    error = fields.get("error")
    if isinstance(error, dict):  # a wrapping that some proxies add
        fields = {**fields, **error}
    name = name or _first(fields, "__type", "_type", "code")
    return _Words(
        type=_bare_type(name),
        reason=_first(fields, "reason").strip().upper(),
        message=_first(fields, "message", "Message", "errorMessage")[:_LONGEST_MESSAGE],
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _first(fields: Mapping[str, Any], *names: str) -> str:
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")


def _bare_type(name: str) -> str:
    """`com.amazon.coral#ThrottlingException:http://...`, also `throttlingException`, becomes `ThrottlingException`."""
    bare = name.rpartition("#")[2].partition(":")[0].strip()
    return bare[:1].upper() + bare[1:]


def _judge(words: _Words, status: int | None) -> tuple[Fault, str]:
    """The fault, and our words for the message if it is one that we know."""
    text_fault, text = next(
        ((fault, known) for pattern, fault, known in TEXTS if pattern.search(words.message)), (None, "")
    )
    family = next((fault for start, fault in REASON_FAMILIES if words.reason.startswith(start)), None)
    evidence = (
        REASONS.get(words.reason),
        family,
        text_fault,
        _DECISIVE.get(status or 0),
        NAMES.get(words.name),
        Fault.SERVER_ERROR if status is None else STATUSES.get(status),
    )
    return next((fault for fault in evidence if fault is not None), Fault.UNEXPECTED_STATUS), text


def _failure(
    words: _Words, fault: Fault, text: str, *, status: int | None = None, retry_after: float | None = None
) -> Failure:
    reason = words.reason if _REASON_SHAPE.fullmatch(words.reason) else None
    name = words.type if words.name in NAMES or _TYPE_SHAPE.fullmatch(words.type) else ""
    tokens, limit = _figures(words.message) if fault is Fault.CONTEXT_OVERFLOW else (None, None)
    parts = (f"HTTP {status}" if status is not None else "in the stream", name, reason, text)
    return Failure(
        fault,
        detail=", ".join(filter(None, parts)),
        retry_after=retry_after,
        status=status,
        reason=reason,
        tokens=tokens,
        limit=limit,
    )


def _figures(message: str) -> tuple[int | None, int | None]:
    """How many tokens there are and how many there may be, as far as a message says so."""
    if "token" not in message.lower():
        return None, None
    if comparison := _COMPARISON.search(message):
        first, second, limit = (_integer(figure) for figure in comparison.groups("0"))
        return first + second, limit
    values = sorted({value for value in map(_integer, _NUMBER.findall(message)) if value >= _FEWEST_TOKENS})
    if len(values) > 1:
        return values[-1], values[-2]
    if not values:
        return None, None
    return (None, values[0]) if _LIMIT_WORDS.search(message) else (values[0], None)


def _integer(figure: str) -> int:
    return int(re.sub("[,_]", "", figure))


def _retry_after(headers: Mapping[str, str], now: float | None) -> float | None:
    """Seconds to wait, from a number or a date; None when there is neither."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = date.timestamp() - now if now is not None and date.tzinfo is not None else float("nan")
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), _LONGEST_WAIT) if isfinite(seconds) else None

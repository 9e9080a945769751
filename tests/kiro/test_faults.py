import json
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.faults import Fault
from kiro_trio.kiro.faults import NAMES, REASONS, STATUSES, classify, classify_exception, exception_name

NOW = 1_800_000_000.0


def body(**fields) -> bytes:
    return json.dumps(fields).encode()


# (status, exception, reason, message, fault): every row of docs/wire.md, "Exceptions and errors".
KNOWN = [
    (400, "ValidationException", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "x", Fault.CONTEXT_OVERFLOW),
    (400, "ValidationException", "PROMPT_TOO_LONG", "x", Fault.CONTEXT_OVERFLOW),
    (400, "ValidationException", "INVALID_CONVERSATION_ID", "x", Fault.BAD_REQUEST),
    (400, "ValidationException", "INVALID_KMS_GRANT", "x", Fault.ACCESS_DENIED),
    (400, "ValidationException", "INVALID_MODEL_ID", "x", Fault.MODEL_UNKNOWN),
    (400, "ValidationException", "REQUEST_BODY_INVALID", "Improperly formed request.", Fault.BAD_REQUEST),
    (400, "ValidationException", "REQUEST_BODY_INVALID", "Invalid tool use format.", Fault.TOOLS_REFUSED),
    (400, "ValidationException", "TOOL_USE_RESULT_MISMATCH", "x", Fault.BAD_REQUEST),
    (400, "ValidationException", "TOOL_DUPLICATE", "x", Fault.TOOLS_REFUSED),
    (400, "ValidationException", "TOOL_SCHEMA_INVALID", "x", Fault.TOOLS_REFUSED),
    (400, "ValidationException", "TOOL_CONFIG_MISSING", "x", Fault.BAD_REQUEST),
    (400, "ValidationException", "THINKING_SIGNATURE_INVALID", "x", Fault.EFFORT_REFUSED),
    (400, "ValidationException", "IMAGE_COUNT_EXCEEDED", "x", Fault.BAD_REQUEST),
    (400, "ValidationException", "DOCUMENT_FORMAT_INVALID", "x", Fault.BAD_REQUEST),
    (403, "AccessDeniedException", "FEATURE_NOT_SUPPORTED", "x", Fault.ACCESS_DENIED),
    (403, "AccessDeniedException", "TEMPORARILY_SUSPENDED", "x", Fault.SUSPENDED),
    (403, "AccessDeniedException", "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS", "x", Fault.ACCESS_DENIED),
    (403, "AccessDeniedException", "UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS", "x", Fault.ACCESS_DENIED),
    (402, "ServiceQuotaExceededException", "CONVERSATION_LIMIT_EXCEEDED", "x", Fault.CONTEXT_OVERFLOW),
    (402, "ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT", "You have reached the limit.", Fault.MONTHLY_QUOTA),
    (402, "ServiceQuotaExceededException", "OVERAGE_REQUEST_LIMIT_EXCEEDED", "x", Fault.MONTHLY_QUOTA),
    (429, "ThrottlingException", "DAILY_REQUEST_COUNT", "x", Fault.DAILY_QUOTA),
    (429, "ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY", "x", Fault.MODEL_CAPACITY),
    (429, "ThrottlingException", "MONTHLY_REQUEST_COUNT", "x", Fault.MONTHLY_QUOTA),
    (400, "ThrottlingException", "MONTHLY_REQUEST_COUNT", "Maximum Request reached for this month.", Fault.MONTHLY_QUOTA),
    (500, "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE", "x", Fault.MODEL_CAPACITY),
    (409, "ConflictException", "CUSTOMER_KMS_KEY_DISABLED", "x", Fault.ACCESS_DENIED),
    (409, "ConflictException", "MISMATCHED_KMS_KEY", "x", Fault.ACCESS_DENIED),
    (400, "ValidationException", None, "x", Fault.BAD_REQUEST),
    (403, "AccessDeniedException", None, "x", Fault.ACCESS_DENIED),
    (402, "ServiceQuotaExceededException", None, "x", Fault.MONTHLY_QUOTA),
    (429, "ThrottlingException", None, "x", Fault.THROTTLED),
    (400, "ThrottlingException", None, "x", Fault.THROTTLED),
    (500, "InternalServerException", None, "x", Fault.SERVER_ERROR),
    (500, "ServiceUnavailableException", None, "x", Fault.UNAVAILABLE),
    (503, "ServiceUnavailableException", None, "x", Fault.UNAVAILABLE),
    (409, "ConflictException", None, "x", Fault.ACCESS_DENIED),
    (404, "ResourceNotFoundException", None, "x", Fault.BAD_REQUEST),
    (400, "UnrecognizedClientException", None, "x", Fault.TOKEN_REFUSED),
    (400, "ExpiredTokenException", None, "x", Fault.TOKEN_REFUSED),
    (401, "AccessDeniedException", None, "x", Fault.TOKEN_REFUSED),
    (423, "AccessDeniedException", None, "x", Fault.SUSPENDED),
    (400, "", None, "Input is too long.", Fault.CONTEXT_OVERFLOW),
    (500, "", None, "prompt is too long: 3 tokens > 2 maximum", Fault.CONTEXT_OVERFLOW),
    (400, "", None, "Improperly formed request.", Fault.BAD_REQUEST),
    (400, "", None, "Invalid tool use format.", Fault.TOOLS_REFUSED),
    (400, "", None, "Invalid model ID. Please select a different model to continue.", Fault.MODEL_UNKNOWN),
    (400, "", None, "additionalModelRequestFields is not supported for this model", Fault.EFFORT_REFUSED),
    (400, "", None, "Invalid additionalModelRequestFields: property 'reasoning' is not defined in the schema", Fault.EFFORT_REFUSED),
    (400, "", None, "profileArn is required for this request.", Fault.PROFILE_REFUSED),
    (400, "", None, "Invalid profileArn.", Fault.PROFILE_REFUSED),
    (403, "AccessDeniedException", None, "User is not authorized to make this call.", Fault.PROFILE_REFUSED),
    (403, "AccessDeniedException", None, "The bearer token included in the request is invalid.", Fault.TOKEN_REFUSED),
    (401, "", None, "The bearer token included in the request is invalid.", Fault.TOKEN_REFUSED),
    (403, "", None, "The security token included in the request is expired", Fault.TOKEN_REFUSED),
    (403, "", None, "Your User ID (d-1) temporarily is suspended. Contact us.", Fault.SUSPENDED),
    (403, "", None, "AWS Builder ID is not supported for this operation.", Fault.ACCESS_DENIED),
    (403, "", None, "Kiro access not available for this account.", Fault.ACCESS_DENIED),
    (400, "ThrottlingException", None, "Maximum Request reached for this month.", Fault.MONTHLY_QUOTA),
    (500, "InternalServerException", None, "Encountered unexpectedly high load when processing the request, please try again.", Fault.MODEL_CAPACITY),
    (429, "ThrottlingException", None, "I am experiencing high traffic, please try again shortly.", Fault.MODEL_CAPACITY),
    (402, "", None, "You have reached the limit.", Fault.MONTHLY_QUOTA),
]  # fmt: skip


@pytest.mark.parametrize(("status", "exception", "reason", "message", "fault"), KNOWN)
def test_what_kiro_is_known_to_say(status, exception, reason, message, fault) -> None:
    rest = classify(
        status, {"x-amzn-errortype": f"{exception}:http://internal/"}, body(message=message, reason=reason)
    )
    rpc = classify(
        status, {}, body(__type=f"com.amazon.aws.codewhisperer#{exception}", message=message, reason=reason)
    )
    assert rest.fault is rpc.fault is fault
    assert rest.status == status
    assert rest.reason == reason


@pytest.mark.parametrize(
    ("status", "exception", "reason", "message", "fault"), [row for row in KNOWN if row[1] or row[2]]
)
def test_the_same_inside_a_stream(status, exception, reason, message, fault) -> None:
    failure = classify_exception(exception, body(message=message, reason=reason))
    decided_by_status = status in (401, 423)
    assert failure.fault is fault or decided_by_status
    assert failure.status is None


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, Fault.NOT_AN_EVENT_STREAM),
        (204, Fault.NOT_AN_EVENT_STREAM),
        (302, Fault.UNEXPECTED_STATUS),
        (400, Fault.BAD_REQUEST),
        (401, Fault.TOKEN_REFUSED),
        (402, Fault.MONTHLY_QUOTA),
        (403, Fault.ACCESS_DENIED),
        (404, Fault.UNEXPECTED_STATUS),
        (408, Fault.UNAVAILABLE),
        (413, Fault.CONTEXT_OVERFLOW),
        (423, Fault.SUSPENDED),
        (429, Fault.THROTTLED),
        (500, Fault.SERVER_ERROR),
        (502, Fault.UNAVAILABLE),
        (503, Fault.UNAVAILABLE),
        (504, Fault.UNAVAILABLE),
        (599, Fault.SERVER_ERROR),
        (999, Fault.UNEXPECTED_STATUS),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>MONTHLY_REQUEST_COUNT</html>",
        b"[]",
        b"\xff",
        b'{"message":null,"reason":7}',
        b'{"message":"you said: {\\"reason\\":\\"TEMPORARILY_SUSPENDED\\"}"}',
        b"[" * 100_000,
    ],
)
def test_without_words_the_status_decides(status, fault, content) -> None:
    assert classify(status, {}, content).fault is fault


def test_a_wrapped_error_is_found() -> None:
    wrapped = body(error={"message": "x", "reason": "MONTHLY_REQUEST_COUNT"})
    assert classify(402, {}, wrapped).reason == "MONTHLY_REQUEST_COUNT"
    assert classify(500, {}, body(code="ThrottlingException")).fault is Fault.THROTTLED
    assert classify(400, {}, body(Message="Input is too long.")).fault is Fault.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    ("name", "payload", "bare"),
    [
        ("ThrottlingException", b"", "Throttling"),
        ("throttlingError", b"", "Throttling"),
        ("com.amazon#InternalServerError", b"", "InternalServer"),
        ("", b'{"__type":"a.b#ValidationException"}', "Validation"),
        ("", b'{"_type":"ValidationError"}', "Validation"),
        ("", b"", ""),
    ],
)
def test_names_lose_namespace_and_suffix(name, payload, bare) -> None:
    assert exception_name(name, payload) == bare


def test_detail_shows_codes_and_never_the_body() -> None:
    secret = "aoaAAAAAGdummy-secret"
    failure = classify(
        403,
        {"x-amzn-errortype": f"{secret}Exception"},
        body(message=f"The bearer token included in the request is invalid. {secret}", reason=secret),
    )
    assert secret not in repr(failure)
    assert failure.detail == "HTTP 403, bearer token invalid"
    shown = classify(
        429,
        {},
        body(__type="x#ThrottlingException", message="I am experiencing high traffic", reason="BRAND_NEW"),
    )
    assert shown.detail == "HTTP 429, ThrottlingException, BRAND_NEW, high traffic"
    assert classify_exception("error", b"{}").detail == "in the stream, InternalServerException"
    assert classify_exception("SomethingNewException", b"{}").detail == "in the stream, SomethingNewException"


@given(
    st.integers(100, 999),
    st.binary(max_size=40)
    | st.dictionaries(
        st.sampled_from(["message", "reason", "__type", "error"]), st.text() | st.integers()
    ).map(lambda fields: json.dumps(fields).encode()),
    st.text(max_size=20),
)
def test_anything_becomes_a_failure_that_quotes_nothing(status, content, name) -> None:
    failure = classify(status, {"x-amzn-errortype": name, "retry-after": name}, content, now=NOW)
    inside = classify_exception(name, content)
    for found in (failure, inside):
        assert found.detail.isascii()
        assert len(found.detail) < 200
        assert found.retry_after is None or found.retry_after >= 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        (" 0.5 ", 0.5),
        ("-3", 0.0),
        ("0", 0.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("9" * 12, 366 * 86400.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("Wed, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after(value, seconds) -> None:
    assert classify(429, {"retry-after": value}, b"", now=NOW).retry_after == seconds


def test_a_date_without_a_clock_says_nothing() -> None:
    assert classify(429, {"retry-after": formatdate(NOW, usegmt=True)}, b"").retry_after is None
    assert classify(429, {}, b"").retry_after is None


@pytest.mark.parametrize(
    ("message", "tokens", "limit"),
    [
        ("Input is too long.", None, None),
        ("prompt is too long: 215,000 tokens > 200,000 maximum", 215_000, 200_000),
        ("input is too long: 190000 + 32000 > 200000 tokens", 222_000, 200_000),
        ("Input is too long. It has 215000 tokens, the limit is 200000.", 215_000, 200_000),
        ("Input is too long: the limit is 200000 tokens and this has 215000.", 215_000, 200_000),
        ("Input is too long: the maximum is 200000 tokens.", None, 200_000),
        ("Input is too long (215000 tokens).", 215_000, None),
        ("Input is too long: 900000 characters.", None, None),
        ("Input is too long: tokens " + "9" * 3000, None, None),
    ],
)
def test_figures_of_an_overlong_prompt(message, tokens, limit) -> None:
    failure = classify(400, {}, body(message=message))
    assert (failure.fault, failure.tokens, failure.limit) == (Fault.CONTEXT_OVERFLOW, tokens, limit)


def test_figures_are_for_overlong_prompts_only() -> None:
    assert classify(429, {}, body(message="100 tokens > 50")).tokens is None


def test_tables_name_what_they_should() -> None:
    assert all(name and not name.endswith(("Exception", "Error")) for name in NAMES)
    assert all(reason == reason.upper() for reason in REASONS)
    assert STATUSES[401] is Fault.TOKEN_REFUSED

import json

import anthropic
import httpx2
import pytest

from kiro_trio.dialects.anthropic.errors import ERROR_STATUS, InvalidRequest, error_body

# The class that the official SDK makes of an answer, where it has one of its own for the status.
CLASSES = {
    "invalid_request_error": anthropic.BadRequestError,
    "authentication_error": anthropic.AuthenticationError,
    "permission_error": anthropic.PermissionDeniedError,
    "not_found_error": anthropic.NotFoundError,
    "rate_limit_error": anthropic.RateLimitError,
    "api_error": anthropic.InternalServerError,
}


@pytest.mark.parametrize(("error_type", "status"), ERROR_STATUS.items())
def test_the_official_sdk_reads_every_error(error_type, status):
    body = error_body(error_type, "the reason", "req_1")
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(status, content=body, headers={"request-id": "req_1"})
    )
    with (
        httpx2.Client(transport=transport) as http,
        anthropic.Anthropic(
            api_key="dummy", base_url="http://test", http_client=http, max_retries=0
        ) as client,
        pytest.raises(CLASSES.get(error_type, anthropic.APIStatusError)) as caught,
    ):
        client.models.retrieve("m")

    assert caught.value.status_code == status
    assert caught.value.request_id == "req_1"
    assert caught.value.body == {
        "type": "error",
        "error": {"type": error_type, "message": "the reason"},
        "request_id": "req_1",
    }


def test_details_stand_in_the_error():
    body = json.loads(error_body("api_error", "x", "req_1", {"error_code": "y"}))
    assert body["error"] == {"type": "api_error", "message": "x", "details": {"error_code": "y"}}


def test_a_refusal_says_where_and_what():
    refusal = InvalidRequest("expected string, got integer", "messages.3.content.1.source.data")
    assert str(refusal) == "messages.3.content.1.source.data: expected string, got integer"
    assert json.loads(refusal.body("req_1"))["error"]["message"] == str(refusal)
    assert (
        str(InvalidRequest("the body is too large", status=413, error_type="request_too_large"))
        == "the body is too large"
    )

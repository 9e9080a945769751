import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.credential import Defaults, Proxy
from kiro_trio.credentials.entry import read_entry
from kiro_trio.credentials.renewal import VERDICTS, NotRenewed, Renewed, Verdict, read_answer, renew
from kiro_trio.credentials.standing import Penalty
from tests.credentials.entries import ENDPOINTS, NOW, idc, refresh_token, social

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
KEYS = st.sampled_from(
    ["accessToken", "refreshToken", "expiresIn", "expiresAt", "profileArn", "error", "__type", "message"]
)


def read(status, body, headers=()):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(SmallResponse(status, dict(headers), data), read_entry(social("a"), 1, ENDPOINTS), NOW)


class Recorder:
    """Keeps the call and gives one answer."""

    def __init__(self, answer):
        self.answer = answer

    async def send(self, call, proxy):
        self.call, self.proxy = call, proxy
        return self.answer


@given(st.integers(100, 599), JSON | st.dictionaries(KEYS, JSON) | st.binary())
def test_every_answer_means_something(status, body):
    outcome = read(status, body)
    if isinstance(outcome, Renewed):
        assert status // 100 == 2
        assert outcome.changes["accessToken"].isprintable()
        assert outcome.lifetime > 0
    else:
        assert outcome.failure.fault in {Fault.RENEWAL_FAILED, Fault.RENEWAL_REFUSED, Fault.SUSPENDED}
        assert outcome.verdict is Verdict.UNLUCKY or 400 <= status < 500


@pytest.mark.parametrize("code", sorted(VERDICTS))
@pytest.mark.parametrize("form", ["error", "__type"])
def test_codes_are_understood_in_both_forms(code, form):
    name = code if form == "error" else "com.amazonaws#" + code.title().replace("_", "") + "Exception"
    assert read(400, {form: name}).verdict is VERDICTS[code]
    assert read(429, {form: name}).verdict is Verdict.UNLUCKY
    assert read(503, {form: name}).verdict is Verdict.UNLUCKY


@pytest.mark.parametrize(
    ("status", "body", "verdict", "penalty"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "Invalid refresh token provided"},
            Verdict.REVOKED,
            Penalty.REVOKED,
        ),
        (401, {"error": "invalid_client"}, Verdict.REVOKED, Penalty.REVOKED),
        (401, {"message": "Bad credentials"}, Verdict.SUSPECT, Penalty.RENEWAL_STRIKE),
        (403, b"<html>", Verdict.SUSPECT, Penalty.RENEWAL_STRIKE),
        (400, {"error_description": 'quotes "invalid_grant" only'}, Verdict.SUSPECT, Penalty.RENEWAL_STRIKE),
        (403, {"message": "x", "reason": "TEMPORARILY_SUSPENDED"}, Verdict.SUSPENDED, Penalty.SUSPENDED),
        (423, {}, Verdict.SUSPENDED, Penalty.SUSPENDED),
        (400, {"error": "slow_down"}, Verdict.UNLUCKY, Penalty.NONE),
        (408, {}, Verdict.UNLUCKY, Penalty.NONE),
        (429, {}, Verdict.UNLUCKY, Penalty.NONE),
        (500, {}, Verdict.UNLUCKY, Penalty.NONE),
        (302, {}, Verdict.UNLUCKY, Penalty.NONE),
        (200, b"<html>sign in to the hotel", Verdict.UNLUCKY, Penalty.NONE),
        (200, {"accessToken": ""}, Verdict.UNLUCKY, Penalty.NONE),
        (200, {"accessToken": "aoa\r\nx: y"}, Verdict.UNLUCKY, Penalty.NONE),
    ],
)
def test_permanent_counted_and_passing(status, body, verdict, penalty):
    outcome = read(status, body)
    assert (outcome.verdict, outcome.penalty) == (verdict, penalty)


def test_retry_after_is_passed_on():
    assert read(429, {}, {"retry-after": "12"}).failure.retry_after == 12


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        ({"expiresIn": 28800}, 28800),
        ({"expiresIn": 28800.5}, 28800.5),
        ({}, 3600),
        ({"expiresIn": "soon"}, 3600),
        ({"expiresIn": True}, 3600),
        ({"expiresIn": -1}, 3600),
        ({"expiresIn": 1e300}, 3600),
        ({"expiresAt": "2026-09-21T14:23:20Z"}, 600),
        ({"expiresAt": "1999-01-01T00:00:00Z"}, 3600),
    ],
)
def test_how_long_a_new_token_lives(fields, lifetime):
    outcome = read(200, {"accessToken": "aoa", **fields})
    assert outcome.lifetime == pytest.approx(lifetime)
    assert read_entry({**social("a"), **outcome.changes}, 1, ENDPOINTS).expires_at == pytest.approx(
        NOW + lifetime
    )


def test_what_changes_is_what_is_new():
    arn = "arn:aws:codewhisperer:us-east-1:1:profile/X"
    same = read(200, {"accessToken": "aoa", "refreshToken": refresh_token("a"), "profileArn": "nonsense"})
    assert set(same.changes) == {"accessToken", "expiresAt"}
    new = read(
        200, {"accessToken": "aoa", "refreshToken": "aor-new", "profileArn": arn, "tokenType": "Bearer"}
    )
    assert (new.changes["refreshToken"], new.changes["profileArn"]) == ("aor-new", arn)


async def test_a_social_account_asks_kiro():
    calls = Recorder(SmallResponse(200, {}, b'{"accessToken": "aoa"}'))
    credential = read_entry(social("a", region="eu-central-1", proxyUrl="http://p:1"), 1, ENDPOINTS)
    assert isinstance(await renew(credential, Defaults(), Wire(), calls, lambda: NOW), Renewed)
    assert calls.call.url == "https://prod.eu-central-1.auth.desktop.kiro.dev/refreshToken"
    assert json.loads(calls.call.body) == {"refreshToken": refresh_token("a")}
    assert calls.proxy == Proxy("http", "p", 1)


async def test_an_idc_account_asks_aws():
    calls = Recorder(SmallResponse(200, {}, b'{"accessToken": "aoa"}'))
    credential = read_entry(idc("a", authRegion="eu-west-1"), 1, ENDPOINTS)
    await renew(credential, Defaults(), Wire(base="http://127.0.0.1:9"), calls, lambda: NOW)
    assert calls.call.url == "http://127.0.0.1:9/token"
    assert json.loads(calls.call.body) == {
        "clientId": "client-a",
        "clientSecret": "client-secret-a",
        "refreshToken": refresh_token("a"),
        "grantType": "refresh_token",
    }


@pytest.mark.parametrize(
    "fault", [Fault.CONNECT_FAILED, Fault.PROXY_FAILED, Fault.TLS_FAILED, Fault.CONNECTION_LOST]
)
async def test_no_answer_is_bad_luck_and_says_which(fault):
    credential = read_entry(social("a"), 1, ENDPOINTS)
    outcome = await renew(credential, Defaults(), Wire(), Recorder(Failure(fault, "http://p:1")), lambda: NOW)
    assert isinstance(outcome, NotRenewed)
    assert outcome.penalty is Penalty.NONE
    assert fault.value in outcome.failure.detail
    assert "http://p:1" in outcome.failure.detail


def test_no_token_is_shown():
    outcome = read(200, {"accessToken": "aoa-hush", "refreshToken": "aor-hush"})
    refused = read(400, {"error": "aor-hush", "error_description": "aor-hush"})
    assert "hush" not in repr(outcome) + repr(refused)

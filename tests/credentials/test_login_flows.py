import base64
import hashlib
import json
import secrets

import pytest
import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallResponse
from kiro_trio.credentials.credential import AccountKind, AuthMethod, Proxy
from kiro_trio.credentials.entry import read_entry
from kiro_trio.credentials.expiry import parse_expiry
from kiro_trio.credentials.login.addresses import NotOurCallback, redirect_uri
from kiro_trio.credentials.login.browser import (
    begin_oidc_sign_in,
    begin_social_sign_in,
    finish_browser_sign_in,
)
from kiro_trio.credentials.login.desk import NoAnswer, Refused, SignInFailed
from kiro_trio.credentials.login.device import begin_device_sign_in, finish_device_sign_in
from kiro_trio.credentials.login.pkce import make_proof
from kiro_trio.credentials.login.providers import BUILDER_ID_START_URL, ORGANISATION_REGIONS, Provider
from tests.credentials.entries import ENDPOINTS, NOW
from tests.credentials.signing import BASE, Kiro, account, clock, desk, query

START_URL = "https://d-1234567890.awsapps.com/start"
MACHINE = "7" * 64


def read(signed_in):
    return read_entry(signed_in.entry(MACHINE), 1, ENDPOINTS)


async def test_a_builder_id_signs_in_by_device_code(autojump_clock):
    kiro = Kiro(account("b", "builder-id"))
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    assert begun.device.user_code in begun.device.complete_url
    assert begun.device.lifetime == 600
    signed_in = await finish_device_sign_in(desk(kiro), begun)
    found = read(signed_in)
    assert found.flaw == ""
    assert (found.auth_method, found.kind) == (AuthMethod.IDC, AccountKind.BUILDER_ID)
    assert found.refresh_token == kiro.simulator.accounts[0].refresh_token
    assert found.client_id == kiro.simulator.accounts[0].client_id
    assert found.client_secret
    assert found.region == "us-east-1"
    assert found.machine_id == MACHINE
    assert found.expires_at == pytest.approx(NOW + trio.current_time() + 3600, abs=1)
    assert found.client_expires_at == pytest.approx(NOW + 90 * 86_400, abs=1)
    assert signed_in.entry("")["provider"] == "BuilderId"
    assert "startUrl" not in signed_in.entry("")
    assert "machineId" not in signed_in.entry("")


async def test_the_calls_of_a_device_code_are_kiros(autojump_clock):
    kiro = Kiro(account("b", "builder-id"))
    proxy = Proxy("http", "proxy.invalid", 3128)
    begun = await begin_device_sign_in(desk(kiro, proxy=proxy), Provider.BUILDER_ID)
    await finish_device_sign_in(desk(kiro, proxy=proxy), begun)
    oidc = "oidc.us-east-1.amazonaws.com"
    assert kiro.calls == [
        (oidc, path, proxy) for path in ("/client/register", "/device_authorization", "/token", "/token")
    ]
    assert kiro.bodies[0]["clientType"] == "public"
    assert kiro.bodies[0]["issuerUrl"] == BUILDER_ID_START_URL
    assert "refresh_token" in kiro.bodies[0]["grantTypes"]
    assert "codewhisperer:conversations" in kiro.bodies[0]["scopes"]
    assert kiro.bodies[1]["startUrl"] == BUILDER_ID_START_URL
    assert kiro.bodies[2]["grantType"] == "urn:ietf:params:oauth:grant-type:device_code"


async def test_an_organisation_is_found_in_its_region(autojump_clock):
    home = "eu-central-1"
    kiro = Kiro(account("o", "idc"), home=home)
    begun = await begin_device_sign_in(desk(kiro), Provider.ORGANISATION, start_url=START_URL)
    assert begun.client.region == home
    signed_in = await finish_device_sign_in(desk(kiro), begun)
    found = read(signed_in)
    assert (found.kind, found.region) == (AccountKind.ORGANISATION, home)
    assert signed_in.entry(MACHINE)["startUrl"] == START_URL
    tried = [host.split(".")[1] for host, path, _ in kiro.calls if path == "/device_authorization"]
    assert tried == list(ORGANISATION_REGIONS[: ORGANISATION_REGIONS.index(home) + 1])


async def test_a_region_that_is_named_is_the_only_one(autojump_clock):
    kiro = Kiro(account("o", "idc"), home="eu-central-1")
    with pytest.raises(Refused, match=r"the device code in us-west-2 was refused: HTTP 400, invalid_request"):
        await begin_device_sign_in(desk(kiro), Provider.ORGANISATION, start_url=START_URL, region="us-west-2")
    assert len(kiro.calls) == 2


async def test_no_region_at_all_is_one_sentence(autojump_clock):
    kiro = Kiro(home="mars-north-1")
    with pytest.raises(SignInFailed, match=r"none of 10 regions knows this start URL"):
        await begin_device_sign_in(desk(kiro), Provider.ORGANISATION, start_url=START_URL)
    assert len(kiro.calls) == 20


async def test_a_region_that_cannot_be_reached_does_not_stop_the_search(autojump_clock):
    away = Failure(Fault.CONNECT_FAILED, "oidc.us-east-1.amazonaws.com:443: no address")
    kiro = Kiro(account("o", "idc"), instead={"/client/register": [away]})
    begun = await begin_device_sign_in(desk(kiro), Provider.ORGANISATION, start_url=START_URL)
    assert begun.client.region == ORGANISATION_REGIONS[1]


def refusal(code, status=400):
    return SmallResponse(
        status, {}, json.dumps({"error": code, "error_description": "secret words"}).encode()
    )


async def test_pending_slow_down_and_a_gap_in_the_network_are_waited_out(autojump_clock):
    kiro = Kiro(account("b", "builder-id"))
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    kiro.instead = {
        "/token": [
            refusal("authorization_pending"),
            refusal("slow_down"),
            Failure(Fault.CONNECTION_LOST, "x"),
            SmallResponse(503, {}, b"<html>"),
        ]
    }
    kiro.simulator.sign_in.pending_polls = 0
    kiro.simulator.sign_in.approve({"user_code": begun.device.user_code})
    began, left = trio.current_time(), []
    await finish_device_sign_in(desk(kiro), begun, left.append)
    # 1, then 1, then 5 more, then twice that, and twice again
    assert trio.current_time() - began == pytest.approx(1 + 1 + 6 + 12 + 24)
    assert left[0] == 600
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("access_denied", "the sign-in was refused in the browser"),
        ("expired_token", "the code has expired before anybody confirmed it"),
        ("invalid_client", "the sign-in was refused: HTTP 400, invalid_client"),
        ("Odd words with secrets aorXXXX", "the sign-in was refused: HTTP 400"),
    ],
)
async def test_a_final_no_ends_the_waiting(autojump_clock, code, said):
    kiro = Kiro(account("b", "builder-id"))
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    kiro.instead = {"/token": [refusal("authorization_pending"), refusal(code)]}
    with pytest.raises(SignInFailed) as caught:
        await finish_device_sign_in(desk(kiro), begun)
    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)
    assert kiro.paths.count("/token") == 2


async def test_nobody_confirms_and_the_code_expires(autojump_clock):
    kiro = Kiro(account("b", "builder-id"))
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    kiro.simulator.sign_in._devices[begun.device.code].pending = 10_000
    with pytest.raises(SignInFailed, match="expired"):
        await finish_device_sign_in(desk(kiro), begun)
    assert trio.current_time() == pytest.approx(600, abs=2)


async def test_waiting_can_be_given_up(autojump_clock):
    kiro = Kiro(account("b", "builder-id"))
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    with trio.move_on_after(0.5) as scope:
        await finish_device_sign_in(desk(kiro), begun)
    assert scope.cancelled_caught
    assert "/token" not in kiro.paths


@pytest.mark.parametrize(
    "answer",
    [b"{}", b"[]", b"<html>", b'{"clientId": "a"}', b'{"clientId": "a\\nb", "clientSecret": "c"}'],
    ids=repr,
)
async def test_a_registration_that_is_none(autojump_clock, answer):
    kiro = Kiro(instead={"/client/register": [SmallResponse(200, {}, answer)]})
    with pytest.raises(NoAnswer, match="the registration in us-east-1 failed: the answer has no client"):
        await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)


async def test_tokens_without_a_refresh_token_are_no_sign_in(autojump_clock):
    kiro = Kiro(account("b", "builder-id"))
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    kiro.instead = {"/token": [SmallResponse(200, {}, b'{"accessToken": "aoaX"}')] * 9}
    with pytest.raises(SignInFailed, match="no refresh token"):
        await finish_device_sign_in(desk(kiro), begun)


@pytest.mark.parametrize("provider", [Provider.GOOGLE, Provider.GITHUB])
async def test_a_social_sign_in(provider):
    kiro = Kiro(account("s"))
    proof = make_proof(secrets.token_bytes)
    begun = begin_social_sign_in(desk(kiro), provider, redirect_uri(19876), proof)
    assert begun.url.startswith("https://prod.us-east-1.auth.desktop.kiro.dev/login?")
    asked = query(begun.url)
    assert asked["idp"] == provider.value.name
    assert asked["redirect_uri"] == "http://127.0.0.1:19876/oauth/callback"
    assert asked["code_challenge"] == (
        base64.urlsafe_b64encode(hashlib.sha256(proof.verifier.encode()).digest()).rstrip(b"=").decode()
    )
    back = kiro.browse(begun.url)
    signed_in = await finish_browser_sign_in(desk(kiro), begun, begun.read(back))
    found = read(signed_in)
    assert found.flaw == ""
    assert found.kind is AccountKind.SOCIAL
    assert found.refresh_token == kiro.simulator.accounts[0].refresh_token
    assert found.profile_arn == kiro.simulator.accounts[0].profile_arn
    assert parse_expiry(signed_in.entry(MACHINE)["expiresAt"]) == pytest.approx(clock() + 3600, abs=2)
    assert kiro.calls[-1][:2] == ("prod.us-east-1.auth.desktop.kiro.dev", "/oauth/token")
    assert set(kiro.bodies[-1]) == {"code", "code_verifier", "redirect_uri"}


async def test_a_code_works_once_and_only_with_its_verifier():
    kiro = Kiro(account("s"))
    begun, other = (
        begin_social_sign_in(desk(kiro), Provider.GOOGLE, redirect_uri(1), make_proof(secrets.token_bytes))
        for _ in range(2)
    )
    back = kiro.browse(begun.url)
    with pytest.raises(NotOurCallback):
        other.read(back)
    with pytest.raises(Refused, match="HTTP 401, invalid_grant"):
        await finish_browser_sign_in(desk(kiro), other, begun.read(back))
    with pytest.raises(Refused):
        await finish_browser_sign_in(desk(kiro), begun, begun.read(back))  # the failed try has used it up


async def test_an_organisation_signs_in_in_a_browser():
    kiro = Kiro(account("o", "idc"))
    proof = make_proof(secrets.token_bytes)
    begun = await begin_oidc_sign_in(
        desk(kiro),
        Provider.ORGANISATION,
        redirect_uri(40000),
        proof,
        region="eu-west-1",
        start_url=START_URL,
    )
    assert begun.url.startswith("https://oidc.eu-west-1.amazonaws.com/authorize?")
    assert kiro.bodies[0]["redirectUris"] == [redirect_uri(40000)]
    assert kiro.bodies[0]["grantTypes"] == ["authorization_code", "refresh_token"]
    assert query(begun.url)["client_id"] == begun.client.client_id
    signed_in = await finish_browser_sign_in(desk(kiro), begun, begun.read(kiro.browse(begun.url)))
    assert read(signed_in).flaw == ""
    assert read(signed_in).client_id == begun.client.client_id
    assert signed_in.entry("")["startUrl"] == START_URL
    assert kiro.bodies[-1]["codeVerifier"] == proof.verifier


async def test_everything_goes_to_another_server_if_there_is_one():
    kiro = Kiro(account("s"))
    begun = begin_social_sign_in(
        desk(kiro, base=BASE), Provider.GOOGLE, redirect_uri(1), make_proof(secrets.token_bytes)
    )
    assert begun.url.startswith(f"{BASE}/login?")
    await begin_device_sign_in(desk(kiro, base=BASE), Provider.BUILDER_ID)
    assert {host for host, _, _ in kiro.calls} == {"kiro.invalid"}


async def test_no_repr_shows_a_secret(autojump_clock):
    kiro = Kiro(account("b", "builder-id"), account("s"))
    proof = make_proof(secrets.token_bytes)
    social = begin_social_sign_in(desk(kiro), Provider.GOOGLE, redirect_uri(1), proof)
    begun = await begin_device_sign_in(desk(kiro), Provider.BUILDER_ID)
    signed_in = await finish_device_sign_in(desk(kiro), begun)
    shown = repr((social, begun, signed_in, proof, desk(kiro)))
    entry = signed_in.entry(MACHINE)
    for secret in (
        proof.verifier,
        proof.state,
        begun.device.code,
        entry["clientSecret"],
        entry["refreshToken"],
        entry["accessToken"],
    ):
        assert secret not in shown

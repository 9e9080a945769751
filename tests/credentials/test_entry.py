import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.strategies.credentials import KEYS
from kiro_trio.credentials.credential import AccountKind, ArnMode, AuthMethod, Proxy
from kiro_trio.credentials.entry import fingerprint, read_entry
from tests.credentials.entries import ENDPOINTS, idc, refresh_token, social


def read(entry):
    return read_entry(entry, 7, ENDPOINTS)


@given(st.sampled_from(KEYS), st.text(min_size=8))
def test_a_flaw_names_the_key_and_never_the_value(key, value):
    flaw = read(social(**{key: value})).flaw
    assert value not in flaw.replace("`", "") or value in key


@pytest.mark.parametrize(
    ("entry", "method", "kind"),
    [
        (social(), AuthMethod.SOCIAL, AccountKind.SOCIAL),
        (social(authMethod="Social"), AuthMethod.SOCIAL, AccountKind.SOCIAL),
        (social(authMethod=None), AuthMethod.SOCIAL, AccountKind.SOCIAL),
        (social(authMethod="whatever"), AuthMethod.SOCIAL, AccountKind.SOCIAL),
        (idc(authMethod=""), AuthMethod.IDC, AccountKind.UNKNOWN),
        (idc(), AuthMethod.IDC, AccountKind.UNKNOWN),
        (idc(authMethod="IdC", provider="Enterprise"), AuthMethod.IDC, AccountKind.ORGANISATION),
        (idc(authMethod="IdC", provider="BuilderId"), AuthMethod.IDC, AccountKind.BUILDER_ID),
        (idc(authMethod="builder-id"), AuthMethod.IDC, AccountKind.BUILDER_ID),
        (idc(authMethod="Builder_ID"), AuthMethod.IDC, AccountKind.BUILDER_ID),
        (idc(authMethod="iam"), AuthMethod.IDC, AccountKind.UNKNOWN),
        (idc(profileArn="arn:aws:codewhisperer:eu-central-1:1:profile/X"), AuthMethod.IDC, AccountKind.ORGANISATION),
        ({"kiroApiKey": "ksk_x"}, AuthMethod.API_KEY, AccountKind.API_KEY),
        ({"kiroApiKey": "ksk_x", "authMethod": "apikey"}, AuthMethod.API_KEY, AccountKind.API_KEY),
        ({"kiroApiKey": "ksk_x", "authMethod": "social"}, AuthMethod.API_KEY, AccountKind.API_KEY),
    ],
)  # fmt: skip
def test_method_and_kind_are_written_or_inferred(entry, method, kind):
    credential = read(entry)
    assert (credential.auth_method, credential.kind, credential.flaw) == (method, kind, "")


@pytest.mark.parametrize(
    ("entry", "flaw"),
    [
        ("text", "is not an object"),
        ({}, "`refreshToken` is missing"),
        ({"authMethod": "api_key"}, "`kiroApiKey` is missing"),
        (social(refreshToken="aor-short"), "`refreshToken` is shortened"),
        (social(refreshToken="aor" + "x" * 100 + "..." + "x" * 100), "`refreshToken` is shortened"),
        (social(refreshToken=5), "`refreshToken` must be a string"),
        (social(accessToken="aoa\r\nhost: evil"), "`accessToken` holds characters"),
        (idc(clientSecret=None, authMethod="idc"), "`clientId` and `clientSecret` are needed"),
        (social(region="evil.example/"), "`region` is not a region"),
        (social(apiRegion="us-east-1.evil"), "`apiRegion` is not a region"),
        (social(authRegion="US-EAST-1"), "`authRegion` is not a region"),
        (social(priority="high"), "`priority` must be a whole number"),
        (social(priority=True), "`priority` must be a whole number"),
        (social(concurrency=0), "`concurrency` must be a whole number of at least 1"),
        (social(disabled="no"), "`disabled` must be true or false"),
        (social(endpoint="idea"), "`endpoint` must be one of cli, cli-q, ide, ide-kiro"),
        (social(profileArn="profile"), "`profileArn` is not a profile ARN"),
        (social(proxyUrl="proxy"), "`proxyUrl` must be `direct` or begin with"),
        (social(authMethod="external_idp"), "`authMethod` external-idp is not supported"),
        (social(arnMode="maybe"), "`arnMode` must be one of with, without"),
    ],
)
def test_flaws_say_what_is_wrong(entry, flaw):
    assert flaw in read(entry).flaw


def test_every_key_arrives():
    credential = read(
        idc(
            "a", accessToken=" aoa ", expiresAt="2026-09-21T14:13:20Z", profileArn="arn:aws:codewhisperer:eu-west-1:1:profile/X",
            priority=3, concurrency=2, region="eu-west-1", authRegion="eu-west-2", apiRegion="eu-west-3", machineId="m",
            email="e", subscriptionTitle="KIRO FREE", proxyUrl="socks5://h:1", proxyUsername="u", proxyPassword="p",
            disabled=True, endpoint="cli", arnMode="without", clientSecretExpiresAt=1_790_000_000,
        )
    )  # fmt: skip
    assert credential.flaw == ""
    assert (credential.access_token, credential.refresh_token) == ("aoa", refresh_token("a"))
    assert (credential.client_id, credential.client_secret) == ("client-a", "client-secret-a")
    assert credential.expires_at == credential.client_expires_at == 1_790_000_000
    assert (credential.region, credential.auth_region, credential.api_region) == (
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
    )
    assert credential.proxy == Proxy("socks5", "h", 1, "u", "p")
    assert (credential.priority, credential.concurrency, credential.disabled, credential.endpoint) == (
        3,
        2,
        True,
        "cli",
    )
    assert (credential.email, credential.subscription_title, credential.arn_mode) == (
        "e",
        "KIRO FREE",
        ArnMode.WITHOUT,
    )


def test_direct_is_no_proxy_and_not_the_global_one():
    assert read(social(proxyUrl="Direct")).direct
    assert not read(social(proxyUrl="")).direct


def test_a_fingerprint_tells_nothing_and_differs():
    marks = {fingerprint(refresh_token(name)) for name in "abc"}
    assert len(marks) == 3
    assert fingerprint("") == ""
    assert "aor" not in json.dumps(sorted(marks))


def test_half_of_a_surrogate_pair_is_no_text_that_could_be_told():
    found = read_entry(social("a", email="\ud83d@\ud83d\ude00.invalid"), 1, ENDPOINTS)
    assert found.email == "\ufffd@😀.invalid"
    assert found.flaw == ""

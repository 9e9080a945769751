import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.credentials.credential import (
    BUILDER_ID_PROFILE_ARN,
    SOCIAL_PROFILE_ARN,
    AccountKind,
    AuthMethod,
    Credential,
    Defaults,
    InvalidProxy,
    Lease,
    Proxy,
    api_region,
    auth_region,
    effective_arn,
    effective_endpoint,
    effective_proxy,
    parse_proxy,
)

OWN_ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEF"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.example:8080", Proxy("http", "proxy.example", 8080)),
        ("HTTP://proxy.example", Proxy("http", "proxy.example", 80)),
        ("https://proxy.example", Proxy("https", "proxy.example", 443)),
        ("socks5://[::1]", Proxy("socks5", "::1", 1080)),
        ("socks5h://u%40x:p%3Aw@proxy.example:9", Proxy("socks5h", "proxy.example", 9, "u@x", "p:w")),
        ("direct", None),
        (" DIRECT ", None),
    ],
)
def test_proxies_are_read(url, proxy):
    assert parse_proxy(url) == proxy


def test_user_and_password_beside_the_url_win():
    assert parse_proxy("http://u:p@h:1", "user", "word") == Proxy("http", "h", 1, "user", "word")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy:8080",
        "ftp://u:hushhush@h",
        "http://",
        "http://h:99999",
        "http://u:hushhush@:80",
        "socks5:h:1",
    ],
)
def test_what_is_no_proxy_says_so_without_its_password(url):
    with pytest.raises(InvalidProxy) as raised:
        parse_proxy(url)
    assert "hushhush" not in str(raised.value)


def test_no_secret_is_shown():
    hushed = "hushhush"
    things = [
        Proxy("http", "h", 1, hushed, hushed),
        Credential(
            1,
            access_token=hushed,
            refresh_token=hushed,
            kiro_api_key=hushed,
            client_id=hushed,
            client_secret=hushed,
            email=hushed,
            machine_id=hushed,
            proxy=Proxy("http", "h", 1, hushed, hushed),
        ),
        Lease(
            1,
            hushed,
            api_key=False,
            api_region="us-east-1",
            auth_region="us-east-1",
            endpoint="ide",
            profile_arn=hushed,
            machine_id=hushed,
            proxy=Proxy("http", "h", 1, hushed, hushed),
        ),
    ]
    assert hushed not in repr(things) + "".join(map(str, things)) + things[0].display


SET = st.sampled_from(["", "us-east-1", "eu-west-1", "ap-south-1"])


@given(SET, SET, SET, SET, SET)
def test_the_first_region_that_is_set_wins(own_auth, own_region, own_api, config_auth, config_api):
    credential = Credential(1, auth_region=own_auth, region=own_region, api_region=own_api)
    defaults = Defaults(region="us-west-2", auth_region=config_auth or None, api_region=config_api or None)
    assert auth_region(credential, defaults) == (own_auth or own_region or config_auth or "us-west-2")
    assert api_region(credential, defaults) == (own_api or config_api or "us-west-2")


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        (OWN_ARN, "eu-central-1"),
        (SOCIAL_PROFILE_ARN, "us-west-2"),
        (BUILDER_ID_PROFILE_ARN, "us-west-2"),
        ("", "us-west-2"),
    ],
)
def test_an_own_profile_names_the_region_and_a_shared_one_does_not(arn, region):
    credential = Credential(1, profile_arn=arn)
    assert api_region(credential, Defaults(region="us-west-2")) == region
    assert api_region(credential, Defaults(region="us-west-2", api_region="us-east-1")) == "us-east-1"


def test_proxy_own_then_global_then_none():
    own, everyones = Proxy("http", "own", 1), Proxy("http", "global", 1)
    assert effective_proxy(Credential(1, proxy=own), Defaults(proxy=everyones)) == own
    assert effective_proxy(Credential(1), Defaults(proxy=everyones)) == everyones
    assert effective_proxy(Credential(1), Defaults()) is None
    assert effective_proxy(Credential(1, direct=True), Defaults(proxy=everyones)) is None


def test_endpoint_own_then_that_of_keys_then_the_default():
    key = Credential(1, auth_method=AuthMethod.API_KEY, kiro_api_key="ksk_x")
    assert effective_endpoint(Credential(1), Defaults()) == "ide"
    assert effective_endpoint(key, Defaults()) == "cli"
    assert effective_endpoint(Credential(1, endpoint="cli-q"), Defaults()) == "cli-q"


def test_profile_arn_by_kind_of_account():
    arns = {kind: effective_arn(Credential(1), kind, Defaults()) for kind in AccountKind}
    assert arns == {
        AccountKind.SOCIAL: SOCIAL_PROFILE_ARN,
        AccountKind.BUILDER_ID: BUILDER_ID_PROFILE_ARN,
        AccountKind.ORGANISATION: "",
        AccountKind.UNKNOWN: "",
        AccountKind.API_KEY: "",
    }
    assert effective_arn(Credential(1, profile_arn=OWN_ARN), AccountKind.SOCIAL, Defaults()) == OWN_ARN
    assert effective_arn(Credential(1, profile_arn=OWN_ARN), AccountKind.API_KEY, Defaults()) == ""


@given(st.floats(0, 4000))
def test_a_token_is_usable_until_its_margin(left):
    credential = Credential(1, access_token="aoa", expires_at=1000.0 + left)
    assert credential.usable(1000.0) == (left > 300)
    assert credential.usable(1000.0, 30.0) == (left > 30)
    assert not Credential(1, access_token="aoa").usable(1000.0)
    assert not Credential(1, expires_at=9999.0).usable(1000.0)

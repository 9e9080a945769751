import string
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.credentials.login.addresses import (
    InvalidStartUrl,
    NotOurCallback,
    read_callback,
    read_start_url,
    redirect_uri,
    with_query,
)
from kiro_trio.credentials.login.desk import NoAnswer, Refused, SignInFailed
from kiro_trio.credentials.login.pkce import make_proof
from kiro_trio.credentials.login.polling import Polling

STATE = "state-of-this-sign-in"
BACK = f"http://127.0.0.1:19876/oauth/callback?code=abc%2F1&state={STATE}"


@pytest.mark.parametrize(
    "address",
    [
        BACK,
        BACK + "#_=_",
        BACK + "#",
        f"  {BACK}\n",
        f"'{BACK}'",
        f"<{BACK}>",
        BACK.removeprefix("http://127.0.0.1:19876"),
        BACK.partition("?")[2],
        f"https://else.where/?state={STATE}&code=abc%2F1&x=&y",
    ],
)
def test_the_code_is_read_out_of_whatever_was_copied(address):
    assert read_callback(address, STATE) == "abc/1"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "abc",
        "http://127.0.0.1:19876/oauth/callback",
        f"?state={STATE}",
        f"?code=&state={STATE}",
        "[",
        "a" * 9000,
    ],
)
def test_an_address_without_a_code(address):
    with pytest.raises(NotOurCallback, match="copy the whole address"):
        read_callback(address, STATE)


@pytest.mark.parametrize(
    "query", ["code=a", "code=a&state=", "code=a&state=x", "error=a", "code=a&state=stäte"]
)
def test_the_state_decides(query):
    with pytest.raises(NotOurCallback, match="another sign-in"):
        read_callback(f"/oauth/callback?{query}", STATE)


def test_a_refusal_is_told_by_its_code_alone():
    with pytest.raises(SignInFailed, match=r"^the sign-in was refused: access_denied$"):
        read_callback(f"?error=access_denied&error_description=words&state={STATE}", STATE)
    with pytest.raises(SignInFailed, match=r"^the sign-in was refused: an unknown error$"):
        read_callback(f"?error={quote('<script>')}&state={STATE}", STATE)


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_text_is_a_callback_of_a_state_that_it_has_not(text, state):
    secret = "0123456789abcdefghijkl"
    with pytest.raises(NotOurCallback):
        read_callback(f"{text}?code={state}&state={state}", secret)


@given(
    st.text(string.printable, min_size=1, max_size=50), st.text(string.ascii_letters, min_size=1, max_size=30)
)
def test_what_a_provider_sends_back_is_read(code, state):
    sent = with_query(redirect_uri(1), {"code": code, "state": state})
    assert read_callback(sent, state) == code


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
        (" https://d-1.awsapps.com/start/ ", "https://d-1.awsapps.com/start"),
        ("https://D-1.awsapps.com/start/#/?tab=accounts", "https://d-1.awsapps.com/start"),
        (
            "https://identitycenter.amazonaws.com/ssoins-1",
            "https://identitycenter.amazonaws.com/ssoins-1",
        ),
        ("https://sso.example.com:8443/start", "https://sso.example.com:8443/start"),
    ],
)
def test_start_urls_as_people_copy_them(text, url):
    assert read_start_url(text) == url


@pytest.mark.parametrize(
    "text",
    ["", "d-1.awsapps.com/start", "http://d-1.awsapps.com/start", "https://", "https://start", "https://[",
     "https://user@d-1.awsapps.com/", "https://d-1.awsapps.com:99999/", "https://dé.example/start", "file:///etc"],
)  # fmt: skip
def test_what_is_no_start_url(text):
    with pytest.raises(InvalidStartUrl):
        read_start_url(text)


@given(st.text(max_size=60))
def test_start_urls_are_stable_or_none(text):
    try:
        url = read_start_url(text)
    except InvalidStartUrl:
        return
    assert read_start_url(url) == url
    assert urlsplit(url).scheme == "https"


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=30)
def test_proofs_are_fit_for_an_address(data):
    proof = make_proof(lambda n: data[:n])
    allowed = set(string.ascii_letters + string.digits + "-_")
    assert set(proof.verifier + proof.state + proof.challenge) <= allowed
    assert len(proof.verifier) == 43
    assert len(proof.challenge) == 43
    assert len(proof.state) == 32


def test_the_challenge_of_the_standard():
    """RFC 7636, appendix B."""
    data = bytes([
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186,
        22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
    ])  # fmt: skip
    proof = make_proof(lambda n: data[:n])
    assert proof.verifier == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert proof.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


ANSWERS = st.sampled_from(["authorization_pending", "slow_down", None])


@given(st.lists(ANSWERS, max_size=60), st.floats(0.5, 60))
def test_polling_asks_no_faster_than_it_was_told(answers, interval):
    polling = Polling(interval, 1e9, now=100.0)
    slowed = 0
    for code in answers:
        now = polling.next_at
        polling.answered(NoAnswer("x") if code is None else Refused("x", 400, code), now)
        slowed += code == "slow_down"
        assert polling.next_at - now >= interval + 5 * slowed - 1e-6
        assert polling.next_at - now <= max(30, interval + 5 * slowed) + 1e-6


@given(st.floats(0.5, 60), st.integers(1, 900))
def test_polling_ends_by_the_deadline(interval, lifetime):
    polling = Polling(interval, lifetime, now=100.0)
    with pytest.raises(SignInFailed, match="expired"):
        _poll_for_ever(polling)
    assert polling.next_at >= 100.0 + lifetime
    assert polling.next_at <= 100.0 + lifetime + 2 * interval
    assert polling.left(100.0) == lifetime
    assert polling.left(1e9) == 0


def _poll_for_ever(polling):
    while True:
        polling.answered(Refused("x", 400, "authorization_pending"), polling.next_at)

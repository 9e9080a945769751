"""No secret reaches a log: not the ones we know, not the ones that look like one, wherever they hide."""

import io
import json
import logging
import time

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio import telemetry
from kiro_trio.telemetry import (
    REDACTED,
    configure_logging,
    get_logger,
    mask,
    redact,
    redact_event,
    register_secret,
)

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkdW1teSJ9.c2lnbmF0dXJl"
SHAPED = {
    "access token": "aoaAAAAAGdummy0123456789_-:MGQCMBdummy==",
    "refresh token": "aorAAAAAGdummy0123456789+/:MGUCMQdummy",
    "kiro key": "ksk_dummy0123456789",
    "client key": "sk-kiro-trio-dummyDUMMY0123",
    "web token": JWT,
}
INNER = {
    '{"accessToken":"plain-looking-1"}': "plain-looking-1",
    '{\\"refreshToken\\": \\"plain-looking-2\\"}': "plain-looking-2",
    "grant=x&client_secret=plain-looking-3&a=b": "plain-looking-3",
    "{'password': 'plain-looking-4'}": "plain-looking-4",
    "Authorization: Bearer plain-looking-5/5==": "plain-looking-5",
    "proxy socks5://user:plain-6@proxy.example:1080 refused": "plain-6",
    "http://user:pl@in-7@proxy.example": "pl@in-7",
    "arn:aws:codewhisperer:us-east-1:123456789012:profile/DUMMY": "123456789012",
    "mail to Some.One+x@mail.example.com failed": "Some.One+x@mail.example.com",
}
HARMLESS = [
    "The bearer token included in the request is invalid.",
    "profileArn is required for this request.",
    "input_tokens=12 max_tokens=64000 count_tokens",
    "https://q.us-east-1.amazonaws.com/generateAssistantResponse?origin=AI_EDITOR",
    "risk-averse task-0123456789 disk-full",
    "socks5://proxy.example:1080",
]


@pytest.fixture(params=["text", "json"])
def log(request):
    out = io.StringIO()
    configure_logging("debug", request.param, out)
    return out


@pytest.mark.parametrize("secret", SHAPED.values(), ids=list(SHAPED))
def test_what_has_the_shape_of_a_secret_is_taken_out_of_the_middle_of_a_text(secret):
    assert redact(f"got ({secret}), then failed") == f"got ({REDACTED}), then failed"


@pytest.mark.parametrize(("text", "secret"), INNER.items(), ids=list(INNER.values()))
def test_what_stands_where_secrets_stand_is_taken_out(text, secret):
    cleaned = redact(text)
    assert secret not in cleaned
    assert cleaned != text


@pytest.mark.parametrize("secret", [*SHAPED.values(), *INNER.values()])
def test_what_is_written_over_leaves_no_secret_and_every_length(secret):
    text = next((text for text, inner in INNER.items() if inner == secret), f"before {secret} after")
    masked = mask(text)
    assert secret not in masked
    assert len(masked) == len(text)
    assert [letter for letter in masked if not letter.isalnum()] == [
        letter for letter in text if not letter.isalnum()
    ]


def test_a_registered_secret_is_written_over_too():
    register_secret("Known-Secret-7")
    assert mask("a Known-Secret-7 b, and nothing else") == "a Xxxxx-Xxxxxx-0 b, and nothing else"


def test_what_surrounds_a_secret_stays_readable():
    assert redact("http://user:pw1234@proxy:8080 refused") == f"http://user:{REDACTED}@proxy:8080 refused"
    assert redact("arn:aws:codewhisperer:us-east-1:123456789012:profile/A") == (
        "arn:aws:codewhisperer:us-east-1:************:profile/A"
    )


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_words_stay(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "accessToken",
        "refresh_token",
        "apiKey",
        "x-api-key",
        "Authorization",
        "proxyPassword",
        "clientSecret",
        "Cookie",
    ],
)
def test_a_value_under_a_secret_name_is_dropped_whatever_it_is(name):
    for value in ("plain", b"plain", ["plain"], {"a": "plain"}):
        assert "plain" not in repr(redact_event(None, "info", {"event": "x", name: value}))


@pytest.mark.parametrize(
    "name", ["input_tokens", "max_tokens", "token_type", "tokens", "tokenizer", "key", "keys"]
)
def test_a_name_that_only_resembles_a_secret_name_keeps_its_value(name):
    assert redact_event(None, "info", {name: "plain"}) == {name: "plain"}


class Careless:
    def __init__(self, secret):
        self.secret = secret

    def __repr__(self):
        return f"Careless({self.secret})"


secrets = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=8, max_size=40).filter(
    # a secret that our own marks contain would be "found" in them
    lambda text: text not in REDACTED and text.strip()
)


def nested(leaves):
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3),
            st.tuples(inner),
            st.dictionaries(st.sampled_from(["a", "deep", "list"]), inner, min_size=1),
            st.builds(lambda item: {str(item): 1}, inner),
            st.builds(Careless, inner),
        ),
        max_leaves=4,
    )


@given(secret=secrets, data=st.data())
def test_a_registered_secret_is_found_in_any_structure(secret, data):
    register_secret(secret)
    around = data.draw(st.sampled_from(["{}", "x{}y", "{0}{0}", "a {} b"]))
    value = data.draw(nested(st.sampled_from([around.format(secret), around.format(secret).encode()])))
    rendered = repr(redact_event(None, "info", {"event": around.format(secret), "value": value}))
    telemetry._known.clear()
    assert secret not in rendered
    assert REDACTED in rendered


def test_of_two_registered_secrets_the_longer_goes_first():
    register_secret("secret-one")
    register_secret("secret-one-and-more")
    assert redact("<secret-one-and-more>") == f"<{REDACTED}>"


def test_a_registered_secret_is_found_percent_encoded():
    register_secret("p@ss/wörd")
    assert "%40ss" not in redact("socks5://u:p%40ss%2Fw%C3%B6rd")


def test_nothing_empty_or_tiny_is_registered_and_the_memory_is_bounded():
    for value in (None, "", "a", "abc"):
        register_secret(value)
    assert not telemetry._known
    for number in range(telemetry._REMEMBERED + 10):
        register_secret(f"secret-{number:06}")
    assert len(telemetry._known) == telemetry._REMEMBERED
    assert redact(f"secret-{telemetry._REMEMBERED:06}") == REDACTED


@pytest.mark.parametrize(
    "text", ["a.b-c+d" * 40_000, "eyJ-" * 70_000, "aoa/" * 70_000, "x://" * 70_000, "token:" * 50_000]
)
def test_a_huge_record_costs_little(text):
    started = time.thread_time()
    redact(text)
    assert time.thread_time() - started < 1


def test_records_of_ours_come_out_redacted(log):
    register_secret("very-secret-value")
    structlog.contextvars.bind_contextvars(request_id="req_1")
    get_logger("room").warning(
        "renewal failed", detail="got very-secret-value", access_token="abcdefgh", status=400
    )
    line = log.getvalue()
    assert "very-secret-value" not in line
    assert "abcdefgh" not in line
    assert all(word in line for word in ("renewal failed", "req_1", "400", "room", "warning"))


def test_records_of_libraries_come_out_redacted(log):
    logging.getLogger("hypercorn.error").error("cannot use %s", SHAPED["kiro key"])
    line = log.getvalue()
    assert "ksk_" not in line
    assert "hypercorn.error" in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("speaker", ["ours", "library"])
def test_the_text_of_an_exception_comes_out_redacted(log, speaker):
    try:
        int(f"bad {SHAPED['access token']}")
    except ValueError:
        if speaker == "ours":
            get_logger("room").exception("oops")
        else:
            logging.getLogger("library").exception("oops")
    assert "aoaAAAA" not in log.getvalue()
    assert "ValueError: invalid literal" in log.getvalue()


def test_json_lines_are_json():
    out = io.StringIO()
    configure_logging("info", "json", out)
    get_logger("room").info("hello", n=1, odd="ö", thing=Careless(1))
    logging.getLogger("library").warning("there")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["n"], ours["odd"], ours["room"]) == (
        "hello",
        "info",
        1,
        "ö",
        "room",
    )
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("there", "warning", "library")
    assert ours["timestamp"].endswith("Z")


def test_the_level_holds_for_ours_and_for_libraries():
    out = io.StringIO()
    configure_logging("warning", "text", out)
    get_logger("room").info("too quiet")
    logging.getLogger("library").info("too quiet")
    assert out.getvalue() == ""
    get_logger("room").error("loud")
    assert "loud" in out.getvalue()


def test_http_clients_never_name_each_call():
    out = io.StringIO()
    configure_logging("debug", "text", out)
    logging.getLogger("httpx").info("HTTP Request: GET https://q.example/?profileArn=x")
    logging.getLogger("filelock").debug("Attempting to acquire lock")
    assert out.getvalue() == ""


class Gone(io.StringIO):
    """A log whose reader is gone."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("stream", [Gone(), None])
def test_a_log_that_nobody_takes_fails_nothing(form, stream, monkeypatch):
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging("info", form)
    get_logger("room").info("hello")
    logging.getLogger("library").warning("hello")
    taken = io.StringIO()
    configure_logging("info", form, taken)
    taken.close()
    get_logger("room").info("hello")
    logging.getLogger("library").warning("hello")
    configure_logging("info", form, after := io.StringIO())
    get_logger("room").info("hello")
    assert "hello" in after.getvalue()


def test_a_record_is_one_line_in_text():
    out = io.StringIO()
    configure_logging("info", "text", out)
    get_logger("room").info("first\nsecond", value="third\nfourth")
    assert out.getvalue().count("\n") == 1


_PIECES = st.sampled_from([
    *("Bearer ", "basic ", "aoa", "aor", "ksk_", "sk-", "eyJ", "arn:aws:kiro:us-east-1:", "://", "@", ":", "=", ".", "-", "x" * 16),
    *("access_token", "Password", "apiKey", '"', " ", "a.b", "1234567890"),
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=3), max_size=12).map("".join))
def test_a_text_that_is_let_pass_at_a_glance_has_no_secret(text: str) -> None:
    looked_at = text
    for shape, instead in telemetry._SHAPES:
        looked_at = shape.sub(instead, looked_at)
    assert telemetry.redact(text) == looked_at


def test_a_traceback_is_written_as_structlog_writes_it(log):
    get_logger("here").error("bug", exc_info=KeyError("of ours"))
    assert "KeyError" in log.getvalue()
    assert "of ours" in log.getvalue()


def test_many_secrets_do_not_make_short_texts_slow():
    looked = []

    class Text(str):
        __slots__ = ()

        def __contains__(self, what):
            looked.append(what)
            return super().__contains__(what)

    for number in range(2000):
        register_secret(f"{number:06}-of-a-token" * 20)
    register_secret("short")
    assert redact(Text("a short text")) == f"a {REDACTED} text"
    assert looked == ["short"]
    assert redact(f"x {'001999-of-a-token' * 20} y") == f"x {REDACTED} y"


def test_no_secret_hides_in_what_we_write_ourselves(log):
    get_logger("here").info("words", timestamp=SHAPED["kiro key"], level=SHAPED["client key"])
    logging.getLogger("library").warning("words", extra={"timestamp": SHAPED["kiro key"]})
    assert "dummy" not in log.getvalue()
    assert "info" in log.getvalue()

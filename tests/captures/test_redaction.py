"""What is kept says nothing of what was said, and is built as it was."""

import base64
import json
from collections import defaultdict
from itertools import count

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiro_trio import telemetry
from kiro_trio.captures.bodies import STRUCTURE, fill_body, names_in
from kiro_trio.captures.capture import Answer, Try, decode_capture, encode_capture
from kiro_trio.captures.filler import Filler, without_words
from kiro_trio.captures.recording import Recording
from kiro_trio.captures.redaction import Told, redacted
from kiro_trio.captures.replies import fill_error, fill_message
from kiro_trio.simulator.models import MODELS
from kiro_trio.simulator.rules import Violation, examine
from kiro_trio.telemetry import mask
from kiro_trio.wire import EventStreamDecoder
from tests.captures.said import PNG, SECRETS, client_request, kiro_body, kiro_stream
from tests.shared import messages_corpus, needs_shared

TOLD = Told(
    "req_1",
    1.0,
    "0",
    {},
    (Try(account=1, seconds=0.1, outcome="x"),) * 2,
    Answer(outcome="bad_request", status=400),
)


@pytest.fixture(autouse=True)
def _known_secret():
    telemetry.register_secret(SECRETS[-1])
    yield
    telemetry._known.clear()


def recorded(body, stream=b"", error=b"", headers=()):
    recording = Recording("/v1/messages", dict(headers), json.dumps(body).encode(), 10**7)
    for status, data in ((200, stream), (400, error)):
        recording.begin()
        recording.said("ide", kiro_body(body))
        recording.answered(
            status, {"content-type": "x", "set-cookie": SECRETS[0], "via": SECRETS[1]}, framed=True
        )
        recording.heard(data)
        recording.ended("whole")
    return recording


def everything(data):
    """All texts of a capture, those that are encoded too."""
    capture = decode_capture(json.loads(data))
    streams = [exchange.body for one in capture.tries for exchange in one.exchanges]
    said = json.dumps(msgspec.to_builtins(capture), ensure_ascii=False)
    for stream in streams:
        said = said.replace(base64.b64encode(stream).decode(), stream.decode("latin-1"))
    return said


def telling(prefix):
    """Words that are nowhere else: each has a vowel, which no filler has."""
    numbers = count(100)
    return lambda: f"{prefix}{next(numbers)} {prefix.title()}{next(numbers)}"


PREFIXES = st.text("qzjaeiou", min_size=6, max_size=10).filter(
    lambda word: set(word) & set("aeiou") and len(set(word)) > 2
)


@settings(max_examples=30)
@given(PREFIXES, st.sampled_from(SECRETS), st.integers(0, 9), st.data())
def test_no_word_and_no_secret_is_left_of_anything(prefix, secret, piece, data) -> None:
    words = telling(prefix)
    body = client_request(words, secret)
    stream = kiro_stream(words, secret, piece)
    cut = data.draw(st.integers(0, len(stream)))
    damaged = bytearray(stream)
    damaged[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    stream = data.draw(st.sampled_from([stream, stream[:cut], bytes(damaged)]))
    quoted = body["messages"][0]["content"][0]["text"]
    error = json.dumps(
        {"message": f"Improperly formed request. Value '{words()}' at 'a.b': {quoted}"}
    ).encode()
    capture = redacted(
        recorded(body, stream, error, {"user-agent": f"x {secret}"}.items()), TOLD, "filler", mask
    )
    text = everything(encode_capture(capture, 10**7))
    assert prefix not in text.lower()
    assert secret not in text
    assert PNG not in text
    assert "123456789" not in text
    assert "PRIVATEPROFILE" not in text


@settings(max_examples=30)
@given(st.sampled_from(SECRETS), st.integers(0, 9))
def test_where_words_stay_secrets_go_also_when_they_come_in_pieces(secret, piece) -> None:
    words = telling("ordinary")
    body = client_request(words, secret)
    error = json.dumps({"message": f"Wrong: '{secret}'"}).encode()
    recording = recorded(
        body, kiro_stream(words, secret, piece), error, {"user-agent": f"x {secret}"}.items()
    )
    capture = redacted(recording, TOLD, "words", mask)
    text = everything(encode_capture(capture, 10**7))
    assert text.count("ordinary") > 20
    assert secret not in text
    assert "123456789012" not in text
    assert PNG not in text
    for field, joined in spoken(capture.tries[0].exchanges[0].body).items():
        assert "ordinary" in joined, field
        assert secret not in joined, field


def spoken(stream):
    """What is said in pieces, joined."""
    joined = defaultdict(str)
    for message in EventStreamDecoder().receive_data(stream):
        for field in ("content", "text", "input"):
            joined[field] += json.loads(message.payload).get(field, "")
    return joined


SMALLEST = 700
"""Files of fewer characters may grow: there must be room for one of their kind."""


def shape(value, *, data=False):
    """The build of JSON: keys and texts by their length, and what is structure as it is; in data nothing is."""
    match value:
        case str():
            return len(value)
        case list():
            return [shape(item, data=data) for item in value]
        case dict():
            return [member(key, item, data=data) for key, item in value.items()]
        case _:
            return type(value)


def member(key, item, *, data):
    if key in STRUCTURE and isinstance(item, str) and not data:
        return key, item
    if key in {"data", "bytes"} and len(item) < SMALLEST:
        return key, SMALLEST
    return len(key), shape(item, data=data or key == "input")


def test_the_build_stays() -> None:
    body = client_request(telling("something"), SECRETS[0])
    said = json.loads(kiro_body(body))
    filler = Filler(mask, names=names_in(body))
    assert shape(fill_body(body, filler)) == shape(body)
    assert shape(fill_body(said, filler)) == shape(said)
    filled = fill_body(body, filler)
    assert filled["tools"][0]["input_schema"]["required"] == ["path"]
    assert next(iter(filled["messages"][1]["content"][2]["input"])) == "path"
    assert len(set(filled["tools"][0]["input_schema"]["properties"]["path"]["enum"])) == 2
    assert json.loads(filled["metadata"]["user_id"]).keys()
    assert filled["messages"][0]["content"][0]["text"].startswith("<system-reminder>")


@needs_shared
@pytest.mark.parametrize("name", messages_corpus())
def test_a_recorded_request_is_built_the_same_and_as_good_for_kiro(name) -> None:
    body = messages_corpus()[name]["body"]
    if not isinstance(body, dict):
        pytest.skip("the body is no JSON")
    filled = fill_body(body, Filler(mask, names=names_in(body)))
    assert shape(filled) == shape(body)
    if "thread" not in body:
        assert not isinstance(examine(kiro_body(filled), MODELS), Violation)


@given(st.text())
def test_filler_is_as_long_as_what_it_stands_for(text) -> None:
    filled = without_words(text)
    assert len(filled) == len(text)
    assert len(filled.encode("utf-8", "surrogatepass")) == len(text.encode("utf-8", "surrogatepass"))
    assert [letter.isspace() for letter in filled] == [letter.isspace() for letter in text]
    assert filled == without_words(filled)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@example(value={"a": None, "\x7f": None}, escaped=True, data=None)
@example(value={"\n": None, "\t": None, '"': None, "xx": None}, escaped=True, data=None)
@example(value={"é": None, "ê": None, "中": None, "文": None}, escaped=False, data=None)
@given(value=VALUES, escaped=st.booleans(), data=st.data())
def test_json_text_stays_json_and_what_is_cut_stays_cut(value, escaped, data) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    filled = Filler(mask).json_text(text)
    assert len(filled) == len(text)
    again = json.loads(filled)
    assert type(again) is type(value)
    if isinstance(value, dict):
        assert len(again) == len(value)
    cut = text[: data.draw(st.integers(0, len(text))) if data else -1]
    assert len(Filler(mask).json_text(cut)) == len(cut)
    assert parses(Filler(mask).json_text(cut)) == parses(cut)


def parses(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@given(st.lists(st.text("abc", min_size=3, max_size=3), unique=True))
def test_labels_stay_equal_and_unlike(labels) -> None:
    filler = Filler(mask, names={"abc"})
    filled = [filler.label(label) for label in labels]
    assert len(set(filled)) == len(set(labels))
    assert [filler.label(label) for label in labels] == filled
    assert all(len(label) == 3 for label in filled)
    assert "abc" not in labels or filler.label("abc") == "abc"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Improperly formed request.", "Improperly formed request."),
        ("Value 'my secret plan' at 'a.b[0].c' is wrong", "Value 'xx xxxxxx xxxx' at 'a.b[0].c' is wrong"),
        ("tool 'Look' is unknown, `hide`", "tool 'Look' is unknown, `xxxx`"),
        ("near: we attack at dawn!", "near: xx xxxxxx xx xxxx!"),
        ("ask somebody@company.example", "ask xxxxxxxx@xxxxxxx.xxxxxxx"),
    ],
)
def test_kiros_own_words_stay_in_an_error(said, kept) -> None:
    filler = Filler(mask, names={"Look"})
    filler.prose("we attack at dawn, with an improperly formed request")
    assert fill_message(said, filler) == kept
    assert fill_error(said.encode(), filler) == kept.encode()


def test_a_capture_that_is_too_large_leaves_out_what_can_be_spared() -> None:
    words = telling("something")
    capture = redacted(recorded(client_request(words), kiro_stream(words)), TOLD, "filler", mask)
    whole = len(encode_capture(capture, 10**7))
    seen = []
    for limit in range(whole, 1300, -50):
        left = decode_capture(json.loads(encode_capture(capture, limit)))
        seen.append(left.omitted)
        assert ("said" in left.omitted) == (left.said == ())
        assert ("body" in left.omitted) == (left.asked.body is None)
    assert set(seen) == {(), ("said",), ("said", "replies"), ("said", "replies", "body")}
    with pytest.raises(ValueError, match="larger than 100"):
        encode_capture(capture, 100)


def test_a_body_above_the_limit_is_not_even_kept_in_memory() -> None:
    recording = Recording("/v1/messages", {}, b"{}" * 100, 50)
    recording.begin()
    recording.said("ide", b"{}")
    recording.answered(200, {}, framed=True)
    for _ in range(10):
        recording.heard(b"x" * 20)
    assert recording.asked is None
    (call,) = recording.tries[0]
    assert (len(call.body), call.size) == (50, 200)
    assert redacted(recording, TOLD, "filler", mask).omitted == ("body",)

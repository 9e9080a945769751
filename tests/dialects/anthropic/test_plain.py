"""Plain bodies: read at once, they say what they say when they are read with care."""

import json
from typing import Any

import pytest
from hypothesis import given

from fuzz.strategies import requests
from kiro_trio.dialects.anthropic import request
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.fields import Fields
from kiro_trio.dialects.anthropic.plain import READ_WITH_CARE, read_plain_body
from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.dialects.anthropic.signature import UNSIGNED
from tests.dialects.anthropic.requests import (
    CALL,
    DOCUMENT,
    IMAGE,
    SAMPLES,
    THINKING,
    assistant,
    body,
    result,
    text,
    user,
)
from tests.shared import messages_corpus

REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}
SEARCHED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "tool_reference", "tool_name": "Read"}
PLAIN_TEXT = {"type": "text", "media_type": "text/plain", "data": "a"}
NO_TEXT = {"type": "base64", "media_type": "text/plain", "data": "gIA="}
LATE = {"role": "system", "content": "", "output_config": {"effort": "low"}}

PLAIN: dict[str, list[Any]] = {
    "a string": [user("hi")],
    "nothing": [user("")],
    "texts": [user(text("a"), text(""), text("b", cache_control={"type": "ephemeral"}))],
    "text without citations": [user(text("a", citations=None), text("b", citations=[]))],
    "no blocks": [assistant(), user("hi")],
    "thinking": [assistant(THINKING, REDACTED, text("a")), user("hi")],
    "thinking without words": [assistant({"type": "thinking"}, text("a")), user("hi")],
    "thinking without a signature": [assistant({**THINKING, "signature": None}), user("hi")],
    "thinking that we signed": [assistant({**THINKING, "signature": UNSIGNED}), user("hi")],
    "a call and its result": [assistant(CALL), user(result("done"))],
    "a call without input": [assistant({**CALL, "input": None}), user(result("done"))],
    "a result of nothing": [assistant(CALL), user(result(None))],
    "an empty result": [assistant(CALL), user(result(""))],
    "a result in parts": [assistant(CALL), user(result([text("a"), IMAGE, text("")], is_error=True))],
    "a result that is no error": [assistant(CALL), user(result("a", is_error=None))],
    "an image": [user(IMAGE, text("what is it?"))],
    "a document": [user(DOCUMENT, text("what is it?"))],
    "a document that is text": [user({**DOCUMENT, "source": PLAIN_TEXT, "title": "t", "context": "c"})],
    "a tool that was found": [assistant(CALL), user(result([FOUND]), FOUND)],
    "a system message at the end": [user("hi"), LATE],
    "a tag at the end": [user({"text": "a", "type": "text"})],
}

NOT_PLAIN: dict[str, list[Any]] = {
    "no messages": [],
    "a new field of a message": [{**user("a"), "id": "msg_1"}],
    "a new field of a block": [user(text("a", mood="good"))],
    "another role": [{"role": "developer", "content": "a"}],
    "no role": [{"content": "a"}],
    "no content": [{"role": "user"}],
    "no type": [user({"text": "a"})],
    "a new type": [user({"type": "hologram", "text": "a"})],
    "a citation": [assistant(text("a", citations=[{"type": "char_location"}])), user("hi")],
    "a document with citations": [user({**DOCUMENT, "citations": {"enabled": True}})],
    "a document that is elsewhere": [user({**DOCUMENT, "source": {"type": "file", "file_id": "f"}})],
    "a document of which something is left out": [user({**DOCUMENT, "source": NO_TEXT})],
    "a search": [assistant(SEARCHED), user("hi")],
    "a result of something else": [assistant(CALL), user(result({"a": 1}))],
    "a result that is a list of strings": [assistant(CALL), user(result(["a"]))],
    "an input that is no object": [assistant({**CALL, "input": "ls"}), user("hi")],
    "a text that is a number": [user({"type": "text", "text": 1})],
    "an image that is elsewhere": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})],
    "an image of nothing": [user({"type": "image", "source": {**IMAGE["source"], "data": ""}})],
}


def outcome(data: bytes, *, careful: bool) -> str:
    """All that parsing says, warnings and reasons too."""
    try:
        return repr(parse_messages(data, careful=careful))
    except InvalidRequest as refusal:
        return repr((refusal.path, str(refusal)))


def check(data: bytes) -> None:
    assert outcome(data, careful=False) == outcome(data, careful=True)


@pytest.mark.parametrize("messages", PLAIN.values(), ids=PLAIN)
def test_a_plain_body_says_the_same(messages: list[Any]) -> None:
    data = body(messages=messages)
    assert read_plain_body(data) is not None
    assert "turns=" in outcome(data, careful=False)
    check(data)


@pytest.mark.parametrize("messages", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_read_with_care(messages: list[Any]) -> None:
    data = body(messages=messages)
    assert read_plain_body(data) is None
    check(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'{"messages":[{"role":"user","content":"\xff"}]}']
)
def test_what_is_no_body_is_not_plain(data: bytes) -> None:
    assert read_plain_body(data) is None
    check(data)


def test_a_new_field_is_not_plain() -> None:
    data = body(mood="good")
    assert read_plain_body(data) is None
    check(data)


def test_two_tags_are_not_plain() -> None:
    block = b'{"type":"text","text":"a","id":"t","name":"n","type":"tool_use"}'
    data = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[' + block + b"]}]}"
    assert read_plain_body(data) is None
    check(data)


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
def test_samples_say_the_same(data: bytes) -> None:
    check(data)


def test_nearly_all_that_clients_were_seen_to_send_is_plain() -> None:
    bodies = [json.dumps(record["body"]).encode() for record in messages_corpus().values()]
    for data in bodies:
        check(data)
    plain = [data for data in bodies or SAMPLES.values() if read_plain_body(data) is not None]
    assert len(plain) > 0.9 * len(bodies or SAMPLES)


@given(requests.meant | requests.garbled)
def test_any_body_says_the_same(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("flaw", [b'"\xff"', b"1e999", b'{"\xff":1}', b"9" * 5000])
@pytest.mark.parametrize("name", [b"new", b"temperature", b"tools", b"t\xffols"])
def test_a_flaw_is_found_wherever_it_is(flaw: bytes, name: bytes) -> None:
    data = body()[:-1] + b',"' + name + b'":' + flaw + b"}"
    assert "is not valid JSON" in outcome(data, careful=False)
    check(data)
    block = b'{"type":"text","text":"a","' + name + b'":' + flaw + b"}"
    data = body().replace(b'"hi"', b"[" + block + b"]")
    assert "is not valid JSON" in outcome(data, careful=False)
    check(data)


def test_a_complaint_about_a_message_of_a_plain_body_says_where() -> None:
    data = body(messages=[user("hi"), {**LATE, "output_config": {"effort": 3}}])
    assert read_plain_body(data) is not None
    with pytest.raises(InvalidRequest) as caught:
        parse_messages(data)
    assert caught.value.path == "messages.1.output_config.effort"
    check(data)


class Asked(dict[str, Any]):
    """A body that notes which of its fields are looked at."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)


def test_every_field_that_is_looked_at_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a plain body would come without it."""
    asked = Asked(json.loads(body()))
    monkeypatch.setattr(request, "read_body", lambda _data: Fields(asked))
    parse_messages(body(), careful=True)
    assert asked.names == {"messages", *READ_WITH_CARE}

import json
from typing import Any

import pytest

from kiro_trio.conversation.prompt import Text, Thinking, ThinkingMode, Turn
from kiro_trio.conversation.reply import Finished, StopReason, TextDelta, ThinkingDelta, ThinkingSigned, Usage
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.request import parse_count_tokens, parse_messages
from tests.dialects.anthropic.requests import DEVICE, SAMPLES, SESSION, assistant, body, text, tool, user
from tests.shared import corpus, messages_corpus, needs_shared

RECORDED = {name: json.dumps(record["body"]).encode() for name, record in messages_corpus().items()}
THREADED = {name for name, data in RECORDED.items() if b'"thread"' in data}


def prompt(**fields: Any):
    return parse_messages(body(**fields)).prompt


def refused(data: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse_messages(data)
    assert caught.value.status == 400
    return str(caught.value)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_parses_without_a_warning(name):
    parsed = parse_messages(SAMPLES[name]).prompt
    assert parsed.warnings == ()
    assert len(parsed.turns) == len(json.loads(SAMPLES[name])["messages"])


@needs_shared
def test_every_recorded_request_parses_without_a_loss():
    assert len(RECORDED) > 140
    for name in RECORDED.keys() - THREADED:
        parsed = parse_messages(RECORDED[name]).prompt
        assert set(parsed.warnings) <= {"citations of a document not available"}, name
        assert len(parsed.turns) == len(json.loads(RECORDED[name])["messages"])


@needs_shared
def test_every_recorded_count_parses():
    counts = [record["body"] for record in corpus().values() if "count_tokens" in record["target"]]
    assert len(counts) > 10
    for recorded in counts:
        assert parse_count_tokens(json.dumps(recorded).encode()).model == recorded["model"]


@needs_shared
def test_no_recorded_word_is_lost():
    for name in RECORDED.keys() - THREADED:
        recorded, parsed = json.loads(RECORDED[name]), parse_messages(RECORDED[name]).prompt
        for message, turn in zip(recorded["messages"], parsed.turns, strict=True):
            said = [block.text for block in turn.blocks if isinstance(block, Text)]
            assert [words for words in _words(message["content"]) if words] == said, name
        named = {tool["name"] for tool in recorded.get("tools", ()) if "input_schema" in tool}
        assert {tool.name for tool in parsed.tools} == named - {"DeferredToolPlaceholder"}


def _words(content: Any) -> list[str]:
    return (
        [content]
        if isinstance(content, str)
        else [block["text"] for block in content if block["type"] == "text"]
    )


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"model": ...}, "model: Field required"),
        ({"model": 7}, "model: expected string, got integer"),
        ({"model": " "}, "model: must not be empty"),
        ({"model": "m" * 257}, "model: must not be longer than 256 characters"),
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"max_tokens": "64"}, "max_tokens: expected integer, got string"),
        ({"max_tokens": None}, "max_tokens: expected integer, got null"),
        ({"max_tokens": True}, "max_tokens: expected integer, got boolean"),
        ({"max_tokens": 1.5}, "max_tokens: expected integer, got number"),
        ({"max_tokens": -1}, "max_tokens: must not be negative"),
        ({"messages": ...}, "messages: Field required"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": {}}, "messages: expected array, got object"),
        ({"messages": [user("a"), "b"]}, "messages.1: expected object, got string"),
        ({"messages": [{"content": "a"}]}, "messages.0.role: Field required"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            "messages.0.content: expected string or array, got integer",
        ),
        ({"messages": [user(text("a"), 3)]}, "messages.0.content.1: expected object, got integer"),
        ({"messages": [user({"type": 3})]}, "messages.0.content.0.type: expected string, got integer"),
        (
            {"messages": [{**user("a"), "output_config": {"effort": 1}}]},
            "messages.0.output_config.effort: expected string, got integer",
        ),
        ({"stream": "yes"}, "stream: expected boolean, got string"),
        ({"system": 3}, "system: expected string or array, got integer"),
        ({"system": [text("a"), {"type": "text"}]}, "system.1.text: Field required"),
        ({"stop_sequences": ["a", 1]}, "stop_sequences.1: expected string, got integer"),
        ({"metadata": []}, "metadata: expected object, got array"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id: expected string, got integer"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(fields, complaint):
    assert refused(body(**fields)) == complaint


@pytest.mark.parametrize(
    "fields",
    [
        {
            "tools": None,
            "system": None,
            "stream": None,
            "metadata": None,
            "thinking": None,
            "stop_sequences": None,
        },
        {
            "temperature": "hot",
            "top_p": [],
            "betas": 3,
            "service_tier": {},
            "safeguards": 1,
            "context_management": "x",
        },
        {"anything_new": {"a": [1]}, "messages": [{**user(text("a", new=1)), "new": 2}]},
        {"max_tokens": 64.0},
        {"thread": None},
    ],
    ids=["null is absent", "fields that only tune", "unknown fields", "a whole float", "no thread"],
)
def test_parses_leniently(fields):
    assert prompt(**fields).warnings == ()


def test_zero_tokens_is_a_request():
    assert prompt(max_tokens=0).max_tokens == 0


def test_a_count_needs_no_max_tokens():
    assert parse_count_tokens(body(max_tokens=...)).max_tokens is None


def test_malformed_json_is_refused_with_line_and_column():
    assert refused(b'{\n  "model": x}') == "the body is not valid JSON: Expecting value at line 2, column 12"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "the body is not valid JSON: Expecting value at line 1, column 1"),
        (b"[]", "expected object, got array"),
        (b'{"a":"\xff"}', "the body is not valid JSON: byte 6 is not UTF-8"),
        (b'{"a":NaN}', "the body is not valid JSON: NaN is not a number in JSON"),
        (b'{"a":1e999}', "the body is not valid JSON: a number is out of range"),
        (b'{"a":' + b"9" * 5000 + b"}", "the body is not valid JSON: a number is out of range"),
        (b'{"a":' * 100_000, "the body is not valid JSON: it is nested too deeply"),
    ],
    ids=["empty", "array", "not utf-8", "nan", "infinite", "long number", "deep"],
)
def test_what_is_not_json_is_refused(data, complaint):
    assert refused(data) == complaint


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    data = body(messages=[user("cut \ud83d here 🎉")])
    assert rb"\ud83d here \ud83c\udf89" in data
    assert parse_messages(data).prompt.turns[0].blocks == (Text("cut \ufffd here 🎉"),)


def test_a_byte_order_mark_is_no_error():
    assert parse_messages(b"\xef\xbb\xbf" + body()).prompt.model == "claude-sonnet-4-5"


# Messages


def test_system_messages_stay_where_they_stand():
    messages = [
        user("a"),
        {"role": "system", "content": [text("b")]},
        assistant("c"),
        {"role": "system", "content": []},
    ]
    assert prompt(messages=messages).turns == (
        Turn("user", (Text("a"),)),
        Turn("system", (Text("b"),)),
        Turn("assistant", (Text("c"),)),
        Turn("system", ()),
    )


def test_a_prefill_stays_the_last_turn():
    assert prompt(messages=[user("a"), assistant("{")]).turns[-1] == Turn("assistant", (Text("{"),))


def test_unknown_roles_are_counted():
    parsed = prompt(
        messages=[
            {"role": "developer", "content": "a"},
            {"role": "böt", "content": "b"},
            {"role": "böt", "content": "c"},
        ]
    )
    assert [turn.role for turn in parsed.turns] == ["system", "user", "user"]
    assert parsed.warnings == ("role b?t taken as user (2 times)",)


def test_the_last_effort_of_a_message_wins():
    messages = [
        {**user("a"), "output_config": {"effort": "low"}},
        {"role": "system", "content": "b", "output_config": {"effort": "max"}},
        user("c"),
    ]
    assert prompt(messages=messages, output_config={"effort": "high"}).thinking.effort == "max"
    assert prompt(output_config={"effort": "high"}).thinking.effort == "high"


# Threads


def test_a_thread_is_refused_so_that_the_sdks_send_the_whole_conversation():
    with pytest.raises(InvalidRequest) as caught:
        parse_messages(body(thread={"type": "create"}))
    assert json.loads(caught.value.body("req_1")) == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "thread: message threads are kept by Anthropic's servers only; send the whole conversation",
            "details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
        },
        "request_id": "req_1",
    }


@needs_shared
@pytest.mark.parametrize("name", sorted(THREADED))
def test_recorded_threads_are_refused(name):
    assert refused(RECORDED[name]).startswith("thread: ")


# System


@pytest.mark.parametrize(
    ("system", "texts"),
    [
        ("be brief", ("be brief",)),
        ("", ()),
        ([], ()),
        ([text("a"), text(""), text("b")], ("a", "b")),
        ([{"text": "without type"}], ("without type",)),
        ([text("x-anthropic-billing-header: cc_version=2.1.330.3eb; cc_entrypoint=cli;"), text("a")], ("a",)),
        ("x-anthropic-billing-header: cc_version=1;\nYou are an agent.", ("You are an agent.",)),
        (
            [text("about the x-anthropic-billing-header: none")],
            ("about the x-anthropic-billing-header: none",),
        ),
    ],
)
def test_system_prompts(system, texts):
    assert prompt(system=system).system == texts


def test_an_unknown_system_block_is_counted_and_its_text_kept():
    parsed = prompt(system=[{"type": "memo", "content": "a"}, {"type": "memo"}])
    assert parsed.system == ("a",)
    assert parsed.warnings == ("system block memo read as text", "system block memo dropped")


# Sessions


@pytest.mark.parametrize(
    ("user_id", "session"),
    [
        (f"user_x_account__session_{SESSION}", SESSION),
        (f"user_{DEVICE}_account_1234_session_{SESSION.upper()}", SESSION),
        (json.dumps({"device_id": "d", "account_uuid": "", "session_id": SESSION}), SESSION),
        (json.dumps({"session_id": SESSION.upper()}), SESSION),
        (json.dumps({"session_id": "zz" + SESSION[2:]}), "hint"),
        (json.dumps({"session_id": 3}), "hint"),
        (json.dumps({"device_id": "d"}), "hint"),
        ("{" * 5000, "hint"),
        ("{broken", "hint"),
        ("session_short", "hint"),
        ("session_zzzzzzzz-f5be-49e1-87ce-62bbc28ad705", "hint"),
        (f"session_{SESSION}_and_more", "hint"),
        ("u1", "hint"),
        (None, "hint"),
    ],
)
def test_the_session_is_the_one_of_the_user_id_or_the_hint(user_id, session):
    data = body(metadata={"user_id": user_id})
    assert parse_messages(data, session_hint="hint", salt="pepper").prompt.session == session
    assert parse_messages(data, session_hint="hint", salt="pepper").prompt.salt == "pepper"


# What cannot be carried


def test_what_cannot_be_carried_is_counted():
    assert prompt(mcp_servers=[{"url": "x"}], container="c").warnings == (
        "container ignored",
        "mcp_servers ignored",
    )
    assert prompt(mcp_servers=[], container=None).warnings == ()


def test_stop_sequences_and_limits_are_carried():
    parsed = prompt(stop_sequences=["END", ""], max_tokens=5)
    assert (parsed.stop_sequences, parsed.max_tokens) == (("END",), 5)


def test_stream_is_off_unless_asked_for():
    assert not parse_messages(body()).stream
    assert parse_messages(body(stream=True)).stream


# What we answered comes back


def test_thinking_that_we_signed_comes_back_unsigned_and_native_signatures_as_they_were():
    message = MessageFold("msg_1", "m", 1)
    message.translate(
        [
            ThinkingDelta("ours"),
            TextDelta("x"),
            ThinkingDelta("theirs"),
            ThinkingSigned("c2ln"),
            TextDelta("y"),
        ]
    )
    message.translate([Usage(), Finished(StopReason.END_TURN)])
    answer = json.loads(message.result())

    turn = prompt(
        messages=[user("a"), {"role": answer["role"], "content": answer["content"]}, user("b")]
    ).turns[1]

    assert turn.blocks == (Thinking("ours"), Text("x"), Thinking("theirs", "c2ln"), Text("y"))


def test_tools_and_thinking_are_read():
    parsed = parse_messages(SAMPLES["claude code"]).prompt
    assert [each.name for each in parsed.tools] == ["Bash", "mcp__a"]
    assert (parsed.thinking.mode, parsed.thinking.effort) == (ThinkingMode.ADAPTIVE, "medium")
    assert parsed.system == ("You are an agent.", "\nWork with the user.")
    assert parsed.tools[0].input_schema == tool("Bash")["input_schema"]

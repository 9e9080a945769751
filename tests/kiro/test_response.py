import json

import pytest

from kiro_trio.conversation.faults import Fault
from kiro_trio.conversation.reply import (
    Finished,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingRedacted,
    ThinkingSigned,
    ToolCall,
    Usage,
)
from kiro_trio.kiro.endings import Evidence
from kiro_trio.kiro.tool_calls import LONG_INPUT
from kiro_trio.wire import EventStreamDecoder, encode_message
from tests.kiro.replies import (
    call,
    check_grammar,
    coalesced,
    context,
    error,
    event,
    exception,
    raw,
    read,
    reader,
    reasoning,
    said,
    stop,
    text,
    tool,
)

END = Finished(StopReason.END_TURN)
HELLO = text("Hello")


def ending(messages, **options):
    events, reading = read(messages, **options)
    assert reading.failure is None
    return events[-1]


def failure(messages, **options):
    events, reading = read(messages, **options)
    assert reading.failure is not None
    check_grammar(events, failed=True)
    return reading.failure


# Text


def test_text_of_one_read_comes_as_one_delta() -> None:
    reading = reader()
    assert reading.read([text("Hel"), text("lo"), text(" you")]) == [TextDelta("Hello you")]
    assert reading.read([text("!")]) == [TextDelta("!")]


def test_equal_deltas_are_not_dropped() -> None:
    assert said(read([text("a\n"), text("\n"), text("\n"), text("\n")])[0]) == [TextDelta("a\n\n\n\n")]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"content":"Hi"}',
        b'{"assistantResponseEvent":{"content":"Hi"}}',
        b'{"content":"Hi","modelId":"m","conversationId":"c","messageStatus":"IN_PROGRESS"}',
        b'{"brandNew":{"deep":[1]},"content":"Hi"}',
        '{"content":"Hi","ключ":null}'.encode(),
    ],
)
def test_a_payload_may_have_any_known_shape_and_unknown_fields(payload) -> None:
    assert said(read([raw("assistantResponseEvent", payload)])[0]) == [TextDelta("Hi")]


def test_code_is_text() -> None:
    assert said(read([event("codeEvent", content="x = 1")])[0]) == [TextDelta("x = 1")]


def test_what_is_unknown_is_counted_by_name() -> None:
    messages = [
        HELLO,
        event("brandNewEvent", a=1),
        event("brandNewEvent"),
        event("assistantResponseEvent", content="x", mood=1),
    ]
    _, reading = read([*messages, stop("TIRED"), event("citationEvent", citationText="ignored")])
    assert reading.unknown == {"brandNewEvent": 2, "assistantResponseEvent.mood": 1, "stopReason TIRED": 1}


def test_texts_are_no_names() -> None:
    text = "the client's words"
    messages = [
        HELLO,
        event(text),
        event("x" * 61),
        event("assistantResponseEvent", **{"content": "x", text: 1}),
    ]
    _, reading = read([*messages, stop(f"because of {text}")])
    assert reading.unknown == {"?": 2, "assistantResponseEvent.?": 1, "stopReason ?": 1}


def test_unknown_names_are_bounded() -> None:
    _, reading = read([HELLO, *(event(f"event{number}".ljust(60, "x")) for number in range(500))])
    assert len(reading.unknown) == 64
    assert all(len(name) <= 80 and name.isprintable() for name in reading.unknown)


def test_the_model_that_answers_is_told() -> None:
    _, reading = read(
        [event("assistantResponseEvent", content="Hi", modelId="claude-haiku-4.5")], model_id="auto"
    )
    assert reading.answered_by == "claude-haiku-4.5"
    assert read([HELLO], model_id="auto")[1].answered_by == "auto"


@pytest.mark.parametrize(
    "kind",
    ["assistantResponseEvent", "toolUseEvent", "reasoningContentEvent", "contextUsageEvent", "metadataEvent"],
)
@pytest.mark.parametrize(
    "payload", [b"", b"{", b'{"content":"\xff"}', b"[1]", b"null", b"Hello", b'{"a":1}{"b":2}']
)
def test_a_payload_that_is_no_json_object_is_damage(kind, payload) -> None:
    assert failure([HELLO, raw(kind, payload), text(" there")]).fault is Fault.CORRUPT_STREAM


@pytest.mark.parametrize(
    "message",
    [
        event("assistantResponseEvent", content=5),
        tool(input=[1]),
        tool(input=5),
        tool(stop="yes"),
        reasoning(signature=1),
    ],
)
def test_words_of_the_wrong_type_are_damage(message) -> None:
    assert failure([HELLO, message]).fault is Fault.CORRUPT_STREAM


def test_words_before_a_damage_are_still_given() -> None:
    reading = reader()
    assert reading.read([HELLO, raw("assistantResponseEvent", b"{"), text("x")]) == [TextDelta("Hello")]
    assert reading.failure is not None
    assert "{" not in reading.failure.detail


# Native reasoning


def test_reasoning_has_its_own_events_and_byte_exact_signatures() -> None:
    signature = "EqoBCkgIARABGAIiQL+/=é"
    messages = [
        reasoning(text="let "),
        reasoning(text="me"),
        reasoning(signature=signature),
        reasoning(redactedContent="AAE="),
        HELLO,
    ]
    assert said(read(messages)[0]) == [
        ThinkingDelta("let me"),
        ThinkingSigned(signature),
        ThinkingRedacted("AAE="),
        TextDelta("Hello"),
    ]


def test_reasoning_may_come_as_the_history_has_it() -> None:
    messages = [reasoning(reasoningText={"text": "hm", "signature": "s"}), HELLO]
    assert said(read(messages)[0]) == [ThinkingDelta("hm"), ThinkingSigned("s"), TextDelta("Hello")]


def test_reasoning_between_words_keeps_its_place() -> None:
    messages = [text("a <"), reasoning(text="hm"), text("b")]
    assert said(read(messages, stop_sequences=("<stop>",))[0]) == [
        TextDelta("a <"),
        ThinkingDelta("hm"),
        TextDelta("b"),
    ]


# Thinking between tags


def test_tags_are_thinking_when_asked_for() -> None:
    messages = [text("<thi"), text("nking>\nhm"), text("</thinking>\n\nHello")]
    assert said(read(messages, thinking_tags=True)[0]) == [ThinkingDelta("hm"), TextDelta("Hello")]


def test_tags_are_text_when_nobody_asked() -> None:
    assert said(read([text("<thinking>hm</thinking>Hello")])[0]) == [
        TextDelta("<thinking>hm</thinking>Hello")
    ]


def test_a_tool_call_ends_thinking_and_lets_it_begin_again() -> None:
    messages = [text("<thinking>a"), *call("t1", "Read", "{}"), text("<thinking>b</thinking>done")]
    assert said(read(messages, thinking_tags=True)[0]) == [
        ThinkingDelta("a"),
        ToolCall("t1", "Read", "{}"),
        ThinkingDelta("b"),
        TextDelta("done"),
    ]


# Tool calls


def test_a_call_is_given_when_it_is_whole() -> None:
    reading = reader()
    first = [
        tool("t1", "Read_short"),
        tool("t1", "Read_short", input='{"pa'),
        tool("t1", "Read_short", input='th":"é"}'),
    ]
    assert reading.read(first) == []
    assert reading.read([tool("t1", "Read_short", stop=True)]) == [ToolCall("t1", "Read", '{"path":"é"}')]
    assert reading.close()[-1] == Finished(StopReason.TOOL_USE)


@pytest.mark.parametrize(
    ("pieces", "input_json"),
    [
        ([], "{}"),
        ([""], "{}"),
        (["{}"], "{}"),
        ([{}], "{}"),
        ([{"a": [1, "é"]}], '{"a":[1,"é"]}'),
        ([{}, '{"a":', "1}"], '{"a":1}'),
        (["{}", '{"a":', "1}"], '{"a":1}'),
        ([' {"a"', ": 1.0} \n"], ' {"a": 1.0} \n'),
        (['{"a":"\\ud83d"}'], '{"a":"\\ufffd"}'),
        (['{"a":"\\ud83d', '\\ude00 \\\\ud83d"}'], '{"a":"\\ud83d\\ude00 \\\\ud83d"}'),
        (['{"a":"\ud83d', '\ude00"}'], '{"a":"\U0001f600"}'),
        ([{"a": "\ud83d"}], '{"a":"\ufffd"}'),
        ([{"a": 10**30}], f'{{"a":{10**30}}}'),
        (['{"a":1e999}'], '{"a":1e999}'),
        (['{"a":', {"a": 1}], '{"a":1}'),
    ],
)
def test_input_may_come_in_pieces_or_whole(pieces, input_json) -> None:
    messages = [tool(), *(tool(input=piece) for piece in pieces), tool(stop=True)]
    assert said(read(messages)[0]) == [ToolCall("t1", "Read", input_json)]


def test_an_object_that_has_no_json_is_damage() -> None:
    """It would go on as null, which is not what the model said."""
    _, reading = read([tool(input={"a": float("nan")}), tool(stop=True)])
    assert reading.failure is not None
    assert reading.failure.fault is Fault.CORRUPT_STREAM


def test_id_and_name_may_come_late_or_once() -> None:
    messages = [
        tool(None, None, input='{"a"'),
        tool("t9", None, input=":1"),
        tool(None, "Read", input="}"),
        tool(None, None, stop=True),
    ]
    assert said(read(messages)[0]) == [ToolCall("t9", "Read", '{"a":1}')]


def test_interleaved_calls_keep_the_order_of_their_beginnings() -> None:
    messages = [
        tool("t1", "Read", input='{"a":'),
        tool("t2", "Grep", input='{"b":2}', stop=True),
        text("between"),
        tool("t1", "Read", input="1}", stop=True),
        text("after"),
    ]
    assert said(read(messages)[0]) == [
        ToolCall("t1", "Read", '{"a":1}'),
        ToolCall("t2", "Grep", '{"b":2}'),
        TextDelta("betweenafter"),
    ]


def test_a_whole_call_without_a_stop_is_given_when_something_else_is_said() -> None:
    reading = reader()
    assert reading.read([tool(input='{"a":1}')]) == []
    assert reading.read([text("so")]) == [ToolCall("t1", "Read", '{"a":1}'), TextDelta("so")]
    assert reading.read([tool(stop=True)]) == []
    assert said(reading.close()) == []


def test_a_whole_call_without_a_stop_is_given_at_the_end() -> None:
    assert said(read([tool(input='{"a":1}')])[0]) == [ToolCall("t1", "Read", '{"a":1}')]


INCOMPLETE = [
    [tool()],
    [tool(input="{}")],
    [tool(input={})],
    [tool(input='{"path":"a')],
    [tool(input='{"path":"a', stop=True)],
    [tool(input='["a"]', stop=True)],
    [tool(input='{"a":NaN}', stop=True)],
    [tool(input='{"a":1}}', stop=True)],
    [tool(input="{}{", stop=True)],
    [tool("t1", None, input='{"a":1}', stop=True)],
    [tool(None, "Read", input='{"a":1}', stop=True)],
    [tool(input='{"a":' + "[" * 5000, stop=True)],
]


@pytest.mark.parametrize("pieces", INCOMPLETE)
def test_an_incomplete_call_is_never_given_and_fails_the_reply(pieces) -> None:
    messages = [HELLO, *pieces, text("behind"), *call("t7", "Grep", "{}")]
    events, reading = read(messages)
    assert events == [TextDelta("Hello")]
    assert reading.failure is not None
    assert reading.failure.fault is Fault.TOOL_CALL_INCOMPLETE
    assert "path" not in reading.failure.detail


@pytest.mark.parametrize("pieces", INCOMPLETE)
@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (stop("MAX_TOKENS"), StopReason.MAX_TOKENS),
        (exception("ContentLengthExceededException", message="too long"), StopReason.MAX_TOKENS),
        (exception("contentLengthExceededException"), StopReason.MAX_TOKENS),
        (context(100), StopReason.CONTEXT_WINDOW),
        (stop("CONTENT_FILTERED"), StopReason.REFUSAL),
    ],
)
def test_an_incomplete_call_is_left_out_when_kiro_says_that_it_cut(pieces, evidence, reason) -> None:
    events, reading = read([HELLO, *pieces, evidence])
    assert reading.failure is None
    assert said(events) == [TextDelta("Hello")]
    assert events[-1] == Finished(reason)


LONG = '{"content":"' + "x" * LONG_INPUT


@pytest.mark.parametrize(
    "pieces",
    [
        [tool(input=LONG)],
        [tool(), *(tool(input=piece) for piece in (LONG[:9], LONG[9:99], LONG[99:]))],
        [tool(input=LONG), tool(stop=True)],
        [tool(input=LONG), stop("END_TURN"), context(3)],
        [*call("t0", "Read", "{}"), tool(input=LONG)],
        [tool(input=LONG + "\ud83d")],
        [tool(input=LONG + "\\ud83d and")],
    ],
    ids=[
        "one piece",
        "pieces",
        "stopped",
        "with an ending",
        "behind a whole one",
        "inside a pair",
        "half an escape",
    ],
)
def test_a_long_call_that_kiro_cuts_off_is_told_as_a_limit_reached(pieces) -> None:
    events, reading = read([HELLO, *pieces])
    assert reading.failure is None
    assert events[-1] == Finished(StopReason.MAX_TOKENS)
    assert "t1" not in [item.id for item in events if isinstance(item, ToolCall)]


@pytest.mark.parametrize(
    "pieces",
    [
        [tool(input=LONG[: LONG_INPUT - 1])],
        [tool(input=LONG + "\n"), tool(stop=True)],
        [tool(input=LONG), text("behind")],
        [tool(input=LONG), reasoning(text="behind")],
        [tool(input=LONG), *call("t7", "Grep", "{}")],
        [tool(input='{"a":'), tool("t2", "Write", input=LONG)],
    ],
    ids=["short", "no JSON", "words behind", "thoughts behind", "a call behind", "another one lost"],
)
def test_what_was_lost_otherwise_is_a_failure(pieces) -> None:
    assert failure([HELLO, *pieces]).fault is Fault.TOOL_CALL_INCOMPLETE


def test_an_incomplete_call_that_was_cut_is_an_ending_even_alone() -> None:
    assert ending([tool(input='{"a'), stop("MAX_TOKENS")]) == Finished(StopReason.MAX_TOKENS)


def test_whole_calls_before_an_incomplete_one_stay_given() -> None:
    events, reading = read([*call("t1", "Read", "{}"), tool("t2", input='{"a')])
    assert events == [ToolCall("t1", "Read", "{}")]
    assert reading.failure is not None


def test_more_input_for_a_whole_call_is_malformed() -> None:
    assert failure([*call("t1", "Read", "{}"), tool("t1", input='{"a":1}')]).fault is Fault.MALFORMED_OUTPUT


def test_an_echo_of_a_stop_is_harmless() -> None:
    assert ending(
        [*call("t1", "Read", "{}"), tool("t1", stop=True), tool(None, None, stop=True), tool("t1", input=" ")]
    ) == Finished(StopReason.TOOL_USE)


def test_inputs_without_end_are_bounded() -> None:
    piece = tool(input="x" * 2**20)
    assert failure([piece] * 40).fault is Fault.MALFORMED_OUTPUT


@pytest.mark.parametrize("kind", ["words", "thoughts", "redacted"])
def test_a_reply_without_end_is_bounded(kind, monkeypatch) -> None:
    monkeypatch.setattr("kiro_trio.kiro.response.MOST_SAID", 1000)
    piece = {
        "words": text("x" * 100),
        "thoughts": reasoning(text="x" * 100),
        "redacted": reasoning(redactedContent="x" * 100),
    }[kind]
    assert failure([piece] * 11).fault is Fault.MALFORMED_OUTPUT
    assert ending([HELLO, *[piece] * 9, HELLO]) == END
    reading = reader()
    for _ in range(11):
        reading.read([piece])
    assert reading.failure.fault is Fault.MALFORMED_OUTPUT


# Endings


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ([], StopReason.END_TURN),
        ([stop("END_TURN")], StopReason.END_TURN),
        ([stop("end_turn")], StopReason.END_TURN),
        ([stop("SOMETHING_NEW")], StopReason.END_TURN),
        ([event("messageStopEvent", stopReason="MAX_TOKENS")], StopReason.MAX_TOKENS),
        ([stop("MAX_TOKENS")], StopReason.MAX_TOKENS),
        ([stop("STOP_SEQUENCE")], StopReason.STOP_SEQUENCE),
        ([stop("CONTENT_FILTERED")], StopReason.REFUSAL),
        ([stop("GUARDRAIL_INTERVENED")], StopReason.REFUSAL),
        ([stop("END_TURN", refusal={"category": "x"})], StopReason.REFUSAL),
        ([stop("END_TURN", stopDetails={"refusal": {"category": "x"}})], StopReason.REFUSAL),
        ([stop("END_TURN", refusal=None, stopDetails={})], StopReason.END_TURN),
        ([stop("MODEL_CONTEXT_WINDOW_EXCEEDED")], StopReason.CONTEXT_WINDOW),
        ([context(99.99)], StopReason.END_TURN),
        ([context(100.0)], StopReason.CONTEXT_WINDOW),
        ([context("100.5")], StopReason.CONTEXT_WINDOW),
        ([stop("MAX_TOKENS"), context(101)], StopReason.CONTEXT_WINDOW),
        ([stop("MAX_TOKENS"), stop("CONTENT_FILTERED")], StopReason.MAX_TOKENS),
        ([exception("ContentLengthExceededException")], StopReason.MAX_TOKENS),
    ],
)
def test_the_stop_reason_follows_the_evidence(evidence, reason) -> None:
    assert ending([HELLO, *evidence]) == Finished(reason)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ([], StopReason.TOOL_USE),
        ([stop("END_TURN")], StopReason.TOOL_USE),
        ([stop("TOOL_USE")], StopReason.TOOL_USE),
        ([stop("STOP_SEQUENCE")], StopReason.TOOL_USE),
        ([stop("MALFORMED_TOOL_USE")], StopReason.TOOL_USE),
        ([stop("MAX_TOKENS")], StopReason.MAX_TOKENS),
        ([stop("CONTENT_FILTERED")], StopReason.REFUSAL),
        ([context(100)], StopReason.CONTEXT_WINDOW),
    ],
)
def test_whole_calls_rank_among_the_evidence(evidence, reason) -> None:
    assert ending([*call("t1", "Read", "{}"), *evidence]) == Finished(reason)


@pytest.mark.parametrize("reason", ["TOOL_USE", "MALFORMED_TOOL_USE", "MALFORMED_MODEL_OUTPUT"])
def test_a_stop_for_a_call_that_is_not_there_is_an_error(reason) -> None:
    assert failure([HELLO, stop(reason)]).fault is Fault.MALFORMED_OUTPUT


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [text("")],
        [text(" \n"), text("\n")],
        [reasoning(text="hm")],
        [text("<thinking>hm</thinking>\n\n")],
        [context(3.5), event("meteringEvent", usage=0.1, unit="credit"), stop("END_TURN")],
        [event("brandNewEvent", content="Hello")],
    ],
)
def test_a_reply_without_a_word_and_without_a_call_is_empty(messages) -> None:
    assert failure(messages, thinking_tags=True).fault is Fault.EMPTY_REPLY


def test_thinking_that_was_cut_short_is_told_as_that() -> None:
    """As Anthropic does it; what asks again for the same pays for the same thoughts again."""
    assert ending([reasoning(text="hm"), stop("MAX_TOKENS")]) == Finished(StopReason.MAX_TOKENS)


def test_a_refusal_may_have_no_words() -> None:
    assert ending([stop("CONTENT_FILTERED")]) == Finished(StopReason.REFUSAL)


def test_a_full_window_without_a_word_is_a_prompt_that_does_not_fit() -> None:
    broken = failure([context(101.5)])
    assert (broken.fault, broken.tokens, broken.limit) == (Fault.CONTEXT_OVERFLOW, 203_000, 200_000)
    assert failure([stop("MODEL_CONTEXT_WINDOW_EXCEEDED")]).tokens is None


def test_blank_text_before_a_call_is_left_out() -> None:
    assert said(read([text("\n\n"), *call("t1", "Read", "{}")])[0]) == [ToolCall("t1", "Read", "{}")]


# Exceptions


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (
            exception("ThrottlingException", message="slow down", reason="INSUFFICIENT_MODEL_CAPACITY"),
            Fault.MODEL_CAPACITY,
        ),
        (exception("ThrottlingException", message="slow down"), Fault.THROTTLED),
        (exception("throttlingError"), Fault.THROTTLED),
        (exception("com.amazon.aws#ServiceUnavailableException"), Fault.UNAVAILABLE),
        (exception("", __type="com.amazon#AccessDeniedException"), Fault.ACCESS_DENIED),
        (exception("ValidationException", message="Input is too long."), Fault.CONTEXT_OVERFLOW),
        (exception("SomethingNewException"), Fault.SERVER_ERROR),
        (error("InternalServerException", "oops"), Fault.SERVER_ERROR),
        (error("Throttling", "Rate exceeded"), Fault.THROTTLED),
        (error("", "I am experiencing high traffic, please try again shortly."), Fault.MODEL_CAPACITY),
        (event("error", message="oops", reason="MODEL_TEMPORARILY_UNAVAILABLE"), Fault.MODEL_CAPACITY),
        (event("invalidStateEvent", reason="INVALID_TASK_ASSIST_PLAN", message="x"), Fault.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("before", [[], [HELLO], call("t1", "Read", "{}")])
def test_an_exception_is_the_failure_of_the_reply(message, fault, before) -> None:
    assert failure([*before, message, text("more"), stop("END_TURN")]).fault is fault


def test_an_overlong_output_at_the_very_beginning_is_an_overlong_prompt() -> None:
    assert failure([exception("ContentLengthExceededException", message="x")]).fault is Fault.CONTEXT_OVERFLOW


def test_a_damaged_stream_is_a_failure_in_place() -> None:
    headers = dict(HELLO.headers)
    decoder = EventStreamDecoder()
    decoder.receive_data(encode_message(headers, HELLO.payload) + b"\0" * 64)
    reading = reader()
    assert reading.read(decoder.messages()) == [TextDelta("Hello")]
    assert reading.failure is not None
    assert reading.failure.fault is Fault.CORRUPT_STREAM


# The client's limits


def test_a_stop_sequence_ends_the_answer() -> None:
    events, reading = read(
        [text("one ST"), text("OP two"), *call("t1", "Read", "{}"), stop("TOOL_USE")],
        stop_sequences=("STOP",),
    )
    assert said(events) == [TextDelta("one ")]
    assert events[-1] == Finished(StopReason.STOP_SEQUENCE, "STOP")
    assert reading.cut


def test_a_stop_sequence_may_leave_nothing() -> None:
    events, _ = read([text("STOP and more")], stop_sequences=("STOP",))
    assert [type(item) for item in events] == [Usage, Finished]


def test_what_breaks_behind_the_end_is_no_failure_any_more() -> None:
    reading = reader(stop_sequences=("STOP",))
    reading.read([text("one STOP two"), exception("ThrottlingException")])
    assert reading.cut
    assert reading.failure is not None
    assert reading.close()[-1] == Finished(StopReason.STOP_SEQUENCE, "STOP")
    assert reading.failure is None


def test_a_fence_round_bare_json_goes() -> None:
    pieces = [text("``"), text("`json\n{"), text('"a": 1}\n`'), text("``\n")]
    events, reading = read(pieces, bare_json=True)
    assert coalesced(said(events)) == [TextDelta('{"a": 1}')]
    assert not reading.unknown
    assert coalesced(said(read(pieces)[0])) == [TextDelta('```json\n{"a": 1}\n```\n')]


def test_an_answer_that_is_no_json_is_counted_and_passed_on() -> None:
    events, reading = read([text("Sorry, no.")], bare_json=True)
    assert coalesced(said(events)) == [TextDelta("Sorry, no.")]
    assert list(reading.unknown.values()) == [1]


def test_no_fence_reaches_beyond_a_stop_sequence() -> None:
    events, _ = read([text("``STOP`json\n")], bare_json=True, stop_sequences=("STOP",))
    assert coalesced(said(events)) == [TextDelta("``")]


def test_no_stop_sequence_reaches_across_a_call() -> None:
    events, _ = read([text("ST"), *call("t1", "Read", "{}"), text("OP")], stop_sequences=("STOP",))
    assert said(events) == [TextDelta("ST"), ToolCall("t1", "Read", "{}"), TextDelta("OP")]


def test_a_stop_sequence_does_not_look_into_thinking() -> None:
    messages = [text("<thinking>STOP</thinking>go"), text("ST")]
    events, _ = read(messages, stop_sequences=("STOP",), thinking_tags=True)
    assert coalesced(said(events)) == [ThinkingDelta("STOP"), TextDelta("goST")]


def test_calls_before_a_stop_sequence_are_the_reason_to_stop() -> None:
    assert ending([*call("t1", "Read", "{}"), text("STOP")], stop_sequences=("STOP",)) == Finished(
        StopReason.TOOL_USE
    )


def test_max_tokens_is_a_ceiling_for_what_clearly_exceeds_it() -> None:
    words = [text(f"word{number} ") for number in range(400)]
    events, reading = read([*words, *call("t1", "Read", "{}")], max_tokens=100)
    heard = "".join(item.text for item in events if isinstance(item, TextDelta))
    assert reading.cut
    assert events[-1] == Finished(StopReason.MAX_TOKENS)
    assert 100 < events[-2].output_tokens <= 182
    assert "".join(f"word{number} " for number in range(400)).startswith(heard)
    assert not reader(max_tokens=100).cut


def test_no_tokens_is_no_answer() -> None:
    """Anthropic's way to have a prompt cached ahead of its use."""
    events, reading = read([text("Hello"), text("world"), *call("t1", "Read", "{}")], max_tokens=0)
    assert reading.cut
    assert said(events) == []
    assert events[-1] == Finished(StopReason.MAX_TOKENS)


@pytest.mark.parametrize(
    "messages",
    [
        call("t1", "Read", "{}"),
        [tool(input={"path": "a"})],
        [reasoning(text="hm")],
        [reasoning(signature="s")],
    ],
    ids=["call", "call without end", "thinking", "signature"],
)
def test_no_tokens_is_no_call_and_no_thinking(messages) -> None:
    events, _ = read([*messages, HELLO, text("more")], max_tokens=0)
    assert said(events) == []
    assert events[-1] == Finished(StopReason.MAX_TOKENS)


def test_no_tokens_is_no_thinking_between_tags() -> None:
    events, _ = read([text("<thinking>hm</thinking>Hello")], max_tokens=0, thinking_tags=True)
    assert said(events) == []


def test_no_call_begins_beyond_max_tokens() -> None:
    long = json.dumps({"content": "word " * 1000})
    calls = [message for place in range(5) for message in call(f"t{place}", "Write", long)]
    events, reading = read([*calls, reasoning(text="and on")], max_tokens=10)
    assert said(events) == [ToolCall("t0", "Write", long)]
    assert reading.cut
    assert events[-1] == Finished(StopReason.TOOL_USE)


def test_max_tokens_leaves_alone_what_is_about_as_long() -> None:
    words = "word " * 120  # the estimate says 126
    assert ending([text(words)], max_tokens=90) == END


def test_closing_again_forgets_no_failure() -> None:
    _, reading = read([tool(input='{"a'), text("word " * 99)], max_tokens=1)
    assert reading.close() == []
    assert reading.failure is not None
    assert reading.failure.fault is Fault.TOOL_CALL_INCOMPLETE


def test_max_tokens_may_be_any_number() -> None:
    assert ending([HELLO], max_tokens=10**400) == END


def test_thinking_does_not_count_against_max_tokens() -> None:
    assert ending([reasoning(text="hm " * 2000), HELLO], max_tokens=10) == END
    between_tags = text(f"<thinking>{'hm ' * 2000}</thinking>Hello")
    assert ending([between_tags, text(" you")], max_tokens=10, thinking_tags=True) == END


def test_a_call_that_has_begun_may_end_beyond_max_tokens() -> None:
    long = json.dumps({"content": "word " * 1000})
    events, _ = read([*call("t1", "Write", long[:9], long[9:]), text("and more")], max_tokens=10)
    assert said(events) == [ToolCall("t1", "Write", long)]
    assert events[-1] == Finished(StopReason.TOOL_USE)


# Usage


@pytest.mark.parametrize(
    ("percentage", "window", "total"),
    [
        (12.3456, 200_000, 24_691),
        (12.3456, 1_000_000, 123_456),
        ("12.34560", 200_000, 24_691),
        (0.29, 200_000, 580),
    ],
)
def test_input_is_the_share_of_the_window_less_the_output(percentage, window, total) -> None:
    usage = read([text("word " * 100), context(percentage)], window=window)[0][-2]
    assert usage.output_tokens > 0
    assert usage.input_tokens + usage.output_tokens == total
    assert usage.context_percentage == float(percentage)
    assert not usage.measured
    assert usage.cache_read_tokens is usage.cache_write_tokens is None


def test_input_is_never_negative() -> None:
    assert read([text("word " * 10_000), context(0.001)])[0][-2].input_tokens == 0


@pytest.mark.parametrize(
    "message", [context(None), context("x"), context(0), context(-1), context(1e308), context([])]
)
def test_what_kiro_does_not_say_is_not_made_up(message) -> None:
    usage = read([HELLO, message])[0][-2]
    assert usage == Usage(output_tokens=usage.output_tokens)
    assert read([HELLO, context(50)], window=0)[0][-2].input_tokens is None


def test_counts_that_kiro_sends_go_first() -> None:
    counts = {
        "uncachedInputTokens": 5,
        "outputTokens": 7,
        "totalTokens": 17,
        "cacheReadInputTokens": 3,
        "cacheWriteInputTokens": 2,
    }
    events, _ = read(
        [HELLO, context(50), event("metadataEvent", tokenUsage={**counts, "contextUsagePercentage": 1.25})]
    )
    assert events[-2] == Usage(5, 7, 3, 2, credits=None, context_percentage=1.25, measured=True)


def test_input_can_be_had_from_the_total() -> None:
    usage = read(
        [
            HELLO,
            event(
                "metadataEvent", tokenUsage={"outputTokens": 7, "totalTokens": 20, "cacheReadInputTokens": 3}
            ),
        ]
    )[0][-2]
    assert (usage.input_tokens, usage.cache_write_tokens) == (10, None)


def test_counts_of_zero_for_a_reply_with_words_are_no_measurement() -> None:
    usage = read([HELLO, event("metricsEvent", inputTokens=0, outputTokens=0)])[0][-2]
    assert (usage.measured, usage.input_tokens) == (False, None)
    assert usage.output_tokens > 0


def test_metrics_stand_in_for_counts() -> None:
    usage = read([HELLO, event("metricsEvent", inputTokens=11, outputTokens=3)])[0][-2]
    assert (usage.measured, usage.input_tokens, usage.output_tokens) == (True, 11, 3)


def test_credits_are_added_up() -> None:
    messages = [
        event("meteringEvent", usage=usage, unit=unit)
        for usage, unit in [(0.25, "credit"), ("0.5", "Credits"), (9, "token"), (-1, "credit")]
    ]
    assert read([HELLO, *messages])[0][-2].credits == 0.75


@pytest.mark.parametrize(
    "message",
    [
        context(1),
        event("meteringEvent", usage=1),
        stop("END_TURN"),
        event("messageStopEvent"),
        event("metricsEvent"),
    ],
)
def test_closing_events_are_noticed(message) -> None:
    reading = reader()
    reading.read([HELLO, event("messageMetadataEvent", conversationId="c")])
    assert not reading.saw_ending
    reading.read([message])
    assert reading.saw_ending


def test_the_estimate_of_output_does_not_depend_on_pieces() -> None:
    words = "Hello, wörld! 你好 {'a': 1}\n" * 20
    whole = read([text(words)])[0][-2].output_tokens
    assert read([text(character) for character in words])[0][-2].output_tokens == whole


def test_evidence_is_empty_at_first() -> None:
    assert Evidence().usage(window=200_000, estimated_output=3) == Usage(output_tokens=3)

import json

import pytest

from kiro_trio.simulator import Reply, stream_bytes
from kiro_trio.simulator.frames import Voice
from kiro_trio.simulator.script import (
    Began,
    Break,
    CallTool,
    Coalesce,
    ContextUsage,
    Corrupt,
    Error,
    Event,
    Metadata,
    Raw,
    Say,
    Steps,
    Think,
    Throw,
)
from kiro_trio.wire import EventStreamDecoder, WireError
from tests.simulator.talk import calls_of, events, text_of

HI = (
    "0000007c0000005c3bddcf780d3a6d6573736167652d747970650700056576656e740b3a6576656e742d74797065070016617373697374616e"
    "74526573706f6e73654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b22636f6e74656e7422"
    "3a224869227d09f66f51"
)
SLOW_DOWN = (
    "000000af00000061ade086e00d3a6d6573736167652d74797065070009657863657074696f6e0f3a657863657074696f6e2d74797065070013"
    "5468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b226d6573"
    "73616765223a22736c6f7720646f776e222c22726561736f6e223a22494e53554646494349454e545f4d4f44454c5f4341504143495459227d"
    "8e256c9f"
)


def said(*steps: Steps, bare: bool = True) -> list[tuple[str, object]]:
    return events(b"".join(stream_bytes(Reply(steps, bare=bare))))


def test_frames_are_kiros_to_the_byte() -> None:
    event = Event("assistantResponseEvent", {"content": "Hi"})
    throw = Throw("ThrottlingException", "slow down", "INSUFFICIENT_MODEL_CAPACITY")
    assert [frame.hex() for frame in stream_bytes(Reply((event, throw), bare=True))] == [HI, SLOW_DOWN]


def test_a_reply_is_framed_by_kiros_events_unless_it_is_bare() -> None:
    names = [name for name, _ in said(Say("a"), bare=False)]
    assert names == [
        "messageMetadataEvent",
        "assistantResponseEvent",
        "meteringEvent",
        "contextUsageEvent",
        "metadataEvent",
    ]
    assert [name for name, _ in said(Say("a"))] == ["assistantResponseEvent"]


def test_an_event_of_the_frame_that_is_there_already_is_not_added() -> None:
    names = [name for name, _ in said(ContextUsage(50), Began(), Say("a"), bare=False)]
    assert names.count("contextUsageEvent") == names.count("messageMetadataEvent") == 1


@pytest.mark.parametrize("fault", [Throw("X"), Error("X"), Break()])
def test_a_reply_that_fails_has_no_closing_events(fault: Steps) -> None:
    names = [name for name, _ in said(Say("a"), fault, bare=False)]
    assert "metadataEvent" not in names
    assert names[0] == "messageMetadataEvent"


def test_what_fails_first_comes_first() -> None:
    assert said(Throw("ValidationException", "no"), bare=False) == [
        ("exception", {"message": "no", "reason": None})
    ]


def test_an_error_frame() -> None:
    ((name, headers),) = said(Error("InternalError", "oops"))
    assert (name, headers[":error-code"], headers[":error-message"]) == ("error", "InternalError", "oops")  # type: ignore[index]


def test_text_comes_in_pieces() -> None:
    payloads = [payload["content"] for _, payload in said(Say("abcdefg", 3), Say(("x", "", "y")))]  # type: ignore[index]
    assert payloads == ["abc", "def", "g", "x", "", "y"]


def test_tool_calls_begin_empty_and_end_with_stop() -> None:
    call = CallTool("Read", {"path": "a.txt"}, id="tooluse_x", piece=6)
    payloads = [payload for _, payload in said(call)]
    assert payloads[0] == {"name": "Read", "toolUseId": "tooluse_x"}
    assert payloads[-1] == {"name": "Read", "toolUseId": "tooluse_x", "stop": True}
    assert json.loads("".join(payload["input"] for payload in payloads[1:-1])) == {"path": "a.txt"}  # type: ignore[index]
    assert calls_of(b"".join(stream_bytes(Reply((call,))))) == [("Read", {"path": "a.txt"})]


def test_tool_calls_may_be_whole_broken_or_without_an_end() -> None:
    assert said(CallTool("a", {"b": 1}, id="i", whole=True)) == [
        ("toolUseEvent", {"name": "a", "toolUseId": "i", "input": {"b": 1}, "stop": True})
    ]
    payloads = [payload for _, payload in said(CallTool("a", '{"b": ', id="i", stop=False))]
    assert payloads[1:] == [{"name": "a", "toolUseId": "i", "input": '{"b": '}]


def test_ids_that_are_made_up_differ_within_and_between_replies() -> None:
    reply = Reply((CallTool("a"), CallTool("a")))
    ids = {
        payload["toolUseId"]
        for seed in ("1", "2")
        for name, payload in events(b"".join(stream_bytes(reply, Voice(seed=seed))))
        if name == "toolUseEvent"
    }
    assert len(ids) == 4


def test_thinking_natively_by_tags_and_redacted() -> None:
    assert said(Think("hm", "sig")) == [
        ("reasoningContentEvent", {"text": "hm"}),
        ("reasoningContentEvent", {"signature": "sig"}),
    ]
    assert ("reasoningContentEvent", {"redactedContent": "eHg="}) in said(Think(redacted="eHg="))
    tagged = b"".join(stream_bytes(Reply((Think("hm", tags=True, piece=4), Say("so")))))
    assert text_of(tagged) == "<thinking>\nhm\n</thinking>\n\nso"


def test_context_usage_is_share_of_the_window_by_input_and_output() -> None:
    voice = Voice(window=1000, input_tokens=240)
    found = dict(events(b"".join(stream_bytes(Reply((Say("x" * 40),)), voice))))
    assert found["contextUsageEvent"] == {"contextUsagePercentage": 25.0}


def test_the_stop_reason_follows_from_the_steps() -> None:
    assert dict(said(Say("a"), bare=False))["metadataEvent"] == {"stopReason": "END_TURN"}
    assert dict(said(CallTool("a"), bare=False))["metadataEvent"] == {"stopReason": "TOOL_USE"}
    usage = {"uncachedInputTokens": 5.0, "outputTokens": 7.0, "totalTokens": 12.0}
    given = Metadata("MAX_TOKENS", usage)
    assert dict(said(given))["metadataEvent"] == {"stopReason": "MAX_TOKENS", "tokenUsage": usage}


def test_recordings_may_be_damaged_and_regrouped() -> None:
    whole = stream_bytes(Reply((Say("abcd", 1),), bare=True))
    assert stream_bytes(Reply((Say("abcd", 1),), misfortunes=(Coalesce(0),), bare=True)) == [b"".join(whole)]
    damaged = stream_bytes(Reply((Say("abcd", 1),), misfortunes=(Corrupt(2, 9, 4),), bare=True))
    assert (damaged[:2], damaged[3:]) == (whole[:2], whole[3:])
    decoder = EventStreamDecoder()
    decoder.receive_data(b"".join(damaged))
    with pytest.raises(WireError):
        list(decoder.messages())


def test_raw_bytes_stand_where_they_are_put() -> None:
    assert stream_bytes(Reply((Raw(b"\0\1"), Say("a")), bare=True))[0] == b"\0\1"

from typing import Any

import pytest

from kiro_trio.conversation.prompt import (
    Document,
    Image,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.dialects.anthropic.unknown import held_text
from tests.dialects.anthropic.requests import (
    CALL,
    DOCUMENT,
    IMAGE,
    PDF,
    PNG,
    THINKING,
    body,
    result,
    text,
    user,
)


def blocks(*content: Any):
    return parse_messages(body(messages=[user(*content)])).prompt.turns[0].blocks


def warnings(*content: Any):
    return parse_messages(body(messages=[user(*content)])).prompt.warnings


def refusal(*content: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        blocks(*content)
    return str(caught.value).removeprefix("messages.0.content.0.")


@pytest.mark.parametrize(
    ("block", "parsed"),
    [
        (text("a", citations=[], cache_control="anything"), Text("a")),
        (CALL, ToolUse("toolu_1", "Bash", {"command": "ls"})),
        ({"type": "tool_use", "id": "t", "name": "n"}, ToolUse("t", "n", {})),
        (THINKING, Thinking("Let me see.", "c2ln")),
        ({**THINKING, "signature": ""}, Thinking("Let me see.")),
        ({"type": "thinking", "thinking": "", "signature": "s"}, Thinking("", "s")),
        ({"type": "thinking", "thinking": "a"}, Thinking("a")),
        ({"type": "redacted_thinking", "data": "b2Zm"}, RedactedThinking("b2Zm")),
        (IMAGE, Image("image/png", PNG)),
        (DOCUMENT, Document("application/pdf", PDF)),
        (result("ok"), ToolResult("toolu_1", (Text("ok"),))),
        (result("no", is_error=True), ToolResult("toolu_1", (Text("no"),), is_error=True)),
        (result("ok", is_error=False), ToolResult("toolu_1", (Text("ok"),))),
        (result(""), ToolResult("toolu_1", ())),
        (result(None), ToolResult("toolu_1", ())),
        (result([]), ToolResult("toolu_1", ())),
        ({"type": "tool_result", "tool_use_id": "t"}, ToolResult("t", ())),
        (
            result([text("a"), IMAGE, DOCUMENT]),
            ToolResult("toolu_1", (Text("a"), Image("image/png", PNG), Document("application/pdf", PDF))),
        ),
        (result(text("a")), ToolResult("toolu_1", (Text("a"),))),
        (result({"a": [1, "é"]}), ToolResult("toolu_1", (Text('{"a":[1,"é"]}'),))),
        (result(3.5), ToolResult("toolu_1", (Text("3.5"),))),
        (result(["a", 1, None, {"b": 2}]), ToolResult("toolu_1", (Text("a"), Text("1"), Text('{"b":2}')))),
        (
            result([{"type": "tool_reference", "tool_name": "mcp__a"}]),
            ToolResult("toolu_1", (Text("The tool mcp__a is now available.", apart=True),)),
        ),
    ],
    ids=str,
)
def test_known_blocks(block, parsed):
    assert blocks(block) == (parsed,)
    assert warnings(block) == ()


@pytest.mark.parametrize(
    "block", [text(""), {"type": "thinking", "thinking": "", "signature": ""}], ids=["text", "thinking"]
)
def test_blocks_that_say_nothing_are_left_out(block):
    assert blocks(block, text("a")) == (Text("a"),)


def test_citations_are_counted():
    assert blocks({**text("a"), "citations": []}) == (Text("a"),)
    assert warnings({**text("a"), "citations": []}) == ()
    assert warnings({**text("a"), "citations": [{"cited_text": "b"}]}) == ("citations of a text left out",)


def test_content_may_be_empty():
    assert blocks() == ()
    assert blocks("") == ()


@pytest.mark.parametrize(
    ("block", "kept", "warning"),
    [
        ({"type": "novelty", "text": "a"}, "a", "content block novelty read as text"),
        (
            {"type": "novelty", "content": [text("a"), {"content": "b"}]},
            "a\nb",
            "content block novelty read as text",
        ),
        ({"type": "novelty", "text": 3}, '[novelty: {"text":3}]', "content block novelty read as text"),
        ({"type": "novelty", "cache_control": {}}, "", "content block novelty dropped"),
        ({"type": "fallback", "to": {"model": "m"}}, "", "content block fallback dropped"),
        (
            {
                "type": "bash_code_execution_tool_result",
                "tool_use_id": "s",
                "content": {"type": "x", "stdout": "a", "stderr": "", "return_code": 0, "content": []},
            },
            '[bash_code_execution_tool_result: {"tool_use_id":"s","content":{"stdout":"a","return_code":0}}]',
            "content block bash_code_execution_tool_result read as text",
        ),
        (
            {"type": "novelty", "data": "Ab0/" * 60, "signature": "s", "deep": [[[[[[["x"]]]]]]]},
            '[novelty: {"data":"(left out)","deep":[[[[["(left out)"]]]]]}]',
            "content block novelty read as text",
        ),
        ({"text": "a"}, "a", "content block without?type read as text"),
        (
            {"type": "container_upload", "file_id": "f"},
            '[container_upload: {"file_id":"f"}]',
            "content block container_upload read as text",
        ),
    ],
)
def test_unknown_blocks_are_counted_and_their_text_is_kept(block, kept, warning):
    for content, where in ((block, lambda found: found), (result([block]), lambda found: found[0].content)):
        if "type" not in block and content is not block:
            continue  # in a tool's result this is any JSON
        assert where(blocks(content)) == ((Text(kept, apart=True),) if kept else ())
        assert warnings(content) == (warning,)
    assert warnings(block, block) == (f"{warning} (2 times)",)


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "text"}, "text: Field required"),
        ({"type": "text", "text": None}, "text: expected string, got null"),
        ({**CALL, "id": 1}, "id: expected string, got integer"),
        ({**CALL, "name": None}, "name: expected string, got null"),
        ({**CALL, "input": "ls"}, "input: expected object, got string"),
        ({"type": "tool_result"}, "tool_use_id: Field required"),
        (result("a", is_error="yes"), "is_error: expected boolean, got string"),
        (result([text("a"), text(3)]), "content.1.text: expected string, got integer"),
        (result(text(3)), "content.text: expected string, got integer"),
        ({**THINKING, "thinking": []}, "thinking: expected string, got array"),
        ({**THINKING, "signature": 1}, "signature: expected string, got integer"),
        ({"type": "redacted_thinking"}, "data: Field required"),
        ({"type": "tool_reference"}, "tool_name: Field required"),
    ],
    ids=str,
)
def test_a_wrong_type_is_refused_with_its_place(block, complaint):
    assert refusal(block) == complaint


@pytest.mark.parametrize(
    "deeper", [lambda inner: {"content": inner}, lambda inner: [inner]], ids=["objects", "arrays"]
)
def test_deep_nesting_ends_the_search_for_text(deeper):
    nested: Any = "a"
    for _ in range(50):
        nested = deeper(nested)
    assert held_text(nested) == ""
    assert held_text(nested, 50) == "a"


@pytest.mark.parametrize("depth", [10, 900])
def test_a_deeply_nested_result_is_kept_or_refused_but_no_crash(depth):
    data = body(messages=[user(result("@"))]).replace(b'"@"', b"[" * depth + b"]" * depth)
    try:
        kept = parse_messages(data).prompt.turns[0].blocks[0].content[0].text
    except InvalidRequest as refusal:
        kept = str(refusal)
    assert kept == "[" * (depth - 1) + "]" * (depth - 1) or "nested too deeply" in kept

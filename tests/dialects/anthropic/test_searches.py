from typing import Any

import pytest

from kiro_trio.conversation.prompt import Text
from kiro_trio.dialects.anthropic.request import parse_messages
from tests.dialects.anthropic.requests import body, text, user

PAGE = {
    "type": "web_search_result",
    "title": "Trio",
    "url": "https://x",
    "encrypted_content": "A library.",
    "page_age": "May 1",
}


def found(content: Any) -> dict[str, Any]:
    return {"type": "web_search_tool_result", "tool_use_id": "s", "content": content}


def used(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "server_tool_use", "id": "s", "name": name, "input": arguments}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (used("web_search", query="trio"), "Searched the web for: trio"),
        (used("web_search"), "Used the server tool web_search with {}"),
        (used("web_fetch", url="x"), 'Used the server tool web_fetch with {"url":"x"}'),
        (found([PAGE]), "Web search results:\n1. Trio <https://x> (May 1)\n   A library."),
        (
            found([{"title": "A"}, {**PAGE, "encrypted_content": "Ab3" * 30, "page_age": None}]),
            "Web search results:\n1. A\n2. Trio <https://x>",
        ),
        (found([]), "The web search found nothing."),
        (
            found({"type": "web_search_tool_result_error", "error_code": "unavailable"}),
            "The web search failed: unavailable",
        ),
        (found(None), "The web search failed: unknown error"),
        (
            {
                "type": "search_result",
                "title": "T",
                "source": "kb/1",
                "content": [text("a"), text("b")],
                "citations": {},
            },
            "Search result: T <kb/1>\na\nb",
        ),
        ({"type": "tool_reference", "tool_name": "Bash"}, "The tool Bash is now available."),
    ],
    ids=str,
)
def test_server_blocks_are_said_in_words(block, words):
    prompt = parse_messages(body(messages=[user(block)])).prompt
    assert prompt.turns[0].blocks == (Text(words, apart=True),)
    assert prompt.warnings == ()

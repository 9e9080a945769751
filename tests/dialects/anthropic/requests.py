"""Requests of every class that real clients send, in small: our own words in the recorded shapes."""

import json
from typing import Any

SESSION = "0b4445e1-f5be-49e1-87ce-62bbc28ad705"
DEVICE = "ab" * 32
PDF = "JVBERi0xLjQKJSVFT0YK"
PNG = "iVBORw0KGgo="


def body(**fields: Any) -> bytes:
    """A body with these fields, and what every body must have."""
    whole = {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [user("hi")], **fields}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def user(*blocks: Any) -> dict[str, Any]:
    """A user message: of one string, or of blocks."""
    content = blocks[0] if len(blocks) == 1 and isinstance(blocks[0], str) else list(blocks)
    return {"role": "user", "content": content}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {**user(*blocks), "role": "assistant"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def tool(name: str, **more: Any) -> dict[str, Any]:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {}}
    return {"name": name, "description": f"Runs {name}", "input_schema": schema, **more}


def result(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **more}


CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}, **CACHED}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
DOCUMENT = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
    **CACHED,
}
THINKING = {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}

SAMPLES: dict[str, bytes] = {
    "plain": body(stream=True),
    "few-shot": body(
        messages=[user("1?"), assistant("one"), user("2?")], temperature=0, stop_sequences=["END"], top_k=5
    ),
    "claude code": body(
        stream=True,
        system=[
            text("x-anthropic-billing-header: cc_version=2.1.330.3eb; cc_entrypoint=sdk-cli;"),
            text("You are an agent.", **CACHED),
            text("\nWork with the user.", **CACHED),
        ],
        messages=[
            user(text("<system-reminder>\nbe brief\n</system-reminder>"), text("do it", **CACHED)),
            {"role": "system", "content": "# Environment\nlinux", "output_config": {"effort": "medium"}},
            assistant({**THINKING, "signature": ""}, text("Yes.", citations=[]), CALL),
            user(
                result("Exit code 3", is_error=True, **CACHED), text("<system-reminder>x</system-reminder>")
            ),
            {"role": "system", "content": []},
        ],
        tools=[
            tool("Bash"),
            tool("DeferredToolPlaceholder", defer_loading=True),
            tool("mcp__a", defer_loading=True),
        ],
        metadata={"user_id": json.dumps({"device_id": DEVICE, "account_uuid": "", "session_id": SESSION})},
        thinking={"type": "adaptive", "display": "updates"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        output_config={"effort": "high"},
        safeguards=[{"type": "dangerous_tool_use", "classifier_context": {"v": 1}}],
    ),
    "tool references": body(
        messages=[
            user("x"),
            assistant(CALL),
            user(result([{"type": "tool_reference", "tool_name": "mcp__a"}])),
        ]
    ),
    "files": body(
        messages=[user(IMAGE, DOCUMENT), assistant(CALL), user(result([text("p. 1"), IMAGE, DOCUMENT]))]
    ),
    "old session": body(metadata={"user_id": f"user_{DEVICE}_account__session_{SESSION}"}),
    "prefill": body(messages=[user("topic?"), assistant("{")]),
    "web search": body(
        tools=[WEB_SEARCH],
        tool_choice={"type": "tool", "name": "web_search"},
        system="You search.",
        messages=[user(text("Perform a web search for the query: trio"))],
    ),
    "searched": body(
        messages=[
            user("find"),
            assistant(
                {
                    "type": "server_tool_use",
                    "id": "srvtoolu_1",
                    "name": "web_search",
                    "input": {"query": "trio"},
                },
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": [
                        {
                            "type": "web_search_result",
                            "title": "Trio",
                            "url": "https://x",
                            "encrypted_content": "good",
                        }
                    ],
                },
                text("Found."),
            ),
            user("more"),
        ]
    ),
    "title": body(
        output_config={
            "format": {"type": "json_schema", "schema": {"type": "object", "required": ["title"]}}
        },
        thinking={"type": "disabled"},
    ),
    "budget": body(thinking={"type": "enabled", "budget_tokens": 31999}, tool_choice={"type": "any"}),
    "redacted": body(
        messages=[user("x"), assistant({"type": "redacted_thinking", "data": "b2Zm"}, text("y")), user("z")]
    ),
}

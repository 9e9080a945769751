"""A request with words and secrets wherever there can be some, and Kiro's answer to it."""

import json

from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.kiro.identity import conversation_ids
from kiro_trio.kiro.request import build_request
from kiro_trio.simulator.recording import stream_bytes
from kiro_trio.simulator.script import CallTool, Reply, Say, Think

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

SECRETS = (
    "ksk_0123456789abcdefghij",
    "sk-ant-api03-abcdefghijklmnop",
    "aoaAAAAAGabcdefghijklmnopqrstuvwxyz0123",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJl",
    "somebody@company.example",
    "hunter2-is-known-here",
)
"""The last has no shape: it is known because it was registered."""


def client_request(words, secret="", data=PNG):
    """A body that says `words` (a function that gives the next one) everywhere."""
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": f"<system-reminder>{words()}</system-reminder> {words()} {secret}"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
                {
                    "type": "document",
                    "title": words(),
                    "source": {"type": "text", "media_type": "text/plain", "data": words()},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": words(), "signature": "c2ln"},
                {"type": "text", "text": words()},
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "Look",
                    "input": {"path": words(), words(): [words(), 123456789]},
                },
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": f"{words()} {secret}"}],
        },
        {"role": "assistant", "content": words()},
        {"role": "user", "content": words()},
    ]
    schema = {
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "description": words(),
                "enum": [words(), words()],
                "default": words(),
            },
        },
        "required": ["path"],
    }
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1024,
        "stream": True,
        "system": [{"type": "text", "text": words(), "cache_control": {"type": "ephemeral"}}],
        "messages": messages,
        "tools": [{"name": "Look", "description": words(), "input_schema": schema}],
        "metadata": {"user_id": json.dumps({"device_id": words(), "session_id": words()})},
        words(): {"who": words()},
        "stop_sequences": [words()],
    }


def kiro_body(body):
    """What is said to Kiro."""
    ids = conversation_ids("", "t", "f" * 32)
    request = build_request(
        parse_messages(json.dumps(body).encode()).prompt,
        conversation_id=ids.conversation_id,
        continuation_id=ids.continuation_id,
    )
    arn = "arn:aws:codewhisperer:us-east-1:123456789012:profile/PRIVATEPROFILE"
    return request.body(origin="AI_EDITOR", agent_fields=True, profile_arn=arn)


def kiro_stream(words, secret="", piece=0):
    """What Kiro answers."""
    steps = (
        Think(f"{words()} {secret}", piece=piece),
        Say(f"{words()} {secret} {words()}", piece=piece),
        CallTool("Look", {"path": f"{words()} {secret}", words(): words()}, piece=piece),
    )
    return b"".join(stream_bytes(Reply(steps=steps)))

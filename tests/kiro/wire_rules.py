"""What a body for Kiro must be, written down once more, from the published schema and the known refusals.

On purpose it shares nothing with the code that builds bodies.
"""

import json
import re

CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,62}")

STATE_KEYS = {
    "conversationId",
    "history",
    "currentMessage",
    "chatTriggerType",
    "agentContinuationId",
    "agentTaskType",
}
USER_KEYS = {"content", "modelId", "origin", "images", "documents", "userInputMessageContext"}
ROOT_KEYS = {"conversationState", "profileArn", "additionalModelRequestFields"}


def check(body):
    """Assert every rule; returns the decoded body."""
    root = json.loads(body)
    assert set(root) <= ROOT_KEYS
    state = root["conversationState"]
    assert set(state) <= STATE_KEYS
    assert {"conversationId", "currentMessage", "chatTriggerType"} <= set(state)
    assert state["chatTriggerType"] == "MANUAL"
    assert state.get("history") != []
    messages = [*state.get("history", []), state["currentMessage"]]
    check_turns(messages)
    check_calls(messages)
    tools = state["currentMessage"]["userInputMessage"]["userInputMessageContext"].get("tools", [])
    check_tools(tools, messages)
    return root


def check_turns(messages):
    for number, message in enumerate(messages):
        key = "assistantResponseMessage" if number % 2 else "userInputMessage"
        assert list(message) == [key], "users and assistant alternate, the user first"
        if number % 2:
            check_assistant(message[key])
        else:
            check_user(message[key], last=number == len(messages) - 1)
    assert len(messages) % 2 == 1, "the user has the last word"


def check_user(user, *, last):
    assert set(user) <= USER_KEYS
    assert isinstance(user["content"], str)
    assert user["modelId"]
    assert user["origin"]
    context = user.get("userInputMessageContext")
    assert (context is not None) if last else (context is None or "tools" not in context)
    assert context is None or set(context) <= {"toolResults", "tools"}
    results = (context or {}).get("toolResults", [])
    images, documents = user.get("images", []), user.get("documents", [])
    assert user["content"].strip() or results or images or documents, "a user's message says something"
    for result in results:
        assert set(result) == {"toolUseId", "content", "status"}
        assert result["status"] in {"success", "error"}
        assert all(set(part) == {"text"} for part in result["content"])
        assert "".join(part["text"] for part in result["content"]).strip()
    for image in images:
        assert set(image) == {"format", "source"}
        assert image["format"] in {"png", "jpeg", "gif", "webp"}
        assert set(image["source"]) == {"bytes"}
    assert len({document["name"].lower() for document in documents}) == len(documents)
    for document in documents:
        assert set(document) == {"name", "format", "source"}
        assert document["name"]


def check_assistant(assistant):
    assert set(assistant) <= {"content", "toolUses", "reasoningContent"}
    assert assistant["content"].strip() or assistant["toolUses"]
    assert assistant.get("toolUses") != []
    for use in assistant.get("toolUses", []):
        assert set(use) == {"toolUseId", "name", "input"}
        assert CALL_ID.fullmatch(use["toolUseId"])
        assert NAME.fullmatch(use["name"])
        assert isinstance(use["input"], dict)
        assert not has_empty_key(use["input"])
    reasoning = assistant.get("reasoningContent", {"redactedContent": "x"})
    assert len(reasoning) == 1, "reasoningContent is a union"
    if "reasoningText" in reasoning:
        assert set(reasoning["reasoningText"]) == {"text", "signature"}


def check_calls(messages):
    waiting, seen = [], set()
    for message in messages:
        if "assistantResponseMessage" in message:
            waiting = [use["toolUseId"] for use in message["assistantResponseMessage"].get("toolUses", [])]
            assert len(set(waiting)) == len(waiting)
            assert not seen & set(waiting), "no id twice in a conversation"
            seen |= set(waiting)
        else:
            context = message["userInputMessage"].get("userInputMessageContext", {})
            given = [result["toolUseId"] for result in context.get("toolResults", [])]
            assert sorted(given) == sorted(waiting), (
                "the next message answers each call once, and nothing else"
            )
            waiting = []


def check_tools(tools, messages):
    names = [tool["toolSpecification"]["name"].lower() for tool in tools]
    assert len(set(names)) == len(names)
    for tool in tools:
        specification = tool["toolSpecification"]
        assert set(specification) == {"name", "description", "inputSchema"}
        assert NAME.fullmatch(specification["name"])
        assert specification["description"].strip()
        assert len(specification["description"]) <= 10_000
        check_root(specification["inputSchema"]["json"])
    for message in messages:
        for use in message.get("assistantResponseMessage", {}).get("toolUses", []):
            assert use["name"].lower() in names, "what was called is declared"


def check_root(schema):
    assert schema["type"] == "object"
    assert isinstance(schema["properties"], dict)
    assert not {"oneOf", "anyOf", "allOf", "$ref"} & set(schema)
    assert all(isinstance(name, str) for name in schema.get("required", []))


def has_empty_key(value):
    if isinstance(value, dict):
        return "" in value or any(map(has_empty_key, value.values()))
    return isinstance(value, list) and any(map(has_empty_key, value))

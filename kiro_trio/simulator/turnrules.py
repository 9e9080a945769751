"""Invariants of the conversation: turns, tool calls and their results.

Each function gives the evidence when its invariant is broken, else None. `rules.INVARIANTS` says what follows.
"""

import re
from collections.abc import Iterator
from typing import Any

from kiro_trio.simulator.question import AssistantMessage, Message, Question, ToolResult, ToolUse, UserMessage

TRIGGERS = {"MANUAL", "DIAGNOSTIC", "INLINE_CHAT"}
ORIGINS = {"AI_EDITOR", "CHATBOT", "CLI", "IDE", "KIRO_CLI", "KIRO_WEB"}
CONVERSATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,256}")
CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MAX_HISTORY = 10_000
MAX_CONTENT = 600_000
MAX_RESULT = 800_000


def trigger(question: Question) -> str | None:
    """`chatTriggerType` is one of the schema's."""
    value = question.conversation_state.chat_trigger_type
    return None if value in TRIGGERS else f"chatTriggerType {value!r}"


def conversation_id(question: Question) -> str | None:
    """Ids have a safe alphabet and a limited length."""
    value = question.conversation_state.conversation_id
    return None if value is None or CONVERSATION_ID.fullmatch(value) else f"conversationId {value[:300]!r}"


def agent_fields_absent(question: Question) -> str | None:
    """The new host's REST path takes neither agent ids nor a mode in the body."""
    state = question.conversation_state
    there = (state.agent_continuation_id, state.agent_task_type, question.agent_mode)
    return None if there == (None, None, None) else "agentContinuationId, agentTaskType or agentMode"


def current_is_user(question: Question) -> str | None:
    """The current message is the user's, and nothing else."""
    return _not_one_of(question.conversation_state.current_message, "user_input_message", "currentMessage")


def alternates(question: Question) -> str | None:
    """History begins with the user, ends with the assistant, and alternates strictly between."""
    for number, message in enumerate(question.history):
        expected = "assistant_response_message" if number % 2 else "user_input_message"
        if evidence := _not_one_of(message, expected, f"history[{number}]"):
            return evidence
    return "history ends with the user" if len(question.history) % 2 else None


def _not_one_of(message: Message, expected: str, where: str) -> str | None:
    there = [name for name in message.__struct_fields__ if getattr(message, name) is not None]
    return None if there == [expected] else f"{where} has {there}, not {expected}"


def origin(question: Question) -> str | None:
    """Every origin is one of the schema's that an IDE or a command line may have."""
    for where, user in users_of(question):
        if user.origin is not None and user.origin not in ORIGINS:
            return f"{where}: origin {user.origin!r}"
    return None


def sizes(question: Question) -> str | None:
    """History, contents and tool results have their limits."""
    if len(question.history) > MAX_HISTORY:
        return f"history of {len(question.history)}"
    for where, user in users_of(question):
        if len(user.content) > MAX_CONTENT:
            return f"{where}: content of {len(user.content)} characters"
    for where, result in _results(question):
        if len(result.text) > MAX_RESULT:
            return f"{where}: tool result of {len(result.text)} characters"
    return None


def user_speaks(question: Question) -> str | None:
    """A user's content is not blank, unless pictures, documents or tool results stand in for it."""
    for where, user in users_of(question):
        if not user.content.strip() and not (user.results or user.images or user.documents):
            return f"{where}: blank user content"
    return None


def assistant_speaks(question: Question) -> str | None:
    """An assistant's content is not blank, unless it calls tools."""
    for where, assistant in _assistants(question):
        if not assistant.content.strip() and not assistant.calls:
            return f"{where}: blank assistant content"
    return None


def call_ids(question: Question) -> str | None:
    """Ids of tool calls have a safe alphabet, and no two calls of a conversation share one."""
    seen: set[str] = set()
    for where, call in _calls(question):
        if not CALL_ID.fullmatch(call.tool_use_id):
            return f"{where}: toolUseId {call.tool_use_id[:80]!r}"
        if call.tool_use_id in seen:
            return f"{where}: toolUseId {call.tool_use_id!r} is there twice"
        seen.add(call.tool_use_id)
    return None


def call_inputs(question: Question) -> str | None:
    """Inputs are objects, and no key in them is empty."""
    for where, call in _calls(question):
        if not isinstance(call.input, dict):
            return f"{where}: input of {call.name} is {type(call.input).__name__}"
        if _has_empty_key(call.input):
            return f"{where}: input of {call.name} has an empty key"
    return None


def _has_empty_key(value: Any) -> bool:
    if isinstance(value, dict):
        return "" in value or any(map(_has_empty_key, value.values()))
    return isinstance(value, list) and any(map(_has_empty_key, value))


def call_names(question: Question) -> str | None:
    """Names of called tools are such as tools can have."""
    for where, call in _calls(question):
        if not NAME.fullmatch(call.name):
            return f"{where}: name {call.name[:80]!r}"
    return None


def calls_have_tools(question: Question) -> str | None:
    """Every tool that history calls is among the tools of the current message; case is ignored."""
    known = {tool.name.lower() for tool in question.current.tools}
    for where, call in _calls(question):
        if call.name.lower() not in known:
            return f"{where}: no specification of {call.name}"
    return None


def results_answer_calls(question: Question) -> str | None:
    """The user turn after tool calls answers each once; nowhere else are there results."""
    asked: tuple[ToolUse, ...] = ()
    for where, message in _messages(question):
        if message.user_input_message is not None:
            wanted = sorted(call.tool_use_id for call in asked)
            given = sorted(result.tool_use_id for result in message.user_input_message.results)
            if wanted != given:
                return f"{where}: calls {wanted}, results {given}"
        assistant = message.assistant_response_message
        asked = assistant.calls if assistant is not None else ()
    return None


def results_speak(question: Question) -> str | None:
    """A result has text or JSON, not blank, and says success or error."""
    for where, result in _results(question):
        if result.status not in {"success", "error"}:
            return f"{where}: status {result.status!r}"
        if any((item.text is None) == (item.json is None) for item in result.content):
            return f"{where}: content item with neither or both of text and json"
        if not result.text.strip():
            return f"{where}: empty result of {result.tool_use_id}"
    return None


def results_stand_alone(question: Question) -> str | None:
    """No words beside tool results."""
    for where, user in users_of(question):
        if user.results and user.content.strip():
            return f"{where}: text beside tool results"
    return None


def _messages(question: Question) -> Iterator[tuple[str, Message]]:
    for number, message in enumerate(question.history):
        yield f"history[{number}]", message
    yield "currentMessage", question.conversation_state.current_message


def users_of(question: Question) -> Iterator[tuple[str, UserMessage]]:
    """All user messages, each with where it stands."""
    for where, message in _messages(question):
        if message.user_input_message is not None:
            yield where, message.user_input_message


def _assistants(question: Question) -> Iterator[tuple[str, AssistantMessage]]:
    for where, message in _messages(question):
        if message.assistant_response_message is not None:
            yield where, message.assistant_response_message


def _calls(question: Question) -> Iterator[tuple[str, ToolUse]]:
    for where, assistant in _assistants(question):
        for call in assistant.calls:
            yield where, call


def _results(question: Question) -> Iterator[tuple[str, ToolResult]]:
    for where, user in users_of(question):
        for result in user.results:
            yield where, result

"""Whatever a client sends is a prompt that can be counted and said to Kiro, or a clear refusal that names the place: never a 500.

The place stands in the request; its last step may be a field that is missing. What is said to Kiro keeps its rules. And a plain
body that is read at once says what it says when it is read with care.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fuzz.strategies import requests
from kiro_trio.conversation.prompt import Prompt
from kiro_trio.conversation.tokens import estimate_tokens
from kiro_trio.dialects.anthropic.errors import ERROR_STATUS, InvalidRequest
from kiro_trio.dialects.anthropic.request import parse_count_tokens, parse_messages
from kiro_trio.dialects.anthropic.stream import MessageStream
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.request import KiroRequest, build_request
from kiro_trio.kiro.response import ReplyReader
from tests.dialects import grammar
from tests.kiro import wire_rules
from tests.kiro.prompts import IDS
from tests.kiro.replies import check_grammar, text

BOUNDED = 300
EXAMPLES = requests.meant | requests.meant | requests.garbled


def check(data: bytes) -> None:
    check_bytes(data)


def check_bytes(data: bytes) -> None:
    _count(data)
    assert _outcome(data, careful=False) == _outcome(data, careful=True)
    if (parsed := _parsed(parse_messages, data)) is not None:
        _say(parsed.prompt, data)


def _count(data: bytes) -> None:
    if (prompt := _parsed(parse_count_tokens, data)) is not None:
        assert estimate_tokens(prompt) >= 1


def _outcome(data: bytes, *, careful: bool) -> str:
    try:
        return repr(parse_messages(data, careful=careful))
    except InvalidRequest as refusal:
        return repr((refusal.path, str(refusal)))


def _parsed(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return parse(data)
    except InvalidRequest as error:
        refusal = error
    assert refusal.status == ERROR_STATUS[refusal.error_type] == 400
    assert json.loads(refusal.body("req_1"))["error"]["message"] == str(refusal)
    _check_refusal(refusal, data)
    return None


def _say(prompt: Prompt, data: bytes) -> None:
    assert estimate_tokens(prompt) >= 1
    try:
        request = build_request(prompt, **IDS)
    except PromptRefused as refusal:
        _check_refusal(refusal, data)
        return
    wire_rules.check(request.body(origin="AI_EDITOR", agent_fields=True, profile_arn=None))
    for warning in request.warnings:
        assert warning.isprintable()
    _hear(request, prompt.model)


def _hear(request: KiroRequest, model: str) -> None:
    """A reply to it can be read and passed on, whatever limits the client has set."""
    reader = ReplyReader(
        model_id=request.model_id,
        window=request.window,
        tool_names=request.tool_names,
        thinking_tags=request.thinking_tags,
        max_tokens=request.max_tokens,
        stop_sequences=request.stop_sequences,
        bare_json=request.bare_json,
    )
    events = reader.read([text("Well, "), text("yes.")])
    events += reader.close()
    check_grammar(events, failed=reader.failure is not None)
    stream = MessageStream("msg_1", model, 1)
    grammar.read(stream.translate(events) + (stream.error("api_error", "x") if reader.failure else b""))


def _check_refusal(refusal: InvalidRequest | PromptRefused, data: bytes) -> None:
    assert refusal.status in {400, 404}
    assert refusal.message.strip()
    assert refusal.message.isprintable()
    with suppress(ValueError, RecursionError):
        assert _stands(json.loads(data), refusal.path), refusal.path


def _stands(value: Any, path: str) -> bool:
    """Whether a path leads somewhere; its last step may be a field that is missing."""
    steps = path.split(".") if path else []
    for step in steps[:-1]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return not steps or isinstance(value, dict) or int(steps[-1]) < len(value)

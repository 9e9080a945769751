"""An Anthropic Messages request: the body's bytes in, a `Prompt` out.

Lenient where nothing is lost by it: unknown fields are not looked at, unknown roles and content blocks are counted. A known
field of a wrong type is refused with its path.
"""

import re
from dataclasses import dataclass, replace

import msgspec

from kiro_trio.conversation.prompt import Prompt, Role, Tool, Turn
from kiro_trio.dialects.anthropic.content import read_content
from kiro_trio.dialects.anthropic.effort import read_effort, read_json_schema, read_thinking
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.fields import Fields, read_body
from kiro_trio.dialects.anthropic.plain import PlainBody, read_plain_body
from kiro_trio.dialects.anthropic.tools import read_added_tools, read_tool_choice, read_tools
from kiro_trio.dialects.anthropic.unknown import in_words
from kiro_trio.dialects.anthropic.warnings import Warnings, label

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}

# Fields that would change the answer if we could do what they ask. Those that only tune it (temperature, top_p, top_k,
# service_tier, context_management, safeguards, cache_control) are ignored without a word.
_NOT_CARRIED = ("container", "mcp_servers")

# Claude Code signs its system prompt with a line that changes with the first message. It is of no use to Kiro, and
# would make the head of every conversation different.
_BILLING = re.compile(r"\s*x-anthropic-billing-header:[^\n]*\n?")

# As Anthropic has it.
_LONGEST_MODEL = 256

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SESSION_ID = re.compile(_UUID, re.IGNORECASE)
_SESSION_AT_END = re.compile(rf"(?:^|_)session_({_UUID})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """What `POST /v1/messages` asks for: an answer to `prompt`, as events if `stream`."""

    prompt: Prompt
    stream: bool


def parse_messages(
    body: bytes, session_hint: str = "", salt: str = "", agent: str = "", *, careful: bool = False
) -> MessagesRequest:
    """Parse the body of `POST /v1/messages`.

    The session is the one that `metadata.user_id` names, else `session_hint` (a header's word for it). `salt` and
    `agent` are handed on. `careful` has plain bodies read like all others, to the same effect. Raises
    `InvalidRequest`, and nothing else, for whatever a client can send.
    """
    fields, plain = _opened(body, careful=careful)
    if fields.raw.get("thread") is not None:
        raise InvalidRequest(
            "message threads are kept by Anthropic's servers only; send the whole conversation",
            "thread",
            details={"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
        )
    max_tokens = fields.required("max_tokens", int)
    if max_tokens < 0:
        raise InvalidRequest("must not be negative", "max_tokens")
    prompt = _read_prompt(fields, plain, max_tokens, session_hint, salt)
    prompt = replace(prompt, agent=agent) if agent else prompt
    return MessagesRequest(prompt, stream=fields.optional("stream", bool) or False)


def parse_count_tokens(body: bytes) -> Prompt:
    """Parse the body of `POST /v1/messages/count_tokens`, which needs no `max_tokens`.

    Raises `InvalidRequest`, and nothing else, for whatever a client can send.
    """
    return _read_prompt(*_opened(body), None, "", "")


def _opened(body: bytes, *, careful: bool = False) -> tuple[Fields, PlainBody | None]:
    """The body's fields, and its messages apart from them if they are plain."""
    plain = None if careful else read_plain_body(body)
    return (plain.fields, plain) if plain else (read_body(body), None)


def _read_prompt(
    body: Fields, plain: PlainBody | None, max_tokens: int | None, session_hint: str, salt: str
) -> Prompt:
    warnings = Warnings()
    model = body.required("model", str)
    if not model.strip():
        raise InvalidRequest("must not be empty", "model")
    if len(model) > _LONGEST_MODEL:
        raise InvalidRequest(f"must not be longer than {_LONGEST_MODEL} characters", "model")
    turns, turn_effort, added = _plain_turns(plain, warnings) if plain else _read_turns(body, warnings)
    system = _read_system(body, warnings)
    tools, web_search = read_tools(body, warnings)
    for name in _NOT_CARRIED:
        if body.raw.get(name):
            warnings.add(f"{name} ignored")
    return Prompt(
        model=model,
        turns=turns,
        system=system,
        tools=(*tools, *added),
        web_search=web_search,
        tool_choice=read_tool_choice(body, warnings),
        thinking=read_thinking(body, turn_effort, warnings),
        max_tokens=max_tokens,
        stop_sequences=tuple(filter(None, body.strings("stop_sequences"))),
        json_schema=read_json_schema(body, warnings),
        session=_session(body) or session_hint,
        salt=salt,
        warnings=warnings.listed(),
    )


def _plain_turns(
    plain: PlainBody, warnings: Warnings
) -> tuple[tuple[Turn, ...], str | None, tuple[Tool, ...]]:
    """As `_read_turns`; plain messages define no tools."""
    effort = None
    for message in plain.configured:
        effort = read_effort(message, warnings) or effort
    return plain.turns, effort, ()


def _read_turns(body: Fields, warnings: Warnings) -> tuple[tuple[Turn, ...], str | None, tuple[Tool, ...]]:
    """The messages, the last effort that one of them asks for, and the tools that they define."""
    if not body.required("messages", list):
        raise InvalidRequest("at least one message is required", "messages")
    turns: list[Turn] = []
    added: list[Tool] = []
    effort = None
    for message in body.children("messages"):
        role = message.required("role", str)
        if role not in _ROLES:
            warnings.add(f"role {label(role)} taken as user")
        turns.append(Turn(_ROLES.get(role, "user"), read_content(message, warnings)))
        if "output_config" in message.raw:
            effort = read_effort(message, warnings) or effort
        if role == "system":
            added += read_added_tools(message)
    return tuple(turns), effort, tuple(added)


def _read_system(body: Fields, warnings: Warnings) -> tuple[str, ...]:
    system = body.text_or_blocks("system") or ()
    texts = [system] if isinstance(system, str) else [_system_text(block, warnings) for block in system]
    return tuple(filter(None, (_without_billing(text) for text in texts)))


def _without_billing(text: str) -> str:
    header = _BILLING.match(text)
    return text[header.end() :] if header else text


def _system_text(block: Fields, warnings: Warnings) -> str:
    kind = block.optional("type", str) or "text"
    if kind == "text":
        return block.required("text", str)
    text = in_words(block.raw, label(kind))
    warnings.add(f"system block {label(kind)} {'read as text' if text else 'dropped'}")
    return text


def _session(body: Fields) -> str:
    """The session's UUID out of `metadata.user_id`: a JSON string since Claude Code 2.1, `..._session_UUID` before."""
    metadata = body.child("metadata")
    user_id = (metadata.optional("user_id", str) if metadata else None) or ""
    if at_end := _SESSION_AT_END.search(user_id):
        return at_end[1].lower()
    if not user_id.startswith("{"):
        return ""
    try:
        session = msgspec.json.decode(user_id, type=_UserId).session_id
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return session.lower() if _SESSION_ID.fullmatch(session) else ""


class _UserId(msgspec.Struct):
    session_id: str = ""

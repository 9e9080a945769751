"""Who we claim to be to Kiro, and which conversation a request belongs to. Only hashes: nothing here is random.

Source: docs/wire.md, "Machine id", and "Request body" for the conversation.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

_MACHINE_ID = re.compile(r"[0-9a-fA-F]{64}")
_UUID_DIGITS = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class ConversationIds:
    """The ids of a conversation and of the agent's work in it, both shaped like a UUID."""

    conversation_id: str
    continuation_id: str


def conversation_ids(session: str, salt: str, fallback: str, agent: str = "") -> ConversationIds:
    """Derive the ids that all requests of one agent in one session share.

    Kiro caches a prompt's prefix per conversation, so the ids must not change from turn to turn. `salt`, which differs
    between clients' keys, keeps two clients apart that name the same session. A session's sub-agents (`agent`) have
    conversations of their own, which run beside the main one ("") and begin with another system text. `fallback` is a
    random string that takes the session's place if the client named none.
    """
    # Each part's length stands before it, lest two pairs that join to the same text share a conversation.
    parts = [salt, "session", session] if session else [salt, "fallback", fallback]
    if agent:
        parts += ["agent", agent]
    seed = "".join(f"{len(part)}:{part}" for part in parts)
    return ConversationIds(_uuid_of("conversation", seed), _uuid_of("continuation", seed))


def machine_id(
    *, own: str = "", configured: str = "", api_key: str = "", refresh_token: str = "", fallback: str = ""
) -> str:
    """The id of the machine that a credential seems to live on: 64 hex digits.

    The first that serves: the credential's `own` id, the `configured` one, a hash of its API key, a hash of its
    refresh token, a hash of `fallback` (a random string that the caller keeps for the credential). Store the result
    with the credential: a refresh token changes, a machine does not.
    """
    given = normal_machine_id(own) or normal_machine_id(configured)
    if given:
        return given
    if api_key:
        return _hex_of(f"KiroAPIKey/{api_key}")
    if refresh_token:
        return _hex_of(f"KotlinNativeAPI/{refresh_token}")
    return _hex_of(f"KiroFallback/{fallback}")


def normal_machine_id(text: str) -> str:
    """A machine id as it is sent: 64 hex digits as they are, a UUID's digits twice, anything else is ""."""
    text = text.strip()
    if _MACHINE_ID.fullmatch(text):
        return text
    digits = text.replace("-", "")
    return digits * 2 if _UUID_DIGITS.fullmatch(digits) else ""


def _hex_of(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _uuid_of(purpose: str, seed: str) -> str:
    digits = _hex_of(f"kiro_trio/{purpose}/{seed}")
    # The bits that mark a random UUID (version 4, RFC 9562): the service may look at more than the shape.
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"

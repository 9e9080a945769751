"""What is wrong with the build of a conversation: shrinking may take such faults away, and must not bring new ones in.

Otherwise it would end at the shortest request that is refused for whatever reason, and not for the one in question.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kiro_trio.shrinking.places import at, places

_STATE = "conversationState"


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    empty: bool
    calls: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    mute: bool = False


@dataclass(frozen=True, slots=True)
class _Talk:
    turns: tuple[_Turn, ...]
    tools: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> list[str]:
        """The tools' names."""
        return [tool.get("name", "") for tool in self.tools]

    @property
    def neighbours(self) -> Iterator[tuple[_Turn, _Turn]]:
        """Each turn with the one before it, also the first and what is behind the last."""
        return pairwise((_NOBODY, *self.turns, _NOBODY))


_NOBODY = _Turn("nobody", empty=False)

_DEFECTS: tuple[tuple[str, Callable[[_Talk], bool]], ...] = (
    ("no message", lambda talk: not talk.turns),
    ("begins with the assistant", lambda talk: talk.turns[:1] != () and talk.turns[0].role != "user"),
    ("assistant after assistant", lambda talk: _repeated(talk, "assistant")),
    ("user after user", lambda talk: _repeated(talk, "user")),
    ("the user says nothing", lambda talk: any(one.empty and one.role == "user" for one in talk.turns)),
    ("the assistant says nothing", lambda talk: any(one.empty and one.role != "user" for one in talk.turns)),
    ("a result that says nothing", lambda talk: any(one.mute for one in talk.turns)),
    (
        "a call without its result",
        lambda talk: any(set(a.calls) - set(b.results) for a, b in talk.neighbours),
    ),
    (
        "a result without its call",
        lambda talk: any(set(b.results) - set(a.calls) for a, b in talk.neighbours),
    ),
    ("two calls of one id", lambda talk: _twice([call for turn in talk.turns for call in turn.calls])),
    ("two tools of one name", lambda talk: _twice(talk.names)),
    ("a schema that requires nothing", lambda talk: any(_requires_nothing(tool) for tool in talk.tools)),
    ("an unknown tool is called", lambda talk: any(set(one.called) - set(talk.names) for one in talk.turns)),
)


def defects(body: Any) -> frozenset[str]:
    """The kinds of faults in a request of either dialect; {"shape"} if it is none."""
    try:
        turns = _kiro_turns(body) if _STATE in body else _anthropic_turns(body)
        talk = _Talk(tuple(turns), tuple(_tools(body)))
    except (AttributeError, KeyError, TypeError):
        return frozenset({"shape"})
    return frozenset(name for name, there in _DEFECTS if there(talk))


def _repeated(talk: _Talk, role: str) -> bool:
    return any(before.role == turn.role == role for before, turn in talk.neighbours)


def _requires_nothing(tool: Mapping[str, Any]) -> bool:
    return any(path[-1:] == ("required",) and node == [] for path, node in places(tool))


def _twice(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def _anthropic_turns(body: Mapping[str, Any]) -> Iterator[_Turn]:
    for message in body["messages"]:
        if message["role"] in {"user", "assistant"}:
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            yield _Turn(
                message["role"],
                empty=not any(block.get("type") != "text" or block["text"].strip() for block in blocks),
                calls=tuple(block["id"] for block in blocks if block.get("type") == "tool_use"),
                called=tuple(block["name"] for block in blocks if block.get("type") == "tool_use"),
                results=tuple(block["tool_use_id"] for block in blocks if block.get("type") == "tool_result"),
                mute=any(block.get("content") == [] for block in blocks),
            )


def _kiro_turns(body: Mapping[str, Any]) -> Iterator[_Turn]:
    state = body[_STATE]
    for message in (*(state.get("history") or ()), state["currentMessage"]):
        if user := message.get("userInputMessage"):
            results = at(user, ("userInputMessageContext", "toolResults")) or ()
            rest = results or user.get("images") or user.get("documents")
            yield _Turn(
                "user",
                empty=not user["content"].strip() and not rest,
                results=tuple(result["toolUseId"] for result in results),
                mute=not all(result["content"] for result in results),
            )
        else:
            said = message["assistantResponseMessage"]
            uses = said.get("toolUses") or ()
            yield _Turn(
                "assistant",
                empty=not said["content"].strip() and not uses,
                calls=tuple(use["toolUseId"] for use in uses),
                called=tuple(use["name"] for use in uses),
            )


def _tools(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    context = (_STATE, "currentMessage", "userInputMessage", "userInputMessageContext", "tools")
    tools = at(body, context) if _STATE in body else body.get("tools")
    for tool in tools or ():
        yield tool.get("toolSpecification", tool)

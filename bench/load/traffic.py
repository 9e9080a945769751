"""What the soak test sends: kinds of requests, what the simulated Kiro does to them, and how each may end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNTS = 4
PIECES = 40
TEXT = "".join(f"{number} of the words that a model says, " for number in range(PIECES))

Ends = frozenset[str]
WHOLE: Ends = frozenset({"whole"})
FAILED: Ends = frozenset({"event", "status"})
LEFT: Ends = frozenset({"left"})


@dataclass(frozen=True)
class Kind:
    """A kind of request.

    `ends` are the endings it may have: `whole`, an error as `event` or as `status`, or the client `left`. `leave` is
    after how many bytes of the answer the client goes away, `slow` how long it waits between two reads, in seconds.
    """

    name: str
    weight: int
    ends: Ends
    reply: Mapping[str, Any] = field(default_factory=dict, hash=False)
    when: Mapping[str, Any] = field(default_factory=dict, hash=False)
    stream: bool = True
    leave: int | None = None
    slow: float = 0.0


def say(every: float = 0.01, piece: int = 40) -> dict[str, Any]:
    return {"do": "say", "text": TEXT, "piece": piece, "every": every}


def broken(*misfortunes: Mapping[str, Any], every: float = 0.002) -> dict[str, Any]:
    return {"steps": [say(every)], "misfortunes": list(misfortunes)}


PLAIN = {"steps": [say()]}
CALL = {"do": "call-tool", "name": "write", "input": {"path": "a", "text": TEXT}, "piece": 30, "every": 0.002}

KINDS = (
    Kind("plain", 30, WHOLE, PLAIN),
    Kind("burst", 15, WHOLE, {"steps": [say(0.0, 7)]}),
    Kind("in-one-piece", 8, WHOLE, {"steps": [say(0.002)]}, stream=False),
    Kind("tool", 8, WHOLE, {"steps": [{"do": "say", "text": TEXT}, CALL]}),
    Kind("trickle", 4, WHOLE, broken({"kind": "trickle", "size": 700, "every": 0.001}, every=0.0)),
    Kind("reset-early", 3, FAILED, broken({"kind": "cut"})),
    Kind("reset", 5, FAILED, broken({"kind": "cut", "at": 4000})),
    Kind("closed", 5, FAILED, broken({"kind": "cut", "at": 2500, "how": "close"})),
    Kind("ended-short", 3, FAILED, broken({"kind": "cut", "at": 2500, "how": "end"})),
    Kind("stalled", 3, FAILED, broken({"kind": "stall", "at": 3000})),
    Kind("silent", 2, FAILED, broken({"kind": "stall"})),
    Kind("corrupt", 5, FAILED, broken({"kind": "corrupt", "frame": 12, "byte": 90})),
    Kind("corrupt-early", 3, FAILED, broken({"kind": "corrupt", "frame": 1, "byte": 30})),
    Kind("nonsense", 3, FAILED, broken({"kind": "garbage"})),
    Kind("hung-up", 4, WHOLE, broken({"kind": "hang-up", "after": 0.05})),
    Kind("throttled", 4, WHOLE, {"status": "throttled"}, {"token": "soak-access-1"}),
    Kind("unavailable", 3, FAILED, {"status": "unavailable"}),
    Kind("too-long", 3, FAILED, {"status": "too-long"}),
    Kind("leaving", 6, LEFT, PLAIN, leave=1500),
    Kind("leaving-at-once", 4, LEFT, PLAIN, leave=0),
    Kind(
        "leaving-in-silence", 3, LEFT, {"steps": [{"do": "say", "text": "So."}, {"do": "pause"}]}, leave=400
    ),
    Kind("slow", 4, WHOLE, {"steps": [{"do": "say", "text": TEXT * 150, "piece": 1000}]}, slow=0.02),
)
WEIGHTS = [kind.weight for kind in KINDS]


def keyword(kind: Kind) -> str:
    """How the script knows a kind by its prompt; no keyword is part of another."""
    return f"<{kind.name}>"


def script() -> dict[str, Any]:
    """The simulator's: a rule per kind, and for those that go wrong for some accounts only, what else happens."""
    rules = [{"when": {"prompt": keyword(kind), **kind.when}, "reply": kind.reply} for kind in KINDS]
    rules += [{"when": {"prompt": keyword(kind)}, "reply": PLAIN} for kind in KINDS if kind.when]
    return {"rules": rules}


def accounts() -> list[dict[str, Any]]:
    return [
        {
            "accessToken": f"soak-access-{number}",
            "refreshToken": f"not-a-real-token-{number}-" * 10,
            "expiresAt": "2099-01-01T00:00:00Z",
            "authMethod": "social",
        }
        for number in range(1, ACCOUNTS + 1)
    ]


def told(kind: Kind) -> tuple[str, str]:
    """What a whole answer says, and with what input it calls its tool."""
    text, called = "", ""
    for step in kind.reply.get("steps", PLAIN["steps"]):
        if step["do"] == "say":
            text += step["text"]
        elif step["do"] == "call-tool":
            called += json.dumps(step["input"], separators=(",", ":"))
    return text, called

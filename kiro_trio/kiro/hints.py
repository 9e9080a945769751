"""Hints that keep what the model writes with one tool call short.

Kiro cuts the input of a long tool call off, about 9 kB in, and then the call is lost. A model that was told to write
in pieces does not run into it. Source: docs/wire.md, "Tools".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_WRITE = (
    "Size limit: for content of more than 150 lines, write only the first 50 lines with this tool and append the rest"
    " with Edit, at most 50 lines at a time. A unique placeholder at the end of the file helps to find the place; the"
    " last piece removes it. Never write such content in one call."
)
_EDIT = (
    "Size limit: a new_string of more than 50 lines must be split over several calls of at most 50 lines each. When"
    " appending, leave a unique placeholder at the end and replace it in the next call; the last piece must not hold it."
)
_POLICY = (
    "Keep to the size limits of the tools Write and Edit without mentioning them. Do not propose other tools to get"
    " round them. Do not ask whether to change the approach because of them. Finish all pieces without commentary."
)


@dataclass(frozen=True, slots=True)
class Hints:
    """What is added for clients that have such tools: `by_tool` to their descriptions, `policy` to the system text.

    The keys of `by_tool` are names of tools exactly as the client writes them.
    """

    by_tool: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"Write": _WRITE, "Edit": _EDIT})
    )
    policy: str = _POLICY

    def policy_for(self, names: Iterable[str]) -> str:
        """The text for the system prompt of a client with tools of these names; "" if no hint applies to it."""
        return self.policy if any(self.by_tool.get(name) for name in names) else ""


NO_HINTS = Hints(by_tool=MappingProxyType({}), policy="")
"""Switches the hints off."""

"""The table of all routes of the owner's API: what is asked, what is answered, who does it."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kiro_trio.admin.place import Place
from kiro_trio.admin.problems import Kind

PREFIX = "/api/admin"


class Nothing(msgspec.Struct):
    """No body and no query."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a route, read and checked: `ids` by name, `query` and `body` of the route's types."""

    place: Place
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Any = None
    body: Any = None
    by_cookie: bool = False

    @property
    def credential_id(self) -> int:
        """The account that is meant."""
        return int(self.ids["id"])


Handler = Callable[[Asked], Awaitable[Any]]
"""Does what is asked; returns something that msgspec can encode, or an `Answer`; raises `Problem`."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `path` is behind the prefix, with `{id}` for a number and `{name}` for any other word.

    `body` and `query` are types, `answer` is what a 200 holds. `summary` says it in a few words. `troubles` are the kinds
    of problems that what is asked may end in, beside those that follow from the rest (`kinds`).
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Any
    body: Any = None
    query: Any = Nothing
    public: bool = False
    troubles: AbstractSet[Kind] = frozenset()
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.escape(self.path).replace(r"\{id\}", r"(?P<id>\d{1,15})")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[A-Za-z0-9_-]{1,64})", pattern)
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def kinds(self) -> AbstractSet[Kind]:
        """All kinds of problems that this route may answer."""
        found = {Kind.NOT_FOUND, Kind.RATE_LIMITED, Kind.AUTHENTICATION, Kind.INTERNAL, *self.troubles}
        if self.body is not None:
            found.add(Kind.TOO_LARGE)
        if self.changes or self.query is not Nothing:
            found.add(Kind.INVALID_REQUEST)
        if self.changes and not self.public:
            found.add(Kind.FORBIDDEN)
        return found

    @property
    def changes(self) -> bool:
        """Whether it may change something, so that a cookie alone does not open it."""
        return self.method != "GET"


def find_route(
    routes: Sequence[Route], method: str, path: str
) -> tuple[Route, Mapping[str, str]] | frozenset[str]:
    """The route that is meant, with the words of its path; else the methods that the path has, if any."""
    matches = [(route, found) for route in routes if (found := route.pattern.fullmatch(path))]
    for route, found in matches:
        if route.method == method:
            return route, found.groupdict()
    return frozenset(route.method for route, _ in matches)

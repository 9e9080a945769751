"""Tool names: the client's on one side, names that Kiro takes on the other, and a way back.

A name that Kiro takes stays as it is. Any other name's short form depends on nothing but the name, unless it is taken: so
it is the same in every turn, whatever tools come and go. Source: docs/wire.md, "Tools".
"""

import re
from collections.abc import Iterable
from hashlib import sha256

VALID_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,62}")
"""What a name may be. The service's own limit is 64 characters; kiro.rs, in use for long, keeps to 63."""

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
_KEPT = 54
_HASHED = 8


class ToolNames:
    """A bijection between the declared names and valid ones that differ in more than case, as Kiro compares them.

    Names that occur in the history only are added after the declared ones. One that Kiro cannot tell from a declared
    name means the same tool.
    """

    __slots__ = ("_originals", "_shorts", "_taken")

    def __init__(self, declared: Iterable[str], mentioned: Iterable[str] = ()) -> None:
        self._shorts: dict[str, str] = {}
        self._originals: dict[str, str] = {}
        self._taken: dict[str, str] = {}  # short name in lower case -> short name
        names = list(dict.fromkeys(declared))
        for name in names:
            if VALID_NAME.fullmatch(name) and name.lower() not in self._taken:
                self._settle(name, name)
        for name in names:
            if name not in self._shorts:
                self._settle(name, self._free(name))
        for name in mentioned:
            if name not in self._shorts:
                self._mention(name)

    def short(self, name: str) -> str:
        """The name that Kiro is told; `name` must be one of those given."""
        return self._shorts[name]

    def original(self, short: str) -> str:
        """The client's name for what Kiro calls `short`; a name that was never given stays as it is."""
        return self._originals.get(short, short)

    def _mention(self, name: str) -> None:
        known = self._taken.get(name.lower()) if VALID_NAME.fullmatch(name) else None
        if known is not None:
            self._shorts[name] = known
        else:
            self._settle(name, name if VALID_NAME.fullmatch(name) else self._free(name))

    def _settle(self, name: str, short: str) -> None:
        self._shorts[name] = short
        self._originals[short] = name
        self._taken[short.lower()] = short

    def _free(self, name: str) -> str:
        attempt = 0
        while True:
            short = shortened(name, attempt)
            if short.lower() not in self._taken:
                return short
            attempt += 1


def shortened(name: str, attempt: int = 0) -> str:
    """A valid name for one that is not: its fitting characters and a hash of all of it.

    For a name that is only too long, the first attempt is what kiro.rs makes of it.
    """
    base = _UNFIT.sub("_", name)
    if not base[:1].isalpha():
        base = f"t{base}"
    seed = f"{name}\0{attempt}" if attempt else name
    return f"{base[:_KEPT]}_{sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()[:_HASHED]}"

"""What clients call models: dates, dashes for dots, effort and thinking suffixes.

A name is read in steps, from what it says to what is left when everything has been taken off it; the catalogue takes
the first reading that it knows. So `qwen3-max` is a model if there is such a model, and `claude-opus-4-6-max` is Claude
Opus 4.6 with all its effort. Source: docs/wire.md, "Models".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PREFIXES = re.compile(r"^(?:kiro[/-]|anthropic[/.]|[a-z]{2,6}\.anthropic\.)")
_ENUM_NAME = re.compile(r"^claude_[a-z0-9_]+$")  # CLAUDE_SONNET_4_20250514_V1_0, Kiro's names of 2025
_DASHED_VERSION = re.compile(r"(?<=\d)-(?=\d{1,2}(?![\d.]))")
_VERSION_FIRST = re.compile(r"^claude-(\d+(?:\.\d+)?)-([a-z]+)")
_ZERO = re.compile(r"^(claude-[a-z]+-\d+)\.0(?![\d.])")
_CLAUDE = re.compile(r"^claude(?:-(?P<family>[a-z]+))?(?:-(?P<version>\d{1,9}(?:\.\d{1,9})?))?(?![\d.])")
_FAMILIES = frozenset({"opus", "sonnet", "haiku"})

_SUFFIX = re.compile(
    r"(?:\[1m\]|-latest|[-@]\d{8}|-v\d+(?:[.:-]\d+)?|-(?P<thinking>thinking)|-(?P<effort>low|medium|high|xhigh|max))$"
)


# No model has a longer name, and to read one takes time that grows with its square.
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name: `name` is what is left of it, the rest is what was taken off."""

    name: str
    thinking: bool = False
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class ClaudeName:
    """A Claude model by family (such as `opus`) and version, (0, 0) when the name has none."""

    family: str
    version: tuple[int, int]


def readings(asked: str) -> Iterator[Reading]:
    """Every way to read `asked`, from the literal one to the barest; at least one, and only one if it is endless."""
    name = plain_name(asked)
    reading = Reading(name)
    yield reading
    while len(name) <= _LONGEST:
        if _canonical(reading.name) != reading.name:
            yield Reading(_canonical(reading.name), reading.thinking, reading.effort)
        suffix = _SUFFIX.search(reading.name)
        if suffix is None or not suffix.start():
            return
        reading = Reading(
            reading.name[: suffix.start()],
            reading.thinking or suffix["thinking"] is not None,
            reading.effort or suffix["effort"],
        )
        yield reading


def plain_name(asked: str) -> str:
    """The name in lower case, without blanks round it and without the names of those who offer it."""
    name = asked.strip().lower()
    if _ENUM_NAME.match(name):
        name = name.replace("_", "-")
    return _PREFIXES.sub("", name) or name


def parse_claude(name: str) -> ClaudeName | None:
    """Read a name as that of a Claude model; None if it is none, or if it has no family."""
    if name in _FAMILIES:
        return ClaudeName(name, (0, 0))
    parts = _CLAUDE.match(_canonical(name))
    if parts is None or parts["family"] is None:
        return None
    major, _, minor = (parts["version"] or "0").partition(".")
    return ClaudeName(parts["family"], (int(major), int(minor or 0)))


def _canonical(name: str) -> str:
    """The name as Kiro writes it: `claude-3-5-haiku` becomes `claude-haiku-3.5`."""
    if not name.startswith("claude"):
        return name
    name = _DASHED_VERSION.sub(".", name, count=1)
    return _ZERO.sub(r"\1", _VERSION_FIRST.sub(r"claude-\2-\1", name))

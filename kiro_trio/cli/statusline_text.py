"""What the status line says. Pure; whatever is missing or odd in what it is told is left out."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from kiro_trio.cli.figures import amount, tokens

_BETWEEN = " · "
_DIM, _YELLOW, _RED = "2", "33", "31"
_SCARCE, _SPARE = 0.05, 0.2
_FULL, _FILLING = 90, 75


def in_one_line(answer: Mapping[str, Any], told: Mapping[str, Any], *, plain: bool = False) -> str:
    """Account, credits left, the session's spend and how full the context is.

    `answer` is the gateway's, `told` Claude Code's; `plain`: without colours.
    """
    parts = [*_account(_object(answer, "account")), *_left(answer), *_session(answer), *_context(told)]
    words = [_coloured(_clean(text), colour, plain=plain) for text, colour in parts]
    return _coloured(_BETWEEN, _DIM, plain=plain).join(words)


def dimmed(text: str, *, plain: bool = False) -> str:
    """A line that is not worth more attention."""
    return _coloured(_clean(text), _DIM, plain=plain)


_Part = tuple[str, str]


def _account(account: Mapping[str, Any]) -> Iterator[_Part]:
    if not account:
        yield "no account works: kiro-trio doctor tells why", _RED
        return
    yield _text(account, "email") or f"account {_text(account, 'id')}", ""
    standing = _text(account, "standing")
    if standing not in {"", "ready", "cooling"}:
        yield standing.replace("_", " "), _YELLOW


def _left(answer: Mapping[str, Any]) -> Iterator[_Part]:
    """What is left of the account's credits, or of the key's if those are fewer."""
    account, key = _object(answer, "account"), _object(answer, "key")
    remaining, limit, whose = _number(account, "remaining"), _number(account, "limit"), ""
    allowed, used = _number(key, "creditsPerMonth"), _number(key, "creditsThisMonth")
    if allowed is not None:
        own = max(0.0, allowed - (used or 0.0))
        if remaining is None or own < remaining:
            remaining, limit, whose = own, allowed, " on this key"
    if remaining is not None:
        yield f"{amount(remaining)} credits left{whose}", _alarm(remaining, limit)


def _alarm(remaining: float, limit: float | None) -> str:
    if not limit or remaining > limit * _SPARE:
        return ""
    return _RED if remaining <= limit * _SCARCE else _YELLOW


def _session(answer: Mapping[str, Any]) -> Iterator[_Part]:
    session = _object(answer, "session")
    if not session:
        return
    taken = sum(
        _number(session, name) or 0 for name in ("inputTokens", "cacheReadTokens", "cacheWriteTokens")
    )
    given = _number(session, "outputTokens") or 0
    spent = amount(_number(session, "credits") or 0)
    yield f"session {spent} credits, {tokens(taken)} in, {tokens(given)} out", ""


def _context(told: Mapping[str, Any]) -> Iterator[_Part]:
    used = _number(_object(told, "context_window"), "used_percentage")
    if used is not None:
        yield f"context {used:.0f}%", _RED if used >= _FULL else _YELLOW if used >= _FILLING else ""


def _object(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = held.get(name)
    return value if isinstance(value, dict) else {}


def _number(held: Mapping[str, Any], name: str) -> float | None:
    value = held.get(name)
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known and value is not None else None


def _text(held: Mapping[str, Any], name: str) -> str:
    value = held.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _clean(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _coloured(text: str, colour: str, *, plain: bool) -> str:
    return text if plain or not colour else f"\x1b[{colour}m{text}\x1b[0m"

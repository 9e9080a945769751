"""Blocks of types that we do not know, said in words as far as they say anything: Anthropic adds some every few months."""

import re
from collections.abc import Mapping
from typing import Any

from kiro_trio.dialects.anthropic.fields import json_text

# Server tools nest their results two or three levels deep; whoever nests deeper is not talking to us.
_DEEPEST = 6

# What is for Anthropic's servers only.
_NOT_SAID = frozenset(
    {"type", "cache_control", "signature", "encrypted_content", "encrypted_index", "encrypted_stdout"}
)
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_-]{200,}")
_LEFT_OUT = "(left out)"


def held_text(raw: object, deepest: int = _DEEPEST) -> str:
    """The text that an unknown piece of JSON holds in `text` or `content`, at any level; "" if it holds none."""
    if isinstance(raw, str):
        return raw
    if deepest and isinstance(raw, list):
        return "\n".join(filter(None, (held_text(item, deepest - 1) for item in raw)))
    if deepest and isinstance(raw, dict):
        text = raw.get("text")
        return text if isinstance(text, str) else held_text(raw.get("content"), deepest - 1)
    return ""


def in_words(raw: Mapping[str, Any], kind: str) -> str:
    """An unknown block as text: the text that it holds, else its JSON without what nobody here can read; "" if it is empty."""
    if text := held_text(dict(raw)):
        return text
    said = _readable(raw, _DEEPEST)
    return f"[{kind}: {json_text(said)}]" if said else ""


def _readable(value: Any, deepest: int) -> Any:
    if isinstance(value, str):
        return _LEFT_OUT if _OPAQUE.fullmatch(value) else value
    if not deepest and isinstance(value, Mapping | list):
        return _LEFT_OUT
    if isinstance(value, list):
        return [_readable(item, deepest - 1) for item in value]
    if isinstance(value, Mapping):
        return {
            name: _readable(item, deepest - 1)
            for name, item in value.items()
            if name not in _NOT_SAID and item not in (None, "", [], {})
        }
    return value

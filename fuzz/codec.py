"""The codec as a value: the installed one, or one that was changed before it was loaded.

Every check of the decoder takes the codec that it checks. So the same check runs on ours, on the deliberately broken ones
of `tests/wire/mutants.py`, and on one that counts what it copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from fuzz import fresh

_ROOM = "kiro_trio.wire"
_LOADED = ("headers", "message", "memory", "eventstream", "sse")
"""In the order in which they need each other. `errors` and `ready` are never replaced: faults keep their types."""


@dataclass(frozen=True, eq=False)
class Codec:
    headers: ModuleType
    message: ModuleType
    memory: ModuleType
    eventstream: ModuleType
    sse: ModuleType
    changed: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> str:
        """The text that a module was made of."""
        return self.changed.get(name) or Path(getattr(INSTALLED, name).__file__).read_text()

    def forget(self) -> None:
        """Empty the memory that all its decoders share."""
        self.memory.SHARED.frames.clear()
        self.memory.SHARED.blocks.clear()


INSTALLED = Codec(*(import_module(f"{_ROOM}.{name}") for name in _LOADED))


def load(changed: Mapping[str, str] | None = None, **how: Any) -> Codec:
    """A codec of its own, with a memory of its own; `changed` has text to use by module name, `how` is for `fresh.load`."""
    texts = {f"{_ROOM}.{name}": text for name, text in (changed or {}).items()}
    modules = fresh.load([f"{_ROOM}.{name}" for name in _LOADED], texts, **how)
    return Codec(*modules.values(), changed=changed or {})

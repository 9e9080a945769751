"""The codec as a value: the installed one, or one that was changed before it was loaded.

Every check of the decoder takes the codec that it checks. So the same check runs on ours, on the deliberately broken ones
of `tests/wire/mutants.py`, and on one that counts what it copies.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

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


def load(
    changed: Mapping[str, str] | None = None,
    compiled: Callable[[str, str], object] = lambda text, path: compile(text, path, "exec"),
) -> Codec:
    """A codec of its own, with a memory of its own.

    Args:
        changed: The text to use instead of a module's source, by module name.
        compiled: Turns text and path into something for `exec`.
    """
    fresh: dict[str, ModuleType] = {}
    with _replacing(fresh):
        for name in _LOADED:
            module = ModuleType(f"{_ROOM}.{name}")
            module.__file__ = getattr(INSTALLED, name).__file__
            fresh[name] = sys.modules[module.__name__] = module
            text = (changed or {}).get(name) or INSTALLED.source(name)
            exec(compiled(text, f"{module.__file__}"), module.__dict__)  # noqa: S102
    return Codec(**fresh, changed=changed or {})


@contextmanager
def _replacing(fresh: dict[str, ModuleType]):
    kept = {f"{_ROOM}.{name}": sys.modules[f"{_ROOM}.{name}"] for name in _LOADED}
    try:
        yield
    finally:
        sys.modules.update(kept)

"""Modules of the house loaded once more, beside the installed ones, with their text changed or compiled in another way."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

Compile = Callable[[str, str], object]


def source(name: str) -> str:
    """The text of an installed module, by its full name."""
    return Path(import_module(name).__file__).read_text()


def load(
    names: Sequence[str],
    changed: Mapping[str, str] | None = None,
    compiled: Compile = lambda text, path: compile(text, path, "exec"),
) -> dict[str, ModuleType]:
    """Modules of their own, by name; those that are not named stay shared.

    Args:
        names: In the order in which they need each other.
        changed: The text to use instead of a module's source.
        compiled: Turns text and path into something for `exec`.
    """
    fresh: dict[str, ModuleType] = {}
    with _restoring(names):
        for name in names:
            module = ModuleType(name)
            module.__file__ = import_module(name).__file__
            fresh[name] = sys.modules[name] = module
            exec(compiled((changed or {}).get(name) or source(name), f"{module.__file__}"), module.__dict__)  # noqa: S102
    return fresh


@contextmanager
def _restoring(names: Sequence[str]) -> Iterator[None]:
    kept = {name: import_module(name) for name in names}
    try:
        yield
    finally:
        sys.modules.update(kept)

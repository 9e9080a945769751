"""Places in JSON: finding, taking away, writing over. Nothing is changed in place."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

Path = tuple[str | int, ...]


def places(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place and what stands there, the outer before the inner."""
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from places(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from places(value, (*path, number))


def at(node: Any, path: Path) -> Any:
    """What stands at a place; None if there is no such place."""
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return node


def without(node: Any, gone: AbstractSet[Path]) -> Any:
    """`node` without these places."""
    return _rebuilt(node, (), gone, {})


def rewritten(node: Any, changes: Mapping[Path, Any]) -> Any:
    """`node` with something else at these places."""
    return _rebuilt(node, (), frozenset(), changes)


def dotted(path: Path) -> str:
    """A place in words: `tools[3].name`."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".")


def walk(node: Any, path: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    """The places below `path` that are `wanted`."""
    return (below for below, _ in places(at(node, path), path) if wanted(below))


def _rebuilt(node: Any, path: Path, gone: AbstractSet[Path], changes: Mapping[Path, Any]) -> Any:
    if path in changes:
        return changes[path]
    if isinstance(node, Mapping):
        return {
            key: _rebuilt(value, (*path, key), gone, changes)
            for key, value in node.items()
            if (*path, key) not in gone
        }
    if isinstance(node, list):
        return [
            _rebuilt(value, (*path, number), gone, changes)
            for number, value in enumerate(node)
            if (*path, number) not in gone
        ]
    return node

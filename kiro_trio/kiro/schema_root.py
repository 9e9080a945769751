"""The root of a tool's schema: Kiro wants an object there, without references and compositions."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

COMPOSITIONS = ("allOf", "anyOf", "oneOf")

# References and compositions may be nested into each other without end, and grow exponentially; no honest schema has more.
_MOST_STEPS = 500


def flattened_root(schema: Mapping[str, Any]) -> Schema:
    """A copy of `schema` without a reference and without compositions at its top: all variants' properties together.

    What a variant requires holds only if all variants hold at once.
    """
    return _Flattening(schema).flatten(dict(schema))


def resolve(reference: object, document: Mapping[str, Any]) -> object:
    """What a reference into the same document points to; None if it points nowhere, or elsewhere."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    place: object = document
    for step in filter(None, reference[1:].split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        place = place.get(key) if isinstance(place, Mapping) else None
    return place


class _Flattening:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._steps = 0

    def flatten(self, root: Schema, depth: int = 0) -> Schema:
        """Flatten `root` in place as far as that is possible; returns it, or what its reference points to."""
        while (reference := root.pop("$ref", None)) is not None and self._may_go_on(depth):
            target = resolve(reference, self._document)
            root = {**target, **root} if isinstance(target, Mapping) else root
        for composition in COMPOSITIONS:
            variants = root.pop(composition, None)
            for variant in variants if isinstance(variants, list) else ():
                if isinstance(variant, Mapping) and self._may_go_on(depth):
                    _merge(root, self.flatten(dict(variant), depth + 1), required=composition == "allOf")
        return root

    def _may_go_on(self, depth: int) -> bool:
        self._steps += 1
        return self._steps <= _MOST_STEPS and depth < _MOST_STEPS // 10


def _merge(root: Schema, variant: Schema, *, required: bool) -> None:
    ours, theirs = root.get("properties"), variant.get("properties")
    if isinstance(theirs, Mapping):
        root["properties"] = {**theirs, **ours} if isinstance(ours, Mapping) else theirs
    names, more = root.get("required"), variant.get("required")
    if required and isinstance(more, list):
        names = names if isinstance(names, list) else []
        root["required"] = [*names, *(name for name in more if name not in names)]

"""JSON: any values, and values that were right before something in them was changed."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def values(texts: st.SearchStrategy[str] = st.text(max_size=8), leaves: int = 6) -> st.SearchStrategy[Any]:  # noqa: B008
    return st.recursive(
        _SCALARS | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=leaves,
    )


JSON = values()


def objects(leaves: int = 6) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.text(max_size=8), values(leaves=leaves), max_size=4)


def one_of_many(options: Sequence[Any]) -> st.SearchStrategy[Any]:
    """As `sampled_from`, without a description that holds them all."""
    return st.sampled_from(range(len(options))).map(options.__getitem__)


ODD: list[Any] = [
    None, True, False, 0, -1, 2.5, 10**30, 10**400, 1e300, "", " ", "x", "\n", "\0", "ü🦀", "\ud83d", "a" * 300, [], {}, [None], [[]],
    {"": ""}, {"type": "text"}, {"type": "x"}, {"content": {"content": 1}}, [{"type": "text", "text": "x"}],
]  # fmt: skip
"""What stands where something else should."""


@st.composite
def changed(draw, originals: st.SearchStrategy[Any], most: int = 3) -> Any:
    """A value out of `originals` in which up to `most` things are gone, odd, doubled, or taken from elsewhere in it."""
    value = copy.deepcopy(draw(originals))
    for _ in range(draw(st.integers(1, most))):
        places = list(_places(value))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        _change(draw, parent, key, places)
    return value


def _change(draw, parent: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    match draw(st.sampled_from(("odd", "odd", "gone", "other", "again"))):
        case "odd":
            parent[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        case "gone":
            del parent[key]
        case "other":
            other, there = draw(st.sampled_from(places))
            parent[key] = copy.deepcopy(other[there])
        case _ if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        case _:
            parent[draw(st.sampled_from(("type", "content", "text", "id", "new")))] = parent[key]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield value, key
        yield from _places(child)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()

"""What parsing changed or dropped, counted: shown to the client's owner, never an error."""

import re
from collections import Counter

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")
_MOST = 48


class Warnings:
    """Short remarks in the order of their first appearance; the same remark again only counts."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, remark: str) -> None:
        """Note `remark`, which must not hold a client's words: it may end in a header and in a log."""
        self._counts[remark] += 1

    def listed(self) -> tuple[str, ...]:
        """All remarks, those that came more than once with their number."""
        return tuple(
            remark if count == 1 else f"{remark} ({count} times)" for remark, count in self._counts.items()
        )


def label(name: str) -> str:
    """A client's word for a type or role, fit for a header: short, and nothing but ASCII letters, digits, `_.-`."""
    return _UNFIT.sub("?", name[:_MOST]) or "?"

"""Tally: what saying a prompt to Kiro changed in it, counted."""

from collections import Counter


class Tally:
    """Counts remarks. A remark is a constant of ours and never holds a client's words: it may end in a header."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, remark: str, times: int = 1) -> None:
        """Count `remark`; `times` may be 0."""
        if times:
            self._counts[remark] += times

    def warnings(self) -> tuple[str, ...]:
        """All remarks with their numbers, in the order of their first appearance."""
        return tuple(f"{remark} ({count})" for remark, count in self._counts.items())

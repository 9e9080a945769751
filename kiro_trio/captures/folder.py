"""The folder of captures: files that only their owner can read, never half written, and never too many. Blocking."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kiro_trio.credentials.atomic import replace_file
from kiro_trio.credentials.clock import wall_clock

_PATTERN = "capture-*.json"
_UNFINISHED = ".capture-*.tmp"
_ABANDONED = 60.0
"""Seconds after which a file that was never finished is nobody's."""


@dataclass(frozen=True, slots=True)
class Folder:
    """At most `files` captures of together at most `size` bytes; several processes may share it."""

    path: Path
    files: int
    size: int

    def keep(self, name: str, at: float, data: bytes) -> Path:
        """Write a capture of the moment `at` (epoch seconds); the oldest make room for it.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._make_room(len(data))
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        path = self.path / f"capture-{moment}-{name}.json"
        replace_file(path, data)
        return path

    def _make_room(self, wanted: int) -> None:
        for left in self.path.glob(_UNFINISHED):
            with suppress(OSError):
                if left.stat().st_mtime < wall_clock() - _ABANDONED:
                    left.unlink()
        sizes = {path: size for path in sorted(self.path.glob(_PATTERN)) if (size := _size(path)) is not None}
        total, count = sum(sizes.values()), len(sizes)
        for path, size in sizes.items():
            if count < self.files and total + wanted <= self.size:
                return
            path.unlink(missing_ok=True)
            total, count = total - size, count - 1


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None

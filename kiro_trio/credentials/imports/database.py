"""Reading a SQLite database that belongs to another program, which may be running. Blocking: call it in a thread.

`mode=ro` alone is not read-only: opening a database in WAL mode so leaves two files beside it, which belong to us and
stay. So a database in WAL mode without a log is opened as immutable, and one with a log is read from a copy.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

MAGIC = b"SQLite format 3\0"

_WAL = b"\x02\x02"  # file format version, bytes 18 and 19
_BUSY_SECONDS = 5.0
_COPIES = 5


class Unreadable(Exception):
    """A source that cannot be read; the message says why, without any of its content."""


def read_tables(path: Path, tables: Iterable[str]) -> dict[str, dict[str, str]]:
    """The tables of keys and values, each as a mapping; one that is not there is empty.

    Raises:
        Unreadable: it is no database, is damaged, or is being written all the time.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(20)
    if not head.startswith(MAGIC):
        raise Unreadable("is not a SQLite database")
    log = path.with_name(f"{path.name}-wal")
    try:
        if log.exists() and log.stat().st_size:
            return _read_copy(path, log, tables)
        return _read(path, "mode=ro&immutable=1" if head[18:] == _WAL else "mode=ro", tables)
    except sqlite3.Error:
        raise Unreadable("cannot be read: it is damaged, or another program is writing it") from None


def _read(path: Path, mode: str, tables: Iterable[str]) -> dict[str, dict[str, str]]:
    address = f"file:{quote(str(path.absolute()))}?{mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as database:
        there = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {
            table: {
                _text(key): _text(value)
                for key, value in database.execute(f'SELECT key, value FROM "{table}"')  # noqa: S608 - ours
            }
            if table in there
            else {}
            for table in tables
        }


def _read_copy(path: Path, log: Path, tables: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read a copy of both files, taken while neither changed, in a folder that only we can enter."""
    names = tuple(tables)
    for _ in range(_COPIES):
        with tempfile.TemporaryDirectory(prefix="kiro-trio-") as folder:
            copy = Path(folder) / "copy"
            before = _signature(path), _signature(log)
            shutil.copyfile(path, copy)
            shutil.copyfile(log, copy.with_name("copy-wal"))
            if before == (_signature(path), _signature(log)):
                return _read(copy, "mode=rw", names)
    raise Unreadable("is being written all the time: close the program that it belongs to")


def _signature(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

"""Files that are never half written, and locks that other processes honour. Blocking: call it in a thread."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

LOCK_PATIENCE = 10.0
"""Seconds to wait for another process. It holds the lock for the milliseconds of one write."""

NOT_REPLACEABLE = frozenset({errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS})
"""How the system says that a file cannot be replaced.

One that is a mount point of its own, as containers like them, cannot be; nor can one be made beside it if the directory
belongs to somebody else. It may still be writable itself.
"""


class Locked(OSError):
    """Another process holds the lock and does not let go."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of the file at `path` against threads and processes alike.

    Raises:
        Locked: not to be had within `LOCK_PATIENCE`.
        OSError: the lock's own file, hidden beside `path`, cannot be made.
    """
    lock = lock_beside(path)
    try:
        lock.acquire(timeout=LOCK_PATIENCE)
    except Timeout:
        raise Locked(errno.EAGAIN, "another process does not release the lock", lock.lock_file) from None
    try:
        yield
    finally:
        lock.release()


def lock_beside(path: Path, purpose: str = "") -> FileLock:
    """The lock (not yet taken) that guards `path`, or one `purpose` of it.

    A directory where nothing can be made has room for one lock only: the file itself, which then is never replaced.
    """
    name = f".{path.name}.{purpose}.lock" if purpose else f".{path.name}.lock"
    beside = os.access(path.parent, os.W_OK, effective_ids=True) or purpose or not path.exists()
    return FileLock(path.with_name(name) if beside else path, mode=0o600, thread_local=False)


class Written(NamedTuple):
    """A file as we wrote it: whether it took the old one's place (else it was written over it), and its `stat` then.

    To ask for the `stat` afterwards would be too late: it may be that of a file that somebody else has saved since.
    """

    replaced: bool
    stat: os.stat_result


def replace_file(path: Path, data: bytes) -> Written:
    """Make `data` the content of `path`, readable by its owner only, so that a crash leaves the old or the new.

    Call it under `locked(path)` if others write to it. What somebody has saved there meanwhile is lost; `succession` is for files
    where that may not be. A file that had to be written in place is one that a crash of the machine may damage.

    Raises:
        OSError: it cannot be written at all.
    """
    try:
        return Written(replaced=True, stat=_replace(path, data))
    except OSError as error:
        if error.errno not in NOT_REPLACEABLE or not path.exists():
            raise
        return Written(replaced=False, stat=overwrite(path, data))


def _replace(path: Path, data: bytes) -> os.stat_result:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    try:
        written = write_new(Path(name), data)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync_directory(path.parent)
    return written


def write_new(path: Path, data: bytes) -> os.stat_result:
    """Write a file that nobody else looks at, readable by its owner only, and bring it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        return os.fstat(file.fileno())


def overwrite(path: Path, data: bytes) -> os.stat_result:
    """Write in place, padded to the old length and in one call: killed in between, the file is still whole JSON."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        _make_room(descriptor, size, len(data))
        _write_all(descriptor, data.ljust(size), 0)
        os.ftruncate(descriptor, len(data))
        written = os.fstat(descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return written


def _make_room(descriptor: int, size: int, wanted: int) -> None:
    """Let a full disk say so while the old content is still there; blanks at its end do it no harm."""
    try:
        _write_all(descriptor, b" " * (wanted - size), size)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _write_all(descriptor: int, data: bytes, position: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], position + written)


def sync_directory(directory: Path) -> None:
    """Bring to the disk which files there are in a directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def writable(path: Path) -> bool:
    """Whether a file could be changed as it lies there. True if there is none, for then there is nothing to change."""
    if not path.exists():
        return not path.is_symlink()
    return path.is_file() and os.access(path, os.W_OK, effective_ids=True)

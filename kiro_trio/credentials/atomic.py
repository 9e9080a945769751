"""Files that are never half written, and locks that other processes honour. Blocking: call it in a thread."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

LOCK_PATIENCE = 10.0
"""Seconds to wait for another process. It holds the lock for the milliseconds of one write."""

# A file that is a mount point of its own, as containers like them, cannot be replaced; nor can one be made beside it
# if the directory belongs to somebody else. It may still be writable itself.
_NOT_REPLACEABLE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


class Locked(OSError):
    """Another process holds the lock and does not let go."""


class Overtaken(Exception):
    """Somebody who knows no lock, such as an editor, has changed the file meanwhile; it was left as it is."""


def _always() -> bool:
    return True


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


def replace_file(path: Path, data: bytes, still: Callable[[], bool] = _always) -> Written:
    """Make `data` the content of `path`, readable by its owner only, so that a crash leaves the old or the new.

    Call it under `locked(path)`. `still` is asked at the last moment whether the file is the one that `data` was made
    from: bringing it safely to the disk takes long enough for somebody to save his own. A file that had to be written in
    place is one that a crash of the machine may damage.

    Raises:
        OSError: it cannot be written at all.
        Overtaken: it is not.
    """
    try:
        return Written(replaced=True, stat=_replace(path, data, still))
    except OSError as error:
        if error.errno not in _NOT_REPLACEABLE or not path.exists():
            raise
        return Written(replaced=False, stat=_overwrite(path, data, still))


def sweep(path: Path) -> None:
    """Remove what a killed writer left beside `path`; call it under `locked(path)`, so that no writer is at work."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(OSError):
            left.unlink()


def _replace(path: Path, data: bytes, still: Callable[[], bool]) -> os.stat_result:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            written = os.fstat(file.fileno())
        _check(still)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    _sync_directory(path.parent)
    return written


def _check(still: Callable[[], bool]) -> None:
    if not still():
        raise Overtaken


def _overwrite(path: Path, data: bytes, still: Callable[[], bool]) -> os.stat_result:
    """Write in place, padded to the old length and in one call: killed in between, the file is still whole JSON."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        _check(still)
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


def _sync_directory(directory: Path) -> None:
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

"""What the system can do with two files beyond Python's library: let them change places, and say whether one is being written.

Blocking, but for microseconds. Nobody keeps a library for it that is up to date; so this is `ctypes` and `fcntl`.
"""

import ctypes
import errno
import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

Exchange = Callable[[Path, Path], None]
"""As `exchange`; what takes one can be shown what happens between any two steps."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # <linux/fs.h>
_RENAME_SWAP = 2  # <sys/stdio.h> of macOS


def exchange(one: Path, other: Path) -> None:
    """Let two files of one directory change names, in one step: under neither name there is ever nothing, or half.

    Raises:
        FileNotFoundError: one of them is not there.
        OSError: it cannot be done here: an old C library, or a file system that does not know it, such as NFS.
    """
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(_LIBC, "renameat2"):  # Linux, with glibc from 2.28 on
        failed = _LIBC.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    elif hasattr(_LIBC, "renamex_np"):  # macOS; not tried there by us
        failed = _LIBC.renamex_np(*names, _RENAME_SWAP)
    else:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), os.fspath(one))
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fspath(one), None, os.fspath(other))


def tells_writers(path: Path) -> bool:
    """Whether `read_settled` can know who writes to files where this one lies, which nobody writes.

    It can on Linux's own file systems.
    """
    try:
        with path.open("rb") as file:
            return _lease(file.fileno())
    except OSError:
        return False


def read_settled(path: Path, *, telling: bool) -> bytes | None:
    """The content of a file that has come to rest; None: there is none to be read, or somebody has it open for writing.

    `telling`: as `tells_writers` said; without it, who writes is not known. Of a file that belongs to another user it
    is not known either.
    """
    try:
        with path.open("rb") as file:
            held = telling and _lease(file.fileno())
            data = file.read()
            # Who would write waits until the file is closed here; somebody is about to, if the lease is to end.
            return None if held and fcntl.fcntl(file, fcntl.F_GETLEASE) != fcntl.F_RDLCK else data
    except OSError:
        return None


def _lease(descriptor: int) -> bool:
    """Take a lease, which the system gives only for a file that nobody has open for writing; closing the file ends it.

    False: there are none here.

    Raises:
        BlockingIOError: somebody has it open for writing.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        # Of whoever opens the file for writing we are told by a signal. The usual one would end the process, this one is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True

"""stdout as it may be: a pipe whose reader has left, a full disk. Neither is worth a traceback."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click


def reader_left(error: BaseException) -> bool:
    """Whether it says no more than that nobody reads what we print."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return isinstance(error, OSError) and error.errno == errno.EPIPE


@contextmanager
def outlet() -> Iterator[None]:
    """Print to the end what was begun, also when the work inside exits.

    A reader that left ends the work with exit code 1 and no word, as in `kiro-trio accounts list | head -1`. What could
    not be printed for another reason is said in one line.
    """
    try:
        yield
    except SystemExit as leaving:
        _let_go(_flushed() or leaving)
    except Exception as error:
        lost = _flushed()
        if lost is None and not reader_left(error):
            raise
        _let_go(lost or error)
    else:
        _let_go(_flushed())


def _flushed() -> OSError | None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return error
    except ValueError:  # it is closed
        pass
    return None


def _let_go(error: BaseException | None) -> None:
    if error is None:
        return
    if isinstance(error, SystemExit):
        raise error
    if not reader_left(error):
        reason = error.strerror if isinstance(error, OSError) else str(error)
        with suppress(OSError):
            click.echo(f"Error: cannot write to stdout: {reason}", err=True)
    # What is left in the buffer has no place to go; Python would complain about it at the very end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(1)

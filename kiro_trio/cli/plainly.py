"""How a command fails: what its user can mend is one sentence and an exit code, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from kiro_trio.cli.outlet import reader_left
from kiro_trio.cli.replay_file import Unreadable
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.credentials.entry import InvalidEntry
from kiro_trio.credentials.file import NotWritten
from kiro_trio.credentials.ledger import DuplicateCredential
from kiro_trio.credentials.login.desk import SignInFailed
from kiro_trio.settings import SettingsError
from kiro_trio.simulator.script import ScriptError

# What the user wrote is wrong: 2, as for a wrong flag. What the machine does not let us do: 1.
_EXIT_CODES: dict[type[Exception], int] = {
    SettingsError: 2,
    ScriptError: 2,
    Unreadable: 2,
    InvalidFile: 2,
    InvalidEntry: 2,
    SignInFailed: 1,
    NotWritten: 1,
    DuplicateCredential: 1,
    OSError: 1,
}


class _Told(click.ClickException):
    def __init__(self, error: Exception, address: str) -> None:
        super().__init__(_in_words(error, address) if isinstance(error, OSError) else str(error))
        self.exit_code = next(code for kind, code in _EXIT_CODES.items() if isinstance(error, kind))  # type: ignore[misc]


@contextmanager
def plainly(address: str = "") -> Iterator[None]:
    """Turn what the user can mend into a click error; anything else is a bug of ours and keeps its traceback.

    `address` is where the command is to listen: what the system refuses without naming a file is that.
    """
    try:
        yield
    except tuple(_EXIT_CODES) as error:
        if reader_left(error):
            raise
        raise _Told(error, address) from None
    except ExceptionGroup as group:
        # Nurseries wrap what leaves them, each once more; a lone error at the bottom is what happened.
        only = _only(group)
        if reader_left(only) or not isinstance(only, tuple(_EXIT_CODES)):
            raise
        raise _Told(only, address) from None


def _only(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _in_words(error: OSError, address: str) -> str:
    reason = error.strerror or str(error)
    if error.filename:
        return f"cannot use {error.filename}: {reason}"
    return f"cannot listen on {address}: {reason}" if address else reason

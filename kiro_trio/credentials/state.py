"""The file beside the credentials that remembers how the accounts stand, over restarts and for several processes."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import trio

from kiro_trio.credentials.atomic import locked, replace_file
from kiro_trio.credentials.record import Record, decode_records, encode_records, merge_records
from kiro_trio.telemetry import get_logger

_LOG = get_logger("credentials")


def state_path(credentials: Path) -> Path:
    """Where the state of a credentials file is: `credentials.state.json` beside `credentials.json`."""
    return credentials.with_name(f"{credentials.stem}.state.json")


class StateFile:
    """The records of all accounts, shared with other processes. `problem` says what is wrong with it, "" if nothing.

    It holds no secrets, and nothing in it is worth a failed request: what cannot be read counts as empty, what cannot
    be written is tried again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._base: dict[int, Record] = {}
        self._busy = trio.Lock()

    async def load(self) -> dict[int, Record]:
        """Read all records; none from a file that is missing or damaged."""
        async with self._busy:
            found = await trio.to_thread.run_sync(self._read)
            self._base = found or {}
            return dict(self._base)

    async def save(self, records: Mapping[int, Record]) -> dict[int, Record]:
        """Write our records, joined with what other processes wrote since; returns them joined.

        Accounts that we had and have no more are dropped. A task that is cancelled meanwhile leaves when the file is
        written.
        """
        async with self._busy:
            joined = await trio.to_thread.run_sync(self._join_and_write, dict(records))
            self._base = joined
            return dict(joined)

    def _join_and_write(self, ours: Mapping[int, Record]) -> dict[int, Record]:
        joined = dict(ours)
        try:
            with locked(self.path):
                theirs = self._read()
                joined = _joined(self._base, ours, self._base if theirs is None else theirs)
                if joined != theirs:
                    replace_file(self.path, encode_records(joined))
        except OSError as error:
            self._report(
                f"{self.path}: cannot be written, so standings are forgotten at the end: {error.strerror or error}"
            )
        else:
            self._report("")
        return joined

    def _read(self) -> dict[int, Record] | None:
        try:
            return decode_records(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            self._report(f"{self.path}: cannot be read: {error.strerror or error}")
        except msgspec.DecodeError:
            self._report(f"{self.path}: was damaged, so what it remembered is lost")
        return None

    def _report(self, problem: str) -> None:
        if problem and problem != self.problem:
            _LOG.warning("state of the accounts", problem=problem)
        self.problem = problem


def _joined(
    base: Mapping[int, Record], ours: Mapping[int, Record], theirs: Mapping[int, Record]
) -> dict[int, Record]:
    nothing = Record()
    joined = {
        number: merge_records(base.get(number, nothing), record, theirs.get(number, nothing))
        for number, record in ours.items()
    }
    return joined | {
        number: record for number, record in theirs.items() if number not in ours and number not in base
    }

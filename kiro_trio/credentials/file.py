"""The file `credentials.json` on its disk. Blocking: call it in a thread, one call at a time.

Every change reads the file anew, lays a few keys over it and replaces it, all under a lock that other processes
honour. What cannot be written is known nevertheless, is named as a problem, is put into a file of its own if that is
possible, and is tried again with the next call.
"""

import copy
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from kiro_trio.credentials.atomic import locked
from kiro_trio.credentials.credential import Credential, Defaults
from kiro_trio.credentials.document import Document, InvalidFile, parse_document, render_document
from kiro_trio.credentials.entry import Entry, InvalidEntry, read_entry, with_the_proxy
from kiro_trio.credentials.ledger import Changes, Ledger
from kiro_trio.credentials.rescue import Rescue
from kiro_trio.credentials.succession import Overtaken, left_beside, recover, succeed, sweep
from kiro_trio.credentials.swap import Exchange, exchange

_T = TypeVar("_T")
_Signature = tuple[int, int, int]

# So often we begin anew because somebody saves the file at the moment at which we do; so often we look again at a file that he may
# be about to fill; and so many seconds later.
_ROUNDS, _LOOKS, _PAUSE = 20, 5, 0.01
_OVERTAKEN = "somebody changes it all the time"

_READ_ONLY = "cannot be written: renewed tokens are lost when the gateway stops, and the accounts with them"
_IN_PLACE = (
    "cannot be replaced, only overwritten, so a power cut may damage it: let the gateway own its directory"
)


class NotWritten(Exception):
    """What the owner wanted changed is not in the file, and nothing has changed; the message says why."""


class CredentialsFile:
    """Reads and writes one file. `problem` and `place_problem` say what is wrong now, "" if nothing is.

    `exchange` lets two files change places.
    """

    def __init__(self, path: Path, defaults: Defaults, exchange: Exchange = exchange) -> None:
        self.path = Path(os.path.realpath(path))  # a symbolic link is followed, not replaced
        self.rescue = Rescue(self.path)
        self.problem = ""
        self.place_problem = ""
        self.unsaved = False
        self.signed_in: set[int] = set()
        self._defaults = defaults
        self._exchange = exchange
        self._ledger = Ledger(defaults)
        self._signature: _Signature | None = None
        self._read_at: _Signature | None = None
        self._data: bytes | None = None
        self._single = False

    def credentials(self) -> dict[int, Credential]:
        """Every credential as it is known now, saved or not, in the order of the file."""
        return self._ledger.credentials()

    def picture(self) -> tuple[dict[int, Credential], list[str]]:
        """Every credential, and what is wrong with single entries: where each stands, and the keys."""
        credentials = self.credentials()
        found = {
            self._ledger.places.get(credential.id, 0): f"(id {credential.id}): {credential.flaw}"
            for credential in credentials.values()
            if credential.flaw
        } | dict.fromkeys(self._ledger.strays, "is not an object")
        return credentials, [f"entry {place} {flaw}" for place, flaw in sorted(found.items())]

    def stale(self) -> bool:
        """Whether `sync` has something to do. Costs a `stat` and a look into the directory, and may be called beside another call."""
        return (
            self.unsaved
            or self._stat() != self._signature
            or bool(left_beside(self.path) or self.rescue.notes())
        )

    def open(self) -> None:
        """Read the file for the first time and complete it: ids, machine ids, what an earlier process left over.

        Raises:
            InvalidFile: it cannot be read or understood as a whole; the message names it.
        """
        try:
            with self._guard():
                self._ledger.reconcile(self._read())
                self._ledger.restore(self.rescue.left_over())
        except InvalidFile as error:
            raise InvalidFile(f"{self.path}: {error}") from None
        except OSError as error:
            raise InvalidFile(f"{self.path}: cannot be read: {self._why(error)}") from error
        self.sync()

    def sync(self) -> None:
        """Make file and knowledge one; whatever goes wrong becomes `problem`, and nothing known is forgotten."""
        try:
            with self._guard():
                self._unite()
                self.problem = ""
        except InvalidFile as error:
            self.problem = f"{error}; what was last known of it is used on"
            self._signature = self._read_at
        except OSError as error:
            self.problem = f"cannot be used: {self._why(error)}"
        self.unsaved = self._ledger.unsaved
        if self.unsaved:
            self.problem += f"; renewed tokens are kept {self.rescue.keep(self._ledger.pending)}"

    def _unite(self) -> None:
        for _ in range(_ROUNDS):
            document = self._read()
            self._signature = self._read_at
            self.signed_in |= self._ledger.reconcile(document)
            if not (self._ledger.unsaved or document.lost):
                sweep(self.path)
                self.rescue.forget()
                return
            with suppress(Overtaken):
                self._write(document)
                return
            time.sleep(_PAUSE)
        raise OSError(errno.EBUSY, _OVERTAKEN)

    def save(self, credential_id: int, changes: Changes) -> None:
        """Keep changes of our own: in memory whatever happens, and in the file if it can be written."""
        self._ledger.note(credential_id, changes)
        self.sync()

    def edit(self, credential_id: int, changes: Changes) -> None:
        """Make an owner's changes to one entry; None takes a key away. With another proxy go the old one's name and password.

        Raises:
            InvalidEntry: the entry would have a flaw that it does not have now, or another id.
            NotWritten: they are not in the file, and nothing has changed.
            KeyError: there is no such credential.
        """

        def change(document: Document) -> None:
            entry = next((found for found in document.entries if _has_id(found, credential_id)), None)
            if entry is None:
                raise KeyError(credential_id)
            flaws = self._flaws(entry)
            wanted = with_the_proxy(entry, changes)
            entry.update(wanted)
            for key in [key for key, value in wanted.items() if value is None]:
                del entry[key]
            if new := self._flaws(entry) - flaws:
                raise InvalidEntry("; ".join(sorted(new)))
            # As if an editor had done it: what follows from a new token or another priority follows here too.
            self.signed_in |= self._ledger.reconcile(document)

        if changes.get("id", credential_id) != credential_id:
            raise InvalidEntry("`id` cannot be changed")
        self._change(change)

    def add(self, entry: Entry) -> int:
        """Add an entry and return its id. A file with a single object becomes an array.

        Raises:
            InvalidEntry: it cannot be used.
            NotWritten: it is not in the file, and nothing has changed.
            DuplicateCredential: the account is there already.
        """
        if flaws := self._flaws(entry):
            raise InvalidEntry("; ".join(sorted(flaws)))
        return self._change(lambda document: self._ledger.add(document, copy.deepcopy(entry)))

    def remove(self, credential_id: int) -> None:
        """Take an entry out of the file.

        Raises:
            NotWritten: it is still there.
            KeyError: there is no such credential.
        """

        def change(document: Document) -> None:
            if not self._ledger.remove(document, credential_id):
                raise KeyError(credential_id)

        self._change(change)

    def _change(self, change: Callable[[Document], _T]) -> _T:
        """Make an owner's change and write it, or change nothing."""
        before = self._ledger
        try:
            with self._guard():
                before = copy.deepcopy(self._ledger)
                result = self._changed(change, before)
        except (OSError, InvalidFile) as error:
            self._ledger = before
            why = self._why(error) if isinstance(error, OSError) else str(error)
            raise NotWritten(f"{self.path}: {why}") from error
        self.problem, self.unsaved = "", self._ledger.unsaved
        return result

    def _changed(self, change: Callable[[Document], _T], before: Ledger) -> _T:
        for _ in range(_ROUNDS):
            document = self._read()
            self.signed_in |= self._ledger.reconcile(document)
            result = change(document)
            with suppress(Overtaken):
                self._write(document)
                return result
            self._ledger = copy.deepcopy(before)
            time.sleep(_PAUSE)
        raise OSError(errno.EBUSY, _OVERTAKEN)

    def _flaws(self, entry: Entry) -> set[str]:
        return set(filter(None, read_entry(entry, 0, self._defaults.endpoints).flaw.split("; ")))

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """The lock, unless there is nothing to guard: who can write neither the file nor beside it only reads."""
        beside = os.access(self.path.parent, os.W_OK, effective_ids=True)
        inside = os.access(self.path, os.W_OK, effective_ids=True)
        self.place_problem = "" if beside else _IN_PLACE if inside else _READ_ONLY
        with locked(self.path) if beside or inside else nullcontext():
            if beside:
                self._inherit()
            yield

    def _inherit(self) -> None:
        """Take up what lies beside the file: of a process that was killed, or waits for the lock."""
        versions, found = recover(self.path, self._exchange), self.rescue.noted()
        noted = [pending for pending in found if not self._ledger.awaits(pending)]
        if versions or noted:
            self.signed_in |= self._ledger.reconcile(self._read())
        for data in versions:
            with suppress(InvalidFile):
                self._ledger.inherit(parse_document(data))
        for pending in noted:
            self._ledger.restore(pending)

    def _why(self, error: OSError) -> str:
        """What the system says, and of which file if it is the lock: another user's, say."""
        reason, name = error.strerror or str(error), os.fsdecode(error.filename or "")
        return f"{reason} ({name})" if name.endswith(".lock") else reason

    def _read(self) -> Document:
        known = bool(self._ledger.entries())
        for _ in range(_LOOKS if known else 0):
            with suppress(InvalidFile):
                return self._read_once()
            time.sleep(_PAUSE)
        return self._read_once()

    def _read_once(self) -> Document:
        known = self._ledger.entries()
        self._read_at = self._stat()  # before it is read: who changes it meanwhile is noticed afterwards
        try:
            self._data = data = self.path.read_bytes()
        except FileNotFoundError:
            self._data = None
            if known and not self._ledger.unsaved:
                raise InvalidFile("is gone") from None
            return Document(list(known.values()), self._single, lost=bool(known))
        if known and not data.strip():
            raise InvalidFile("is empty")  # an editor may be about to fill it
        document = parse_document(data)
        self._single = document.single
        return document

    def _write(self, document: Document) -> None:
        """Write the document that was read last; raises `Overtaken` if the file is another one by now."""
        data = render_document(document)
        self._signature = self._read_at
        if data != self._data:
            written = succeed(self.path, data, self._data, self._exchange)
            if not written.replaced:
                self.place_problem = _IN_PLACE
            self._signature = _signature(written.stat)
        self._ledger.saved()
        sweep(self.path)
        self.rescue.forget()
        self.rescue.clear()

    def _stat(self) -> _Signature | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return _signature(found)


def _signature(found: os.stat_result) -> _Signature:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _has_id(entry: Any, credential_id: int) -> bool:
    return isinstance(entry, dict) and entry.get("id") == credential_id

"""The files beside the credentials file that have what that one has not, or not yet. Blocking: call it in a thread."""

import glob
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kiro_trio.credentials.atomic import replace_file
from kiro_trio.credentials.ledger import Changes


class Rescue:
    """Unsaved changes, by the credential's id: what the file does not take is in `credentials.json.unsaved`.

    What a renewal has just brought is noted first, in `.credentials.json.renewed-ID-DIGEST`: reading, merging and writing the whole file in
    turn with other processes takes longer than a process may have left to live.
    """

    def __init__(self, credentials: Path) -> None:
        self.path = credentials.with_name(f"{credentials.name}.unsaved")
        self._name = credentials.name
        self._kept = b""
        self._noted: list[Path] = []

    def keep(self, pending: Mapping[int, Changes]) -> str:
        """Put them there; says where they are now."""
        data = json.dumps(pending).encode()
        try:
            if data != self._kept:
                replace_file(self.path, data)
        except OSError:
            return "in memory only, and are lost when the gateway stops"
        self._kept = data
        return f"in {self.path}"

    def left_over(self) -> Mapping[int, Changes]:
        """What an earlier process could not save; nothing, if that is unreadable. What it left half written is removed."""
        for half in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.tmp"):
            with suppress(OSError):
                half.unlink()
        return _pending(self.path)

    def note(self, credential_id: int, changes: Changes) -> None:
        """Put down what must not get lost on its way into the file. It is not brought to the disk, for that takes as long."""
        half = self.path.with_name(f".{self._name}.renewing-{credential_id}")
        with suppress(OSError):
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            data = json.dumps({credential_id: changes}).encode()
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            # Named by what it says, so that whoever takes an earlier one along does not remove this one.
            digest = hashlib.sha256(data).hexdigest()[:16]
            half.replace(self.path.with_name(f".{self._name}.renewed-{credential_id}-{digest}"))

    def notes(self) -> list[Path]:
        """Where something is noted, by us or by another process, which may be dead."""
        return sorted(self.path.parent.glob(f".{glob.escape(self._name)}.renewed-*"))

    def noted(self) -> list[Mapping[int, Changes]]:
        """What is noted. Call it, and `forget`, under the lock of the credentials file."""
        self._noted = self.notes()
        return [_pending(note) for note in self._noted]

    def forget(self) -> None:
        """What was `noted` is in the file."""
        for note in self._noted:
            with suppress(OSError):
                note.unlink()

    def clear(self) -> None:
        """Everything is saved."""
        self._kept = b""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _pending(path: Path) -> Mapping[int, Changes]:
    """The changes in one of the files; nothing, if it is unreadable."""
    try:
        pending = json.loads(path.read_bytes())
        return {int(number): dict(changes) for number, changes in pending.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}

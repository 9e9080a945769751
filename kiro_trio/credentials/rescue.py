"""The file beside the credentials file that takes what that one does not. Blocking: call it in a thread."""

import glob
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kiro_trio.credentials.atomic import replace_file
from kiro_trio.credentials.ledger import Changes


class Rescue:
    """Unsaved changes, by the credential's id, in `credentials.json.unsaved`."""

    def __init__(self, credentials: Path) -> None:
        self.path = credentials.with_name(f"{credentials.name}.unsaved")
        self._kept = b""

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
        try:
            pending = json.loads(self.path.read_bytes())
            return {int(number): dict(changes) for number, changes in pending.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def clear(self) -> None:
        """Everything is saved."""
        self._kept = b""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

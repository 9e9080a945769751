"""What can be wrong with settings: always where it stands, what it is called, and what was expected there."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where a setting was found: `where` names the file, the variable or the flag, `key` the key in the file."""

    where: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.key}" if self.key else self.where


class SettingsError(Exception):
    """A setting that cannot be used.

    The message is one sentence for the person at the terminal: the place, and what must be there. It never holds a
    secret.
    """

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(f"{place} {problem}")
        self.place = place

"""An account as it was found with another program. Pure."""

from dataclasses import dataclass, field
from enum import Enum

from kiro_trio.credentials.entry import Entry


class Source(Enum):
    """Who keeps it."""

    KIRO_IDE = "Kiro IDE"
    KIRO_CLI = "kiro-cli"
    AMAZON_Q = "Amazon Q CLI"
    ACCOUNT_MANAGER = "account manager"
    CREDENTIALS_FILE = "credentials file"

    @property
    def official(self) -> bool:
        """Whether it renews its tokens by itself as long as it is signed in."""
        return self in {Source.KIRO_IDE, Source.KIRO_CLI, Source.AMAZON_Q}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account that was found.

    `entry` is what it would be in our file, `place` which one it is in its source, `problem` why it cannot be taken ("" if
    it can), as far as that is known without looking at our own accounts.
    """

    source: Source
    place: str
    entry: Entry = field(repr=False)
    problem: str = ""

"""What the tasks of this room share: the store, the roster, the way to Kiro, and the clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

import trio

from kiro_trio.credentials.account import Account
from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import Credential, Defaults
from kiro_trio.credentials.entry import fingerprint, read_entry
from kiro_trio.credentials.record import Record
from kiro_trio.credentials.roster import Roster
from kiro_trio.credentials.state import StateFile
from kiro_trio.credentials.store import CredentialStore
from kiro_trio.telemetry import register_secret

ENVIRONMENT_ID = 0
"""The id of the key from the environment; ids in the store begin with 1."""


def environment_credential(key: str, defaults: Defaults) -> Credential | None:
    """The credential of `KIRO_API_KEY`, or None for an empty one. It lives in memory only and is never written."""
    if not key.strip():
        return None
    register_secret(key.strip())
    return read_entry({"kiroApiKey": key}, ENVIRONMENT_ID, defaults.endpoints)


@dataclass(slots=True, eq=False)
class Custody:
    """The accounts and what it takes to care for them.

    `clock` gives epoch seconds, `jitter` random numbers from 0 to 1. `environment` comes before all of the store.
    `dirty` is set when there is something to remember, `records` is what was remembered last. `changed` is called whenever an account may have become free, or was put out.
    """

    store: CredentialStore
    state: StateFile
    calls: SmallCalls
    roster: Roster
    defaults: Defaults = field(default_factory=Defaults)
    wire: Wire = field(default_factory=Wire)
    environment: Credential | None = None
    clock: Callable[[], float] = wall_clock
    jitter: Callable[[], float] = field(default_factory=lambda: SystemRandom().random)
    changed: Callable[[], None] = lambda: None
    dirty: trio.Event = field(default_factory=trio.Event)
    records: dict[int, Record] = field(default_factory=dict)
    _mustered: Mapping[int, Credential] | None = None

    def credential(self, credential_id: int) -> Credential | None:
        """The credential as it is now, if it is there (still)."""
        account = self.roster.get(credential_id)
        return None if account is None else account.credential

    def account(self, credential_id: int) -> Account | None:
        """The account as it is now, if it is there (still)."""
        return self.roster.get(credential_id)

    def muster(self) -> None:
        """Bring the roster up to what the store knows, if that is news."""
        known, self._mustered = self._mustered, self.store.credentials
        if known is self._mustered:
            return
        credentials = list(self._mustered.values())
        marks = {fingerprint(credential.secret) for credential in credentials}
        if self.environment is not None and fingerprint(self.environment.secret) not in marks:
            credentials.insert(0, self.environment)
        self.roster.muster(credentials, self.records)
        for credential_id in self.store.sign_ins():
            account = self.roster.get(credential_id)
            if account is not None:
                account.reset()
        self.touch()

    def touch(self) -> None:
        """Something of an account has changed: serve who waits, and remember it."""
        self.dirty.set()
        self.changed()

    async def sync(self) -> None:
        """Take in what others changed in the store."""
        await self.store.sync()
        self.muster()

    async def save(self, credential_id: int, changes: Mapping[str, Any]) -> None:
        """Keep changes of our own; those of the environment's credential stay in memory."""
        if credential_id != ENVIRONMENT_ID:
            await self.store.save(credential_id, changes)
            self.muster()

    async def load_state(self) -> None:
        """Recall how the accounts stood."""
        self.records = await self.state.load()
        await self.sync()  # the state may speak of a token that another process has just stored
        for account in self.roster:
            account.recall(self.records.get(account.id, Record()))
        self.touch()

    async def save_state(self) -> None:
        """Write down how the accounts stand, and learn what other processes wrote."""
        self.dirty = trio.Event()
        snapshots = {account.id: account.record() for account in self.roster}
        self.records = await self.state.save(snapshots)
        for account in self.roster:
            if account.id in snapshots and self.records[account.id] != snapshots[account.id]:
                account.absorb(snapshots[account.id], self.records[account.id])
        self.changed()

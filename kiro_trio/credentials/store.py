"""Where credentials are kept: the store's interface, and the store that is a file."""

import errno
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import trio
from filelock import Timeout

from kiro_trio.credentials.atomic import Locked, lock_beside
from kiro_trio.credentials.credential import Credential, Defaults
from kiro_trio.credentials.entry import Entry
from kiro_trio.credentials.file import CredentialsFile
from kiro_trio.credentials.ledger import Changes, continued
from kiro_trio.telemetry import get_logger, register_secret

# A renewal of another process takes up to a minute, the limit of a small call.
RENEWAL_LOCK_PATIENCE = 90.0
_LOCK_POLL = 0.1

_LOG = get_logger("credentials")
_T = TypeVar("_T")


class CredentialStore(Protocol):
    """Keeps credentials. Its methods may be called from several tasks at once; none leaves a change half done."""

    @property
    def credentials(self) -> Mapping[int, Credential]:
        """Every credential by id, as it is known now, in the order of the store."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What the owner should mend, a sentence each, without secrets."""

    def sign_ins(self) -> frozenset[int]:
        """The credentials that somebody signed in anew since this was asked last."""

    async def sync(self) -> None:
        """Take in what others changed, and save what could not be saved before."""

    async def save(self, credential_id: int, changes: Changes) -> None:
        """Keep changes of our own, such as a renewed token: in memory whatever happens, and in the store if it can."""

    async def edit(self, credential_id: int, changes: Changes) -> None:
        """Make an owner's changes; raises `InvalidEntry`, `NotWritten`, or `KeyError` for an unknown id."""

    async def add(self, entry: Entry) -> int:
        """Add an entry and return its id; raises `InvalidEntry`, `NotWritten` or `DuplicateCredential`."""

    async def remove(self, credential_id: int) -> None:
        """Forget a credential; raises `NotWritten`, or `KeyError` for an unknown id."""

    def renewing(self, credential_id: int) -> AbstractAsyncContextManager[None]:
        """Hold the right to renew a credential, against all other processes; raises `Locked`."""


class FileStore:
    """A `credentials.json`: an object or an array, and it stays what it is. Await `open` before anything else.

    A task that is cancelled while a change is being written leaves when it is written.
    """

    def __init__(self, path: Path, defaults: Defaults) -> None:
        self._file = CredentialsFile(path, defaults)
        self._busy = trio.Lock()
        self._credentials: Mapping[int, Credential] = MappingProxyType({})
        self._problems: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file itself, behind symbolic links."""
        return self._file.path

    @property
    def credentials(self) -> Mapping[int, Credential]:
        """Every credential by id, as it is known now, in the order of the file."""
        return self._credentials

    @property
    def problems(self) -> tuple[str, ...]:
        """What the owner should mend: the file, where it lies, and each entry that cannot be used."""
        return self._problems

    def sign_ins(self) -> frozenset[int]:
        """The credentials that somebody signed in anew since this was asked last."""
        signed_in = frozenset(self._file.signed_in)
        self._file.signed_in -= signed_in
        return signed_in

    async def open(self) -> None:
        """Read the file for the first time, and give its entries what they lack: ids and machine ids.

        Raises:
            InvalidFile: it cannot be read or understood as a whole; the message names it. A flaw of one entry is no
                reason: it stands in `problems`, and the other entries work.
        """
        await self._run(self._file.open)

    async def sync(self) -> None:
        """Take in what others changed, and save what could not be saved before; one `stat` if there is neither."""
        # What another task has read but not yet told is no news to the file, but it is to whoever asks for the news.
        async with self._busy:
            stale = self._file.stale()
        if stale:
            await self._run(self._file.sync)

    async def save(self, credential_id: int, changes: Changes) -> None:
        """Keep changes of our own, such as a renewed token: in memory whatever happens, and in the file if it can.

        It cannot be cancelled, not even while it waits for its turn: the old token is dead already.
        """
        with trio.CancelScope(shield=True):
            if "refreshToken" in changes and credential_id in self._credentials:
                noted = continued(changes, self._credentials[credential_id].lineage)
                await trio.to_thread.run_sync(self._file.rescue.note, credential_id, noted)
            await self._run(self._file.save, credential_id, changes)

    async def edit(self, credential_id: int, changes: Changes) -> None:
        """Make an owner's changes to one entry; None takes a key away.

        Raises:
            InvalidEntry: the entry would have a flaw that it does not have now, or another id.
            NotWritten: they are not in the file, and nothing has changed.
            KeyError: there is no such credential.
        """
        await self._run(self._file.edit, credential_id, changes)

    async def add(self, entry: Entry) -> int:
        """Add an entry and return its id. A file with a single object becomes an array.

        Raises:
            InvalidEntry: it cannot be used.
            NotWritten: it is not in the file, and nothing has changed.
            DuplicateCredential: the account is there already.
        """
        return await self._run(self._file.add, entry)

    async def remove(self, credential_id: int) -> None:
        """Take an entry out of the file.

        Raises:
            NotWritten: it is still there.
            KeyError: there is no such credential.
        """
        await self._run(self._file.remove, credential_id)

    @asynccontextmanager
    async def renewing(self, credential_id: int) -> AsyncIterator[None]:
        """Hold the right to renew a credential, against all other processes that use this file.

        Where no lock can be made, no other process can write to the file either.

        Raises:
            Locked: another process has been at it for longer than any renewal takes.
        """
        lock = lock_beside(self.path, f"renewal-{credential_id}")
        held = await _acquired(lock.acquire)
        try:
            yield
        finally:
            if held:
                lock.release()

    async def _run(self, work: Callable[..., _T], *args: Any) -> _T:
        async with self._busy:
            try:
                return await trio.to_thread.run_sync(work, *args)
            finally:
                with trio.CancelScope(shield=True):  # reading a thousand accounts takes some 100 ms: not here
                    self._publish(*await trio.to_thread.run_sync(self._file.picture))

    def _publish(self, credentials: dict[int, Credential], flaws: Sequence[str]) -> None:
        for credential in credentials.values():
            if credential != self._credentials.get(credential.id):
                _register_secrets(credential)
        self._credentials = MappingProxyType(credentials)
        found = (self._file.problem, self._file.place_problem, *flaws)
        problems = tuple(f"{self.path}: {problem}" for problem in found if problem)
        for problem in problems:
            if problem not in self._problems:
                _LOG.error("credentials need their owner", problem=problem)
        self._problems = problems


async def _acquired(acquire: Callable[..., object]) -> bool:
    """Take a lock without blocking the event loop; False if there can be no lock here."""
    with trio.move_on_after(RENEWAL_LOCK_PATIENCE):
        while True:
            try:
                acquire(blocking=False)
            except Timeout:
                await trio.sleep(_LOCK_POLL)
            except OSError:
                return False
            else:
                return True
    raise Locked(errno.EAGAIN, "another process does not finish its renewal")


def _register_secrets(credential: Credential) -> None:
    register_secret(credential.access_token)
    register_secret(credential.refresh_token)
    register_secret(credential.kiro_api_key)
    register_secret(credential.client_secret)
    register_secret(credential.proxy.password if credential.proxy else "")

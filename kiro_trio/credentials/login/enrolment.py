"""Putting an account into the store: as a new one, or in the place of the same account's older sign-in."""

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from kiro_trio.credentials.atomic import Locked
from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.document import InvalidFile, parse_document
from kiro_trio.credentials.entry import LINEAGE, Entry, InvalidEntry, read_entry
from kiro_trio.credentials.ledger import DuplicateCredential
from kiro_trio.credentials.login.person import find_person
from kiro_trio.credentials.store import CredentialStore

# A new sign-in leaves nothing of these, unless it brings them itself.
_OF_THE_SIGN_IN = (
    "accessToken",
    "expiresAt",
    "profileArn",
    "arnMode",
    "clientId",
    "clientSecret",
    "clientSecretExpiresAt",
    "authRegion",
    "startUrl",
    "disabled",
    LINEAGE,
)

# These belong to the account, whoever signs in: its machine does not change with its token.
_OF_THE_ACCOUNT = ("id", "machineId")


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Where an account is now; `replaced` if it was there before, with an older sign-in."""

    credential_id: int
    replaced: bool = False


async def entries_of(path: Path) -> dict[int, Entry]:
    """The entries of a file as they are written, by id; those without one have no place here.

    The store shows credentials, which leave out what the gateway has no use for, such as who the person is.

    Raises:
        InvalidFile: it cannot be understood as a whole.
        OSError: it cannot be read.
    """

    def read() -> dict[int, Entry]:
        try:
            entries = parse_document(path.read_bytes()).entries
        except FileNotFoundError:
            return {}
        except InvalidFile as error:
            raise InvalidFile(f"{path}: {error}") from None
        rows = (entry for entry in entries if isinstance(entry, dict))
        return {entry["id"]: entry for entry in rows if isinstance(entry.get("id"), int)}

    return await trio.to_thread.run_sync(read)


async def enrol(
    store: CredentialStore, known: Mapping[int, Entry], entry: Entry, defaults: Defaults
) -> Enrolled:
    """Store a sign-in. `known` are the store's entries as they are written (`entries_of`).

    A task that is cancelled while it is being written leaves when it is written.

    Raises:
        InvalidEntry: it cannot be used.
        NotWritten: it is not in the store, and nothing has changed.
    """
    check(entry, defaults.endpoints)
    number = find_person(known, entry)
    if number is not None:
        try:
            return await _replace(store, number, changes_in_place(known.get(number, {}), entry))
        except KeyError:  # its owner has removed it just now
            pass
    try:
        return Enrolled(await store.add(entry))
    except DuplicateCredential as duplicate:
        number = duplicate.credential_id
    return await _replace(store, number, changes_in_place(known.get(number, {}), entry))


async def _replace(store: CredentialStore, number: int, changes: Mapping[str, Any]) -> Enrolled:
    """Give an account its new sign-in, but not while its old token is being renewed: the answer would be laid over it."""
    async with AsyncExitStack() as alone:
        with suppress(Locked):
            await alone.enter_async_context(store.renewing(number))
        await store.edit(number, changes)
    return Enrolled(number, replaced=True)


def check(entry: Entry, endpoints: Collection[str]) -> None:
    """Raise `InvalidEntry` if the entry cannot be used."""
    if flaw := read_entry(entry, 0, endpoints).flaw:
        raise InvalidEntry(flaw)


def changes_in_place(old: Entry, new: Entry) -> dict[str, Any]:
    """What changes in `old` when the same account signs in anew as `new`; what its owner has set stays. Pure."""
    kept = {key for key in _OF_THE_ACCOUNT if old.get(key)}
    gone = {key: None for key in _OF_THE_SIGN_IN if key in old}
    return {**gone, **{key: value for key, value in new.items() if key not in kept}}

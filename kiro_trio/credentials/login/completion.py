"""The last steps of every sign-in: Kiro is asked whose account it is and what it has left, and then it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiro_trio.conversation.faults import Fault
from kiro_trio.credentials.entry import Entry, read_entry
from kiro_trio.credentials.login.desk import Desk, SignInFailed
from kiro_trio.credentials.login.enrolment import Enrolled, check, enrol, entries_of
from kiro_trio.credentials.login.signed_in import SignedIn
from kiro_trio.credentials.login.verification import Verified, verify
from kiro_trio.credentials.store import CredentialStore
from kiro_trio.telemetry import register_secret

# With these an account is of no use; anything else may be different in a minute.
_HOPELESS = frozenset({Fault.SUSPENDED, Fault.ACCESS_DENIED, Fault.TOKEN_REFUSED})

_SECRETS = ("accessToken", "refreshToken", "clientSecret", "kiroApiKey")


@dataclass(frozen=True, slots=True)
class Completed:
    """An account that is in the store now, and what Kiro says of it."""

    enrolled: Enrolled
    verified: Verified
    entry: Entry = field(repr=False)


async def complete(
    desk: Desk, store: CredentialStore, path: Path, signed_in: SignedIn, settings: Mapping[str, Any]
) -> Completed:
    """Verify a sign-in and store it; `settings` are keys that the owner wants in its entry, `path` the store's file.

    Cancelled before it is stored it leaves nothing behind; while it is being stored it cannot be cancelled.

    Raises:
        SignInFailed: Kiro does not let the account in; it was not stored.
        InvalidEntry, NotWritten: it could not be stored.
    """
    machine_id = "" if desk.defaults.machine_id else desk.machine_id
    return await complete_entry(desk, store, path, {**signed_in.entry(machine_id), **settings})


async def complete_entry(desk: Desk, store: CredentialStore, path: Path, entry: Entry) -> Completed:
    """The same for an entry whose access token is good, or that is an API key."""
    for key in _SECRETS:
        register_secret(str(entry.get(key, "")))
    check(entry, desk.defaults.endpoints)
    credential = read_entry(entry, 0, desk.defaults.endpoints)
    verified = await verify(credential, desk.defaults, desk.wire, desk.calls)
    if verified.failure is not None and verified.failure.fault in _HOPELESS:
        raise SignInFailed(f"the account was not stored, for Kiro does not let it in: {verified.problem}")
    entry = {**entry, **verified.changes(entry)}
    enrolled = await enrol(store, await entries_of(path), entry, desk.defaults)
    return Completed(enrolled, verified, entry)

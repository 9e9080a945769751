"""Accounts in by the dozen, from whatever other programs write; and out, on explicit confirmation."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import trio
from msgspec import Meta
from quart import request

from kiro_trio.admin.changes import admit
from kiro_trio.admin.dispatch import check_key
from kiro_trio.admin.masks import moment
from kiro_trio.admin.problems import Kind, Problem, failed, invalid
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Number, Shape, Strict
from kiro_trio.credentials.atomic import Locked
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.document import InvalidFile, parse_document
from kiro_trio.credentials.entry import Entry, InvalidEntry
from kiro_trio.credentials.file import NotWritten
from kiro_trio.credentials.imports.candidate import Candidate, Source
from kiro_trio.credentials.imports.database import Unreadable
from kiro_trio.credentials.imports.objects import read_objects
from kiro_trio.credentials.imports.plan import Fate, Row, plan_import
from kiro_trio.credentials.imports.sources import read_source, scan
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.kiro.preset_changes import changed_presets

MOST_ROWS = 1000

# A burst of renewals from one address looks like what it is.
_AT_ONCE = 4


class Import(Strict):
    """Accounts to be taken over.

    One of: `data`, JSON of any known shape (our own, kiro.rs's, an account manager's export, the IDE's token); `text`,
    the same as text, or a refresh token or `ksk_` key per line; `stores`, paths out of the list of official stores.
    `dry_run` changes nothing. `replace` takes newer sign-ins of accounts that are there. `verify`: renew each token once.
    """

    data: Any = None
    text: Annotated[str, Meta(max_length=2_000_000)] | None = None
    stores: Annotated[list[str], Meta(max_length=20)] | None = None
    dry_run: bool = False
    replace: bool = False
    verify: bool = True


Fated = Literal["added", "replaced", "would_add", "would_replace", "skipped", "refused", "failed"]


class Imported(Shape):
    """What became of one account; `row` counts from 1, `place` says where it stood in its `source`."""

    row: int
    source: str
    place: str
    status: Fated
    message: str
    credential_id: int | None
    email: str | None


class ImportResult(Shape):
    """What became of all, and how many of each."""

    dry_run: bool
    total: int
    counts: dict[str, int]
    results: list[Imported]


class Store(Shape):
    """A file of another program on the gateway's own machine, with how many accounts, or why it cannot be read."""

    path: str
    source: str | None
    accounts: int
    problem: str


class Stores(Shape):
    """The official stores and exports in the usual places."""

    stores: list[Store]


class Export(Strict):
    """What to export; `confirm` must be true. With a cookie's session the key must be shown once more."""

    confirm: bool
    ids: Annotated[list[Number], Meta(max_length=10_000)] | None = None
    admin_api_key: str = ""


class Exported(Shape):
    """Accounts with their secrets, as they stand in the file."""

    version: int
    exported_at: str | None
    accounts: list[dict[str, Any]]


async def import_credentials(asked: Asked) -> ImportResult:
    """Take over accounts, or say what would become of each."""
    gateway, wanted = asked.place.gateway, asked.body
    candidates = await _candidates(wanted)
    if len(candidates) > MOST_ROWS:
        raise invalid(f"at most {MOST_ROWS} accounts at once")
    planned = plan_import(
        candidates,
        _by_id(await _entries(gateway)),
        endpoints=frozenset(changed_presets(gateway.settings.endpoints)),
        now=wall_clock(),
        replace=wanted.replace,
    )
    results: list[Imported | None] = [None] * len(planned)
    limiter = trio.CapacityLimiter(_AT_ONCE)

    async def settle(number: int, row: Row) -> None:
        async with limiter:
            results[number] = await _settle(gateway, number + 1, row, wanted)

    async with trio.open_nursery() as nursery:
        for number, row in enumerate(planned):
            nursery.start_soon(settle, number, row)
    done = [result for result in results if result is not None]
    counts = Counter[str](result.status for result in done)
    return ImportResult(dry_run=wanted.dry_run, total=len(done), counts=dict(counts), results=done)


async def list_stores(asked: Asked) -> Stores:
    """The files of other programs on the gateway's machine that hold accounts."""
    mine = asked.place.gateway.store.path
    return Stores(stores=await trio.to_thread.run_sync(lambda: [_store(path) for path in _scan(mine)]))


async def export_credentials(asked: Asked) -> Exported:
    """All accounts or some, with their secrets."""
    wanted: Export = asked.body
    if not wanted.confirm:
        raise invalid("an export holds every secret: `confirm` must be true")
    if asked.by_cookie:
        check_key(asked.place, request, [wanted.admin_api_key] if wanted.admin_api_key else [])
    entries = [entry for entry in await _entries(asked.place.gateway) if isinstance(entry, dict)]
    if wanted.ids is not None:
        entries = [entry for entry in entries if entry.get("id") in wanted.ids]
    return Exported(version=1, exported_at=moment(wall_clock()), accounts=entries)


async def _candidates(wanted: Import) -> list[Candidate]:
    given = [value for value in (wanted.data, wanted.text, wanted.stores) if value is not None]
    if len(given) != 1:
        raise invalid("give one of `data`, `text` and `stores`")
    if wanted.stores is not None:
        return await trio.to_thread.run_sync(_from_stores, wanted.stores)
    found = read_objects(wanted.data) if wanted.text is None else _from_text(wanted.text)
    if not found:
        raise invalid("there are no accounts of a known shape in it")
    return found


def _from_text(text: str) -> list[Candidate]:
    try:
        return read_objects(json.loads(text))
    except (ValueError, RecursionError):
        pass
    return [
        Candidate(
            Source.CREDENTIALS_FILE,
            f"line {number}",
            {"kiroApiKey" if line.strip().startswith("ksk_") else "refreshToken": line.strip()},
        )
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _from_stores(paths: Sequence[str]) -> list[Candidate]:
    known = {str(path): path for path in _scan(None)}
    found: list[Candidate] = []
    for path in paths:
        if path not in known:
            raise invalid("`stores` takes only paths out of the list of stores")
        try:
            found += read_source(known[path])
        except Unreadable as error:
            raise invalid(f"{path}: {error}") from None
    return found


def _scan(without: Path | None) -> list[Path]:
    try:
        home = Path.home()
    except RuntimeError:
        return []
    return scan(sys.platform, os.environ, home, Path.cwd(), [without] if without else [])


def _store(path: Path) -> Store:
    try:
        found = read_source(path)
    except Unreadable as error:
        return Store(path=str(path), source=None, accounts=0, problem=str(error))
    return Store(path=str(path), source=found[0].source.value, accounts=len(found), problem="")


async def _settle(gateway: Gateway, number: int, row: Row, wanted: Import) -> Imported:
    """Do what was planned for one account, and say what became of it."""
    status, message, credential_id = await _outcome(gateway, row, wanted)
    email = row.candidate.entry.get("email")
    return Imported(
        row=number,
        source=row.candidate.source.value,
        place=row.candidate.place,
        status=status,
        message=message,
        credential_id=credential_id,
        email=email if isinstance(email, str) else None,
    )


async def _outcome(gateway: Gateway, row: Row, wanted: Import) -> tuple[Fated, str, int | None]:
    entry, known = row.candidate.entry, row.credential_id
    try:
        match row.fate:
            case Fate.REFUSE:
                return "refused", row.reason, known
            case Fate.SKIP:
                return "skipped", row.reason, known
            case Fate.ADD if wanted.dry_run:
                return "would_add", row.reason, None
            case Fate.REPLACE if wanted.dry_run:
                return "would_replace", row.reason, known
            case Fate.ADD:
                return "added", row.reason, await admit(gateway, entry, verify=wanted.verify)
            case Fate.REPLACE:
                assert known is not None  # noqa: S101 - what is replaced is there
                await _replace(gateway, known, entry, verify=wanted.verify)
                return "replaced", row.reason, known
    except Problem as problem:
        return "failed", problem.message, None
    except (InvalidEntry, NotWritten, Locked, KeyError) as error:
        return "failed", str(error) if not isinstance(error, KeyError) else "the account is gone", None


async def _replace(gateway: Gateway, credential_id: int, entry: Entry, *, verify: bool) -> None:
    """Give an account another sign-in; what belongs to the old one (its token, its client's end) goes with it."""
    old = {"accessToken": None, "expiresAt": None, "clientSecretExpiresAt": None}
    present = {key for found in await _entries(gateway) if found.get("id") == credential_id for key in found}
    changes = {key: value for key, value in old.items() if key in present} | dict(entry)
    async with gateway.store.renewing(credential_id):  # the answer of a renewal would be laid over it
        await gateway.keeper.owner.edit(credential_id, changes)
    credential = gateway.store.credentials.get(credential_id)
    if verify and credential is not None and not credential.api_key:
        failure = await gateway.keeper.owner.renew_now(credential_id)
        if failure is not None:
            raise failed(failure)


async def _entries(gateway: Gateway) -> list[Any]:
    """The entries as they stand in the file."""
    path = gateway.store.path
    try:
        data = await trio.to_thread.run_sync(path.read_bytes)
        return parse_document(data).entries
    except FileNotFoundError:
        return []
    except (OSError, InvalidFile) as error:
        raise Problem(Kind.INTERNAL, f"the accounts cannot be read: {error}") from None


def _by_id(entries: Sequence[Any]) -> Mapping[int, Entry]:
    return {
        entry["id"]: entry
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), int)
    }

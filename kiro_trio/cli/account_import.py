"""`kiro-trio accounts import`: accounts that other programs keep."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.account_changes import confirm
from kiro_trio.cli.account_check import check_account, in_words, renewing
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.tables import show_table
from kiro_trio.cli.terminal import printable, tell
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.entry import InvalidEntry, read_entry
from kiro_trio.credentials.imports.candidate import Candidate
from kiro_trio.credentials.imports.database import Unreadable
from kiro_trio.credentials.imports.plan import Fate, Row, plan_import
from kiro_trio.credentials.imports.sources import read_bytes, read_source, scan
from kiro_trio.credentials.ledger import DuplicateCredential
from kiro_trio.credentials.login.enrolment import changes_in_place, entries_of

_TAKEN = frozenset({Fate.ADD, Fate.REPLACE})

_WAR = """\
Warning: {names} will go on renewing the same tokens, and every renewal may throw the other side out.
Sign out there, or remove these accounts here; `kiro-trio login` gives the gateway a sign-in of its own."""


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    candidate: Candidate


@click.command(
    "import",
    short_help="Take over accounts that other programs keep.",
    epilog="""\b
It reads, by what is in the file:
  the token of Kiro's IDE           ~/.aws/sso/cache/kiro-auth-token.json
  the database of kiro-cli          ~/.local/share/kiro-cli/data.sqlite3, and elsewhere
  exports of account managers       both shapes
  credentials.json                  of kiro.rs and its relatives, an object or a list
\b
Examples:
  kiro-trio accounts import --scan --dry-run
  kiro-trio accounts import kiro-accounts.json
  kiro-trio accounts import ~/.aws/sso/cache --pick 1
  kiro-trio accounts import - < accounts.json
""",
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--scan", "scanned", is_flag=True, help="Look in the usual places of this system too.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done, and why; do nothing.")
@click.option("--pick", type=int, multiple=True, metavar="N", help="Take only this row; may be repeated.")
@click.option("--replace", is_flag=True, help="Let another sign-in of a known account take its place.")
@click.option("--check", is_flag=True, help="Try what was taken, which may renew its token.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON.")
@account_options
def command(
    config: Path,
    credentials_file: str | None,
    upstream_url: str | None,
    paths: tuple[str, ...],
    pick: tuple[int, ...],
    **flags: bool,
) -> None:
    """Take over accounts that other programs keep. Nothing is ever written there, and no token is renewed.

    The exit code is 1 if there was nothing to take, or a row could not be taken.
    """
    if not paths and not flags["scanned"]:
        raise click.UsageError("name a file, or --scan")
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        found, unreadable = _read(house, paths, scanned=flags["scanned"])
        rows = run_interruptibly(partial(_plan, house, found, flags["replace"]), "given up")
        rows = _picked(rows, pick)
        taken = [row for row in rows if row.fate in _TAKEN]
        failed = bool(unreadable)
        if not flags["dry_run"] and taken:
            _warn(taken, ask=not flags["yes"])
            work = partial(_take, house, rows, flags["check"])
            rows = run_interruptibly(work, "given up; what had been taken stays")
    _show(found, rows, as_json=flags["as_json"], dry_run=flags["dry_run"])
    if failed or not found or any(row.fate is Fate.REFUSE for row in rows):
        raise click.exceptions.Exit(1)


def _read(house: House, paths: Sequence[str], *, scanned: bool) -> tuple[list[_Found], list[str]]:
    """What was found, and the named files that could not be read; both are told."""
    places = [Path(path) for path in paths if path != "-"]
    if scanned:
        places += scan(sys.platform, os.environ, Path.home(), Path.cwd(), [house.path, *places])
    found: list[_Found] = []
    unreadable: list[str] = []
    if "-" in paths:
        places.insert(0, Path("-"))
    for place in places:
        try:
            candidates = read_bytes(sys.stdin.buffer.read()) if str(place) == "-" else read_source(place)
        except Unreadable as error:
            tell(f"{place} {error}.")
            if str(place) in paths:
                unreadable.append(str(place))
            continue
        if not candidates:
            tell(f"{place} holds no accounts: nobody is signed in there.")
        found += [_Found(str(place), candidate) for candidate in candidates]
    if scanned and not found:
        tell("No accounts were found in the usual places.")
    return found, unreadable


async def _plan(house: House, found: Sequence[_Found], replace_old: bool) -> list[Row]:  # noqa: FBT001 - by position
    store = await house.store()
    return plan_import(
        [one.candidate for one in found],
        await entries_of(store.path),
        endpoints=house.defaults.endpoints,
        now=wall_clock(),
        replace=replace_old,
    )


def _picked(rows: Sequence[Row], pick: Sequence[int]) -> list[Row]:
    for number in pick:
        if not 1 <= number <= len(rows):
            raise click.UsageError(f"there is no row {number}: --dry-run shows them")
    return [
        row
        if not pick or number in pick or row.fate not in _TAKEN
        else replace(row, fate=Fate.SKIP, reason="was not picked")
        for number, row in enumerate(rows, 1)
    ]


def _warn(taken: Sequence[Row], *, ask: bool) -> None:
    names = sorted({row.candidate.source.value for row in taken if row.candidate.source.official})
    if not names:
        return
    tell(_WAR.format(names=" and ".join(names)))
    if ask and sys.stdin.isatty():
        confirm(f"Take {len(taken)} account(s) over all the same?")


async def _take(house: House, rows: Sequence[Row], check: bool) -> list[Row]:  # noqa: FBT001 - by position
    done: list[Row] = []
    async with house.custody(keep=check) as custody:
        known = await entries_of(house.path)
        for row in rows:
            entry = row.candidate.entry
            try:
                if row.fate is Fate.ADD:
                    number = await custody.store.add(entry)
                    row = replace(row, credential_id=number, reason=f"is account {number} now")  # noqa: PLW2901
                elif row.fate is Fate.REPLACE and row.credential_id is not None:
                    changes = changes_in_place(known.get(row.credential_id, {}), entry)
                    await custody.store.edit(row.credential_id, changes)
            except (DuplicateCredential, InvalidEntry) as error:
                row = replace(row, fate=Fate.REFUSE, reason=str(error))  # noqa: PLW2901
            done.append(row)
        custody.muster()
        if check:
            async with renewing(custody) as renewals:
                for row in done:
                    if row.fate in _TAKEN and row.credential_id is not None:
                        tell(in_words(await check_account(custody, renewals, row.credential_id)))
    return done


def _show(found: Sequence[_Found], rows: Sequence[Row], *, as_json: bool, dry_run: bool) -> None:
    words = {Fate.ADD: "add", Fate.REPLACE: "replace", Fate.SKIP: "skip", Fate.REFUSE: "cannot"}
    if not dry_run:
        words |= {Fate.ADD: "added", Fate.REPLACE: "replaced", Fate.SKIP: "skipped"}
    shown = [_as_json(one, row, words[row.fate]) for one, row in zip(found, rows, strict=True)]
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    elif shown:
        heads = ("#", "Source", "Where", "Account", "Kind", "Fate", "Why")
        table = [
            (str(number), *(printable(str(value or "-")) for value in list(one.values())[:6]))
            for number, one in enumerate(shown, 1)
        ]
        show_table(heads, table, marked=[row.fate is Fate.REFUSE for row in rows])


def _as_json(one: _Found, row: Row, fate: str) -> dict[str, Any]:
    entry = row.candidate.entry
    place = f"{one.path} ({row.candidate.place})" if row.candidate.place else one.path
    return {
        "source": row.candidate.source.value,
        "where": place,
        "email": entry.get("email") if isinstance(entry.get("email"), str) else None,
        "kind": read_entry(entry, 0, ()).kind.value,
        "fate": fate,
        "reason": row.reason,
        "id": row.credential_id,
    }

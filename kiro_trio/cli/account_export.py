"""`kiro-trio accounts export`: a backup."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import click

from kiro_trio.cli.account_changes import confirm
from kiro_trio.cli.account_check import known_ids
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import tell
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.credentials.atomic import replace_file
from kiro_trio.credentials.custody import ENVIRONMENT_ID
from kiro_trio.credentials.entry import Entry
from kiro_trio.credentials.login.enrolment import entries_of


@click.command(
    "export",
    short_help="Write accounts with all their secrets to a file.",
    epilog="""\b
Examples:
  kiro-trio accounts export backup.json
  kiro-trio accounts export backup.json 2 5 --yes
""",
)
@click.argument("file", metavar="FILE")
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@account_options
def command(
    config: Path,
    credentials_file: str | None,
    upstream_url: str | None,
    file: str,
    ids: tuple[int, ...],
    **flags: bool,
) -> None:
    """Write accounts, all or some, with all their secrets to FILE (`-`: stdout), readable by you only.

    It has the form of the accounts file, and `kiro-trio accounts import` reads it.
    """
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        entries = run_interruptibly(partial(_entries, house, ids), "given up; nothing was written")
        if not entries:
            raise click.ClickException(f"there are no accounts in {house.path}")
        if not flags["yes"]:
            confirm(f"Whoever reads {_name(file)} can use {len(entries)} account(s). Write it?")
        data = (json.dumps(entries, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        if file == "-":
            sys.stdout.buffer.write(data)
            return
        _write(Path(file), data, force=flags["force"])
    tell(
        f"Wrote {len(entries)} account(s) to {file}. It is a backup: two gateways that renew the same tokens"
    )
    tell("throw each other out.")


async def _entries(house: House, ids: tuple[int, ...]) -> list[Entry]:
    async with house.custody(keep=False) as custody:
        numbers = [number for number in known_ids(custody, ids) if number != ENVIRONMENT_ID]
        known = await entries_of(house.path)
        return [known[number] for number in numbers if number in known]


def _write(path: Path, data: bytes, *, force: bool) -> None:
    if force:
        replace_file(path, data)
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already: add --force to overwrite it") from None
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _name(file: str) -> str:
    return "what is printed" if file == "-" else file

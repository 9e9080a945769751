"""`kiro-trio accounts enable`, `disable` and `remove`."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import click

from kiro_trio.cli.account_check import known_ids
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import printable
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.credentials.custody import ENVIRONMENT_ID, Custody

Change = Callable[[Custody, int], Awaitable[None]]

_IDS = click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...")


@click.command(
    "enable",
    short_help="Switch accounts on, and forget why they were out.",
    epilog="""\b
Examples:
  kiro-trio accounts enable 2
  kiro-trio accounts enable 2 5
""",
)
@_IDS
@account_options
def enable(
    config: Path, credentials_file: str | None, upstream_url: str | None, ids: tuple[int, ...]
) -> None:
    """Switch accounts on, and forget why they were out."""
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        _all(house, ids, _enable, "is on")


@click.command(
    "disable",
    short_help="Switch accounts off: they stay, and take no requests.",
    epilog="""\b
Examples:
  kiro-trio accounts disable 2
""",
)
@_IDS
@account_options
def disable(
    config: Path, credentials_file: str | None, upstream_url: str | None, ids: tuple[int, ...]
) -> None:
    """Switch accounts off: they take no more requests, and stay where they are."""
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        _all(house, ids, _disable, "is off")


@click.command(
    "remove",
    epilog="""\b
Examples:
  kiro-trio accounts remove 3
  kiro-trio accounts remove 3 4 --yes
""",
)
@_IDS
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@account_options
def remove(
    config: Path, credentials_file: str | None, upstream_url: str | None, ids: tuple[int, ...], *, yes: bool
) -> None:
    """Forget accounts. Their tokens are gone for good, unless they were exported."""
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        if not yes:
            names = run_interruptibly(partial(_names, house, ids), "given up; nothing was removed")
            confirm(f"Remove {', '.join(names)} from {house.path}?")
        _all(house, ids, _remove, "is removed")


def confirm(question: str) -> None:
    """Ask the person, who may say no; where nobody is, say that `--yes` is needed.

    Raises:
        click.ClickException: no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked: add --yes")
    if not click.confirm(question, err=True):
        raise click.ClickException("given up; nothing was done")


def _all(house: House, ids: tuple[int, ...], change: Change, done: str) -> None:
    for number in run_interruptibly(partial(_change, house, ids, change), "given up"):
        click.echo(f"Account {number} {done}.")


async def _change(house: House, ids: tuple[int, ...], change: Change) -> list[int]:
    async with house.custody(keep=True) as custody:
        numbers = known_ids(custody, ids)
        if ENVIRONMENT_ID in numbers and change is not _enable:
            raise click.UsageError("account 0 is that of KIRO_API_KEY: take the variable away instead")
        for number in numbers:
            await change(custody, number)
        return numbers


async def _names(house: House, ids: tuple[int, ...]) -> list[str]:
    async with house.custody(keep=False) as custody:
        found = ((number, custody.credential(number)) for number in known_ids(custody, ids))
        return [
            f"account {number}" + (f" ({printable(one.email)})" if one and one.email else "")
            for number, one in found
        ]


async def _enable(custody: Custody, number: int) -> None:
    if number != ENVIRONMENT_ID:
        await custody.store.edit(number, {"disabled": None})
    custody.muster()
    account = custody.account(number)
    if account is not None:
        account.reset()


async def _disable(custody: Custody, number: int) -> None:
    await custody.store.edit(number, {"disabled": True})


async def _remove(custody: Custody, number: int) -> None:
    await custody.store.remove(number)
    custody.muster()

"""`kiro-trio accounts edit`: what its owner decides about an account, changed in the file."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.account_check import known_ids
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.credentials.custody import ENVIRONMENT_ID

_KEYS = {
    "priority": "priority",
    "concurrency": "concurrency",
    "email": "email",
    "region": "region",
    "auth-region": "authRegion",
    "api-region": "apiRegion",
    "endpoint": "endpoint",
    "proxy": "proxyUrl",
    "proxy-username": "proxyUsername",
    "proxy-password": "proxyPassword",
}
"""What can be changed: by the option, the key of the entry."""


@click.command(
    "edit",
    short_help="Change priority, limits, regions, proxy and the like.",
    epilog="""\b
A proxy's password is asked for, or read from stdin: on the command line every user of this
machine could see it. With another proxy the name and password of the old one go away.
\b
Examples:
  kiro-trio accounts edit 2 --priority 5
  kiro-trio accounts edit 2 3 --api-region eu-central-1 --concurrency 4
  kiro-trio accounts edit 2 --proxy socks5://127.0.0.1:1080
  kiro-trio accounts edit 2 --unset proxy --unset email
""",
)
@click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...")
@click.option(
    "--priority",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help="Its place in the order; the lowest goes first.",
)
@click.option(
    "--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="How many requests it serves at once."
)
@click.option("--email", metavar="MAIL", help="Whose it is.")
@click.option("--region", metavar="R", help="Region of its sign-in.")
@click.option("--auth-region", metavar="R", help="Region where its token is renewed, if another one.")
@click.option("--api-region", metavar="R", help="Region of all other calls.")
@click.option("--endpoint", metavar="NAME", help="Its endpoint preset.")
@click.option("--proxy", metavar="URL", help="Its proxy, or `direct`.")
@click.option("--proxy-username", metavar="NAME", help="Its name at the proxy.")
@click.option("--proxy-password", is_flag=True, help="Ask for its password at the proxy.")
@click.option(
    "--unset",
    type=click.Choice([*_KEYS]),
    metavar="KEY",
    multiple=True,
    help="Take a value away, so that the config's holds; may be repeated. KEY is the name of an option.",
)
@account_options
def command(
    config: Path,
    credentials_file: str | None,
    upstream_url: str | None,
    ids: tuple[int, ...],
    unset: tuple[str, ...],
    **flags: Any,
) -> None:
    """Change priority, limits, regions, endpoint, proxy or e-mail address of accounts.

    A gateway that runs on the same accounts file takes it up within seconds.
    """
    changes = _changes(flags, unset)
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        numbers = run_interruptibly(partial(_edit, house, ids, changes), "given up")
    told = ", ".join(name for name, key in _KEYS.items() if name in unset or changes.get(key) is not None)
    for number in numbers:
        click.echo(f"Account {number} is changed: {told}.")


def _changes(flags: dict[str, Any], unset: tuple[str, ...]) -> dict[str, Any]:
    """What becomes of which keys, None for those that go away."""
    given = {name: flags[name.replace("-", "_")] for name in _KEYS}
    found = {name: value for name, value in given.items() if value is not None and value is not False}
    for name in unset:
        if name in found:
            raise click.UsageError(f"--{name} and --unset {name} contradict each other")
    empty = [name for name, value in found.items() if value == ""]
    if empty:
        raise click.UsageError(f"--{empty[0]} is empty: --unset {empty[0]} takes it away")
    if not found and not unset:
        raise click.UsageError("say what to change, such as --priority 5")
    if "proxy-password" in found:
        found["proxy-password"] = _password()
    return {
        **dict.fromkeys(_KEYS[name] for name in unset),
        **{_KEYS[name]: value for name, value in found.items()},
    }


def _password() -> str:
    if sys.stdin.isatty():
        text = click.prompt("Proxy password", hide_input=True, err=True)
    else:
        text = sys.stdin.readline()
    password = str(text).strip()
    if not password:
        raise click.UsageError("stdin must hold a line: the proxy's password")
    return password


async def _edit(house: House, ids: tuple[int, ...], changes: dict[str, Any]) -> list[int]:
    async with house.custody(keep=False) as custody:
        numbers = known_ids(custody, ids)
        if ENVIRONMENT_ID in numbers:
            raise click.UsageError("account 0 is that of KIRO_API_KEY: it is in no file")
        for number in numbers:
            await custody.store.edit(number, changes)
        return numbers

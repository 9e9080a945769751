"""`kiro-trio accounts add`: a key or a token that one has, typed in."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.account_check import Checked, check_account, in_words, renewing
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import tell
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.conversation.faults import Fault
from kiro_trio.credentials.entry import Entry
from kiro_trio.credentials.login.desk import SignInFailed
from kiro_trio.credentials.login.enrolment import entries_of
from kiro_trio.credentials.login.person import find_person

_HOPELESS = frozenset({Fault.RENEWAL_REFUSED, Fault.SUSPENDED, Fault.ACCESS_DENIED, Fault.TOKEN_REFUSED})

_KEYS = {
    "email": "email",
    "priority": "priority",
    "region": "region",
    "auth_region": "authRegion",
    "api_region": "apiRegion",
    "endpoint": "endpoint",
    "proxy": "proxyUrl",
    "client_id": "clientId",
}


@click.command(
    "add",
    epilog="""\b
The key or token is asked for, or read from stdin (with --client-id a second line brings the
client's secret): on the command line every user of this machine could see it.
\b
Examples:
  kiro-trio accounts add --api-key
  kiro-trio accounts add --refresh-token --email me@example.com
  kiro-trio accounts add --api-key --endpoint cli --priority 5 < key.txt
""",
)
@click.option("--api-key", is_flag=True, help="Add an account by its Kiro API key (ksk_...).")
@click.option("--refresh-token", is_flag=True, help="Add an account by its refresh token (aor...).")
@click.option("--client-id", metavar="ID", help="Client of a Builder ID or an organisation's account.")
@click.option("--email", metavar="MAIL", help="Whose it is, if Kiro does not say it.")
@click.option("--priority", type=int, metavar="N", help="Its place in the order; the lowest goes first.")
@click.option("--region", metavar="R", help="Region of its sign-in.")
@click.option("--auth-region", metavar="R", help="Region where its token is renewed, if another one.")
@click.option("--api-region", metavar="R", help="Region of all other calls.")
@click.option("--endpoint", metavar="NAME", help="Its endpoint preset.")
@click.option("--proxy", metavar="URL", help="Its proxy, or `direct`.")
@click.option("--check/--no-check", default=True, help="Try it; one that Kiro refuses is not kept.")
@account_options
def command(
    config: Path, credentials_file: str | None, upstream_url: str | None, *, check: bool, **flags: Any
) -> None:
    """Add an account whose key or refresh token you have. `kiro-trio login` is for all others."""
    if flags["api_key"] == flags["refresh_token"]:
        raise click.UsageError("name one of --api-key and --refresh-token")
    if flags["client_id"] and flags["api_key"]:
        raise click.UsageError("an API key has no --client-id")
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        entry = {key: flags[name] for name, key in _KEYS.items() if flags[name] is not None}
        entry |= _secrets(flags)
        number, checked = run_interruptibly(partial(_add, house, entry, check), "given up")
    click.echo(f"Stored as account {number} in {house.path}.")
    if checked is not None:
        click.echo(in_words(checked))
        if checked.problem:
            tell("Warning: it could not be tried to the end; `kiro-trio accounts check` tries again.")


def _secrets(flags: dict[str, Any]) -> Entry:
    asked = ["API key"] if flags["api_key"] else ["refresh token"]
    if flags["client_id"]:
        asked.append("client secret")
    if sys.stdin.isatty():
        values = [click.prompt(name.capitalize(), hide_input=True, err=True) for name in asked]
    else:
        values = sys.stdin.read().split("\n")
    values = [value.strip() for value in values if value.strip()]
    if len(values) != len(asked):
        raise click.UsageError(f"stdin must hold {len(asked)} line(s): {', then '.join(asked)}")
    if flags["api_key"]:
        return {"kiroApiKey": values[0], "authMethod": "api_key"}
    if flags["client_id"]:
        return {"refreshToken": values[0], "clientSecret": values[1], "authMethod": "idc"}
    return {"refreshToken": values[0], "authMethod": "social"}


async def _add(house: House, entry: Entry, check: bool) -> tuple[int, Checked | None]:  # noqa: FBT001 - by position
    async with house.custody(keep=True) as custody:
        number = await custody.store.add(entry)
        custody.muster()
        if not check:
            return number, None
        # It is in the file before it is tried: to try it may replace its token, which nobody must lose.
        async with renewing(custody) as renewals:
            checked = await check_account(custody, renewals, number)
        if checked.failure is not None and checked.failure.fault in _HOPELESS:
            await custody.store.remove(number)
            custody.muster()
            raise SignInFailed(f"the account was not kept: {checked.problem}")
        await _tell_twins(house, number)
        return number, checked


async def _tell_twins(house: House, number: int) -> None:
    known = await entries_of(house.path)
    entry = known.pop(number, {})
    twin = find_person(known, entry)
    if twin is not None:
        tell(f"Warning: account {twin} is the same one with another sign-in; one of them can be removed.")

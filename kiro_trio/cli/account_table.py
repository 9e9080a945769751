"""`kiro-trio accounts list`."""

import json
from functools import partial
from pathlib import Path

import click
import trio

from kiro_trio.cli.account_look import Look
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.tables import show_table
from kiro_trio.cli.terminal import printable, tell
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.account import LAST_USE, Account
from kiro_trio.credentials.custody import Custody
from kiro_trio.credentials.discoveries import kind_of
from kiro_trio.credentials.login.verification import usage_of
from kiro_trio.credentials.standing import Standing
from kiro_trio.credentials.status import status_of
from kiro_trio.kiro.usage import UsageLimits

HEADS = ("ID", "E-mail", "Kind", "Plan", "Credits left", "State", "Token ends")

_PATIENCE = 10.0
_AT_ONCE = 4
_NOT_ASKED = frozenset({Standing.DISABLED, Standing.MISCONFIGURED, Standing.SUSPENDED, Standing.REVOKED})


@click.command(
    "list",
    epilog="""\b
Examples:
  kiro-trio accounts list
  kiro-trio accounts list --offline --json
""",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with more about each.")
@click.option("--offline", is_flag=True, help="Do not ask Kiro what is left.")
@account_options
def command(
    config: Path,
    credentials_file: str | None,
    upstream_url: str | None,
    *,
    as_json: bool,
    offline: bool,
) -> None:
    """Show all accounts: plan, credits that are left, state.

    What is left is asked of Kiro for accounts whose token is good; no token is renewed for it.
    """
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        looks, problems = run_interruptibly(partial(_looks, house, offline), "given up")
    if as_json:
        click.echo(json.dumps([look.as_json() for look in looks], indent=2, ensure_ascii=False))
    elif looks:
        show_table(HEADS, [look.cells() for look in looks], marked=[not look.ready for look in looks])
    else:
        click.echo(f"There are no accounts in {house.path}. `kiro-trio login` makes one.")
    told = [look.status.sentence for look in looks if look.status.standing is Standing.MISCONFIGURED]
    for problem in problems:
        if not any(sentence in problem for sentence in told):
            tell(f"Warning: {printable(problem, 1000)}")


async def _looks(house: House, offline: bool) -> tuple[list[Look], tuple[str, ...]]:  # noqa: FBT001 - by position
    async with house.custody(keep=False) as custody:
        accounts = list(custody.roster)
        usages: dict[int, UsageLimits] = {}
        if not offline:
            limiter = trio.CapacityLimiter(_AT_ONCE)
            with trio.move_on_after(_PATIENCE):
                async with trio.open_nursery() as nursery:
                    for account in accounts:
                        nursery.start_soon(_ask, custody, account, usages, limiter)
        now = custody.clock()
        looks = [Look(status_of(account, custody), usages.get(account.id), now) for account in accounts]
        return looks, custody.store.problems


async def _ask(
    custody: Custody, account: Account, usages: dict[int, UsageLimits], limiter: trio.CapacityLimiter
) -> None:
    now = custody.clock()
    if account.stands(now)[0] in _NOT_ASKED or not account.credential.usable(now, LAST_USE):
        return
    async with limiter:
        found = await usage_of(
            account.credential, kind_of(account), custody.defaults, custody.wire, custody.calls
        )
    if not isinstance(found, Failure):
        usages[account.id] = found[0]

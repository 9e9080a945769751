"""`kiro-trio accounts check`, and the check itself: renew if needed, then ask Kiro about the account."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import trio

from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import printable
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.cli.words import credits_left
from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.custody import Custody
from kiro_trio.credentials.login.enrolment import entries_of
from kiro_trio.credentials.login.verification import Verified, sentence, verify
from kiro_trio.credentials.renewals import Renewals
from kiro_trio.credentials.store import FileStore
from kiro_trio.kiro.usage import UsageLimits


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of one account brought: `problem` is "" if all is well, `failure` what went wrong for good or ill."""

    credential_id: int
    email: str
    usage: UsageLimits | None
    problem: str
    failure: Failure | None = None


@click.command(
    "check",
    short_help="Try accounts: renew what must be, ask what is left.",
    epilog="""\b
Examples:
  kiro-trio accounts check
  kiro-trio accounts check 2 5
""",
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@account_options
def command(
    config: Path,
    credentials_file: str | None,
    upstream_url: str | None,
    ids: tuple[int, ...],
    *,
    as_json: bool,
) -> None:
    """Try accounts, all or some: renew their tokens if needed, and ask Kiro what is left.

    A gateway on the same file learns what was found. The exit code is 1 if one of them has a problem.
    """
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        results = run_interruptibly(partial(_check, house, ids), "given up; what was renewed is stored")
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in results], indent=2, ensure_ascii=False))
    else:
        for one in results:
            click.echo(in_words(one))
    if any(one.problem for one in results):
        raise click.exceptions.Exit(1)


async def _check(house: House, ids: Sequence[int]) -> list[Checked]:
    async with house.custody(keep=True) as custody, renewing(custody) as renewals:
        return [await check_account(custody, renewals, number) for number in known_ids(custody, ids)]


def known_ids(custody: Custody, ids: Sequence[int]) -> list[int]:
    """These ids, each once, or all if there are none; raises `click.UsageError` for one that is not there."""
    present = [account.id for account in custody.roster]
    for number in ids:
        if number not in present:
            raise click.UsageError(f"there is no account {number}; `kiro-trio accounts list` shows all")
    return list(dict.fromkeys(ids)) or present


@asynccontextmanager
async def renewing(custody: Custody) -> AsyncIterator[Renewals]:
    """Renewals that are finished and stored, whatever is cancelled."""
    renewals = Renewals(custody)
    async with trio.open_nursery() as nursery:
        await nursery.start(renewals.run)
        yield renewals
        nursery.cancel_scope.cancel(reason="all are checked")


async def check_account(custody: Custody, renewals: Renewals, credential_id: int) -> Checked:
    """Try one account and keep what was learned of it."""
    account = custody.account(credential_id)
    if account is None:
        return Checked(credential_id, "", None, "it was removed meanwhile")
    if flaw := account.credential.flaw:
        return Checked(credential_id, account.credential.email, None, flaw)
    failure = await renewals.fresh(account)
    if failure is not None:
        return Checked(credential_id, account.credential.email, None, sentence(failure), failure)
    found = await verify(account.credential, custody.defaults, custody.wire, custody.calls)
    await _keep(custody, credential_id, found)
    if found.usage is not None and found.usage.next_reset is not None:
        account.learn_reset(found.usage.next_reset, custody.clock())
    email = found.usage.email if found.usage else ""
    return Checked(
        credential_id, email or account.credential.email, found.usage, found.problem, found.failure
    )


async def _keep(custody: Custody, credential_id: int, found: Verified) -> None:
    store = custody.store
    written = await entries_of(store.path) if isinstance(store, FileStore) else {}
    if changes := found.changes(written.get(credential_id, {})):
        await custody.save(credential_id, changes)


def in_words(one: Checked) -> str:
    """One line about a check."""
    who = f"{one.credential_id}  {printable(one.email) or '-'}"
    plan = f"{printable(one.usage.title) or 'unknown plan'}, {credits_left(one.usage)}" if one.usage else ""
    problem = printable(one.problem, 500)
    return f"{who}  " + "; ".join(filter(None, (plan, problem)))


def _as_json(one: Checked) -> dict[str, object]:
    usage = one.usage
    return {
        "id": one.credential_id,
        "email": one.email or None,
        "plan": usage.title if usage else None,
        "remaining": usage.remaining if usage else None,
        "limit": usage.limit if usage else None,
        "ok": not one.problem,
        "problem": one.problem or None,
    }

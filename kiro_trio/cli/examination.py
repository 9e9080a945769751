"""The whole examination, from the near to the far: this machine, the way to Kiro, each account."""

import io
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import trio

from kiro_trio.cli.account_check import renewing
from kiro_trio.cli.examine_account import Examiner
from kiro_trio.cli.examine_here import can_write_beside, look_at_port, read_accounts, read_by_others
from kiro_trio.cli.examine_way import DatedCalls, Route, judge_clock, walk
from kiro_trio.cli.findings import Finding, Report, Verdict
from kiro_trio.cli.wiring import House, open_house
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.calls import caller_of, preset_of
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import AuthMethod, effective_proxy
from kiro_trio.credentials.custody import Custody
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.kiro.catalog import DEFAULT
from kiro_trio.kiro.endpoint import (
    Call,
    Caller,
    Preset,
    chat_call,
    models_call,
    oidc_token_call,
    social_refresh_call,
)
from kiro_trio.settings import SettingsError, load_settings
from kiro_trio.telemetry import configure_logging
from kiro_trio.upstream.attempt import Attempts, Limits
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.origin import split_url
from kiro_trio.upstream.tls import client_context

CallMaker = Callable[[Preset, Caller, str, str | None], Call]

_MAX_MESSAGE_SIZE = 16 * 1024 * 1024
_ANSWER_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be examined: one account or all, and with which model an answer is asked for ("" for no answer)."""

    config: Path
    credentials_file: str | None = None
    upstream_url: str | None = None
    credential: int | None = None
    model: str = "haiku"


async def examine(wish: Wish, report: Report) -> None:
    """Examine everything, from the near to the far; what a bad finding makes pointless is left out."""
    flags = {
        "credentials_file": ("--credentials", wish.credentials_file),
        "upstream_url": ("--upstream", wish.upstream_url),
    }
    try:
        warnings = load_settings(wish.config, os.environ, flags).warnings
        house = open_house(wish.config, wish.credentials_file, wish.upstream_url)
    except SettingsError as error:
        report(Finding("config", Verdict.BAD, str(error), "the README has a table of all settings"))
        return
    configure_logging("error", "text", io.StringIO())  # what it would say is said here
    exists = await trio.Path(wish.config).exists()
    report(
        Finding(
            "config",
            Verdict.GOOD,
            f"{wish.config} {'can be used' if exists else 'is not there: all defaults'}",
        )
    )
    for warning in warnings:
        report(Finding("config", Verdict.NOTE, warning))
    for finding in read_by_others("config", wish.config):
        report(finding)
    report(await look_at_port(house.settings, wish.config))
    keeps = await trio.to_thread.run_sync(can_write_beside, house.path)
    report(keeps)
    for finding in read_by_others(
        "accounts", house.path
    ):  # before the store replaces the file by a private one
        report(finding)
    try:
        store = await house.store()
    except InvalidFile as error:
        report(Finding("accounts", Verdict.BAD, str(error), "mend the file, or bring back a copy of it"))
        return
    for finding in read_accounts(store, house.settings):
        report(finding)
    await _examine_accounts(house, wish, report, keeps=keeps.verdict is Verdict.GOOD)


async def _examine_accounts(house: House, wish: Wish, report: Report, *, keeps: bool) -> None:
    async with house.custody(keep=keeps) as custody:
        calls = DatedCalls(custody.calls)
        custody.calls = calls
        accounts = list(custody.roster)
        if wish.credential is not None:
            accounts = [account for account in accounts if account.id == wish.credential]
            if not accounts:
                said = f"there is no account {wish.credential}"
                report(Finding("accounts", Verdict.BAD, said, "`kiro-trio accounts list` shows all"))
        usable = [
            account for account in accounts if not account.credential.flaw and not account.credential.disabled
        ]
        settings = house.settings
        tls = client_context(Path(settings.ca_file) if settings.ca_file else None)
        way = await _walk(custody, usable, tls, settings.connect_timeout, report)
        http = Http1Client(tls, connect_timeout=settings.connect_timeout)
        attempts = Attempts(
            http, custody.wire, Limits(_ANSWER_LIMIT, _ANSWER_LIMIT), _MAX_MESSAGE_SIZE, wall_clock
        )
        catalog = DEFAULT.overridden(settings.models, settings.model_aliases, settings.unknown_models)
        async with renewing(custody) as renewals:
            examiner = Examiner(custody, renewals, attempts, catalog, keeps, wish.model)
            for account in accounts:
                if account.id in way:
                    said = "not examined: Kiro cannot be reached for it"
                    report(Finding("account", Verdict.SKIPPED, said, "", account.id))
                else:
                    await examiner.examine(account, report)
        await http.aclose()
        if usable:
            report(judge_clock(calls.offsets))


async def _walk(
    custody: Custody, accounts: list[Account], tls: ssl.SSLContext, limit: float, report: Report
) -> set[int]:
    """Go the ways to Kiro that these accounts have; returns the accounts for which one that they need is blocked."""
    needed = {account.id: _routes(custody, account, every=False) for account in accounts}
    routes = dict.fromkeys(route for ways in needed.values() for route in ways)
    routes |= dict.fromkeys(route for account in accounts for route in _routes(custody, account, every=True))
    blocked: set[Route] = set()
    vital = {route for ways in needed.values() for route in ways}
    said: set[Finding] = set()
    for route, findings in (await walk(routes, tls, limit)).items():
        if any(finding.verdict is Verdict.BAD for finding in findings):
            blocked.add(route)
        for finding in findings if route in vital else map(_not_needed, findings):
            if finding not in said:
                report(finding)
            said.add(finding)
    return {number for number, ways in needed.items() if blocked & set(ways)}


def _not_needed(finding: Finding) -> Finding:
    if finding.verdict is not Verdict.BAD:
        return finding
    return replace(finding, verdict=Verdict.NOTE, said=f"{finding.said}; no account needs it now")


def _routes(custody: Custody, account: Account, *, every: bool) -> list[Route]:
    """The ways that an account's calls go: with its own endpoint, or with every endpoint."""
    credential, defaults, wire = account.credential, custody.defaults, custody.wire
    own = preset_of(credential, defaults, wire)
    caller = caller_of(credential, defaults, wire)
    makers: list[tuple[Preset, CallMaker]] = [
        (preset, make)
        for preset in (wire.presets.values() if every else (own,))
        for make in (chat_call, models_call)
    ]
    if not credential.api_key:
        social = credential.auth_method is AuthMethod.SOCIAL
        makers.append((own, social_refresh_call if social else oidc_token_call))
    proxy = effective_proxy(credential, defaults)
    urls = dict.fromkeys(make(preset, caller, str(uuid4()), wire.base).url for preset, make in makers)
    return list(dict.fromkeys((split_url(url)[0], proxy) for url in urls))

"""What the commands for accounts are made of: the options that all have, the settings, the file, the way to Kiro."""

import functools
import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import Defaults, Proxy
from kiro_trio.credentials.custody import Custody, environment_credential
from kiro_trio.credentials.login.desk import Desk
from kiro_trio.credentials.roster import Roster
from kiro_trio.credentials.state import StateFile, state_path
from kiro_trio.credentials.store import FileStore
from kiro_trio.gateway.opening import taken_apart
from kiro_trio.kiro.identity import machine_id
from kiro_trio.settings import Settings, load_settings, usual_config
from kiro_trio.telemetry import configure_logging, register_secret
from kiro_trio.upstream.clients import Clients
from kiro_trio.upstream.small_calls import SmallCallsOver
from kiro_trio.upstream.tls import client_context

_Function = TypeVar("_Function", bound=Callable[..., Any])


def account_options(function: _Function) -> _Function:
    """The options of `serve` that say which accounts, and where Kiro is."""
    for option in (
        click.option(
            "--upstream",
            "upstream_url",
            metavar="URL",
            help="Send all that is meant for Kiro there: for tests.",
        ),
        click.option(
            "--credentials",
            "credentials_file",
            metavar="FILE",
            help="Accounts file  [default: credentials.json]",
        ),
        click.option(
            "-c",
            "--config",
            type=click.Path(path_type=Path),
            default=usual_config,
            envvar="KIRO_TRIO_CONFIG",
            show_default="config.json",
            help="Config file; it need not exist.",
        ),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class House:
    """The settings taken apart, as far as accounts need them."""

    settings: Settings
    defaults: Defaults
    wire: Wire

    @property
    def path(self) -> Path:
        """The accounts file."""
        return Path(self.settings.credentials_file)

    @functools.cached_property
    def calls(self) -> SmallCalls:
        """The way to Kiro; made when it is needed, for the certificates take a while to read."""
        settings = self.settings
        tls = client_context(Path(settings.ca_file) if settings.ca_file else None)
        return SmallCallsOver(Clients(tls, connect_timeout=settings.connect_timeout))

    async def store(self) -> FileStore:
        """The accounts, read; raises `InvalidFile`."""
        store = FileStore(self.path, self.defaults)
        await store.open()
        return store

    def desk(self, random: str, proxy: Proxy | None = None) -> Desk:
        """A desk to sign in at, on a machine that `random` makes up unless one is configured."""
        machine = machine_id(configured=self.defaults.machine_id or "", fallback=random)
        return Desk(self.calls, self.wire, self.defaults, wall_clock, machine, proxy or self.settings.proxy)

    @asynccontextmanager
    async def custody(self, *, keep: bool) -> AsyncIterator[Custody]:
        """The accounts and how they stand; `keep`: what changed is written down, beside what a gateway wrote."""
        store = await self.store()
        custody = Custody(
            store,
            StateFile(state_path(self.path)),
            self.calls,
            Roster("priority"),
            self.defaults,
            self.wire,
            environment_credential(self.settings.kiro_api_key, self.defaults),
        )
        await custody.load_state()
        try:
            yield custody
        finally:
            if keep:
                await custody.save_state()


def open_house(config: Path, credentials_file: str | None, upstream_url: str | None) -> House:
    """Read the settings, with the flags over them.

    Nothing is logged, for a command says itself what it did; at the level `debug` everything is, on stderr.

    Raises:
        SettingsError: a setting cannot be used.
    """
    flags = {
        "credentials_file": ("--credentials", credentials_file),
        "upstream_url": ("--upstream", upstream_url),
    }
    settings = load_settings(config, os.environ, flags).settings
    debug = settings.log_level == "debug"
    configure_logging("debug" if debug else "error", settings.log_format, None if debug else io.StringIO())
    register_secret(settings.proxy_password)
    return House(settings, *taken_apart(settings))

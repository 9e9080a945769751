"""Opening: the settings taken apart, and the gateway built of them. Below this module nobody reads settings."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import Defaults, effective_proxy
from kiro_trio.credentials.entry import read_entry
from kiro_trio.credentials.keeper import Keeper, KeeperOptions
from kiro_trio.credentials.login.desk import Desk
from kiro_trio.credentials.state import StateFile
from kiro_trio.credentials.store import FileStore
from kiro_trio.gateway.balances import Balances
from kiro_trio.gateway.books import Books
from kiro_trio.gateway.capturing import capturing_of
from kiro_trio.gateway.clients import Clients as ClientKeys
from kiro_trio.gateway.gateway import Gateway, Parts
from kiro_trio.gateway.history import History, Retention
from kiro_trio.gateway.metrics import Metrics
from kiro_trio.gateway.sign_ins import Accounts, SignIns
from kiro_trio.gateway.watching import CountedCalls
from kiro_trio.kiro.endpoint import Versions
from kiro_trio.kiro.identity import machine_id
from kiro_trio.kiro.preset_changes import changed_presets
from kiro_trio.settings import Settings
from kiro_trio.settings.source import Source
from kiro_trio.upstream.clients import Clients
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.small_calls import SmallCallsOver
from kiro_trio.upstream.tls import client_context
from kiro_trio.upstream.token_count import RemoteCount

# Idle connections to Kiro that are kept, all accounts and proxies together.
_MAX_IDLE = 256


async def open_gateway(settings: Settings, source: Source | None = None) -> Gateway:
    """Read the accounts and build the gateway; `source` is where the settings came from, if they can be read again.

    Raises:
        InvalidFile: the credentials file cannot be understood as a whole; the text names it.
        CertificateFileError: the settings' CA file cannot be used.
        ValueError: a change to an endpoint preset or a model cannot be used; the text says which.
    """
    defaults, wire = taken_apart(settings)
    tls = client_context(Path(settings.ca_file) if settings.ca_file else None)
    metrics = Metrics()
    clients = Clients(tls, connect_timeout=settings.connect_timeout)
    calls = CountedCalls(SmallCallsOver(clients), metrics.note_call)
    signing = CountedCalls(calls.calls, metrics.note_call, "sign_in")
    path = Path(settings.credentials_file)
    store = FileStore(path, defaults)
    await store.open()
    state = StateFile(path.with_name(f"{path.stem}.state.json"))
    keeper = Keeper(store, state, calls, _keeping(settings, defaults, wire))
    client = Http1Client(
        tls, connect_timeout=settings.connect_timeout, by_hand=settings.fast_path, max_idle=_MAX_IDLE
    )
    books = await _open_books(settings, path, keeper)
    accounts = Accounts(store, keeper.owner, books.balances)
    return Gateway(
        Parts(
            settings=settings,
            keeper=keeper,
            store=store,
            client=client,
            calls=calls,
            wire=wire,
            metrics=metrics,
            books=books,
            sign_ins=SignIns(accounts, partial(_desk, signing, defaults, wire)),
            source=source,
            counter=_counter(settings, clients),
            capturing=capturing_of(settings),
        )
    )


def taken_apart(settings: Settings) -> tuple[Defaults, Wire]:
    """What the settings say of accounts, and of how calls to Kiro are made.

    Raises:
        ValueError: a change to an endpoint preset cannot be used; the text says which.
    """
    presets = changed_presets(settings.endpoints)
    defaults = Defaults(
        region=settings.region,
        auth_region=settings.auth_region or None,
        api_region=settings.api_region or None,
        proxy=settings.proxy,
        endpoint=settings.default_endpoint,
        api_key_endpoint=settings.api_key_endpoint,
        endpoints=frozenset(presets),
        machine_id=settings.machine_id or None,
        social_arn=settings.social_profile_arn,
        builder_id_arn=settings.builder_id_profile_arn,
    )
    versions = Versions(
        settings.kiro_version, settings.node_version, settings.system_version, settings.cli_version
    )
    return defaults, Wire(presets, versions, settings.upstream_url.rstrip("/") or None)


async def _open_books(settings: Settings, path: Path, keeper: Keeper) -> Books:
    retention = Retention(settings.recent_requests, settings.recent_days, settings.usage_days)
    history = History(path.with_name(f"{path.stem}.history.sqlite3"), retention, wall_clock)
    keys = ClientKeys(path.with_name(f"{path.stem}.keys.json"), settings.api_key, history, wall_clock)
    await keys.open()
    return Books(history, keys, Balances(keeper.owner, wall_clock))


def _desk(calls: SmallCalls, defaults: Defaults, wire: Wire, settings: Mapping[str, Any]) -> Desk:
    """A desk to sign in at, for an account whose entry will have `settings`: on a machine of its own, through its proxy."""
    machine = machine_id(configured=defaults.machine_id or "", fallback=token_hex(16))
    proxy = effective_proxy(read_entry(dict(settings), 0, defaults.endpoints), defaults)
    return Desk(calls, wire, defaults, wall_clock, machine, proxy)


def _counter(settings: Settings, clients: Clients) -> RemoteCount | None:
    if not settings.count_tokens_api_url:
        return None
    return RemoteCount(
        clients,
        settings.count_tokens_api_url,
        settings.count_tokens_api_key,
        settings.count_tokens_auth_type,
        settings.proxy,
    )


def _keeping(settings: Settings, defaults: Defaults, wire: Wire) -> KeeperOptions:
    return KeeperOptions(
        defaults=defaults,
        wire=wire,
        environment_key=settings.kiro_api_key,
        order=settings.load_balancing_mode,
        concurrency=settings.per_credential_concurrency or sys.maxsize,
        queue_limit=settings.queue_limit,
        queue_patience=settings.queue_timeout,
    )

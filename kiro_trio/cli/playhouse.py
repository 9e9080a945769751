"""A gateway on a free port of this machine that lives as long as a context: in front of a simulated Kiro, or of the real one."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import trio
from msgspec import structs

from kiro_trio.settings import Settings
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.web.server import serve_gateway


@dataclass(frozen=True, slots=True)
class House:
    """The URLs of the gateway and of the simulated Kiro ("" if it is the real one), and the settings in force."""

    gateway: str
    kiro: str
    settings: Settings


@asynccontextmanager
async def simulated_house(
    simulator: Simulator, folder: Path, key: str, settings: Settings | None = None, **changes: Any
) -> AsyncIterator[House]:
    """A simulated Kiro and a gateway that has its accounts, in `folder`; `changes` go over the settings."""
    accounts = folder / "credentials.json"
    accounts.write_text(json.dumps([account.credential() for account in simulator.accounts]), "utf-8")
    async with trio.open_nursery() as nursery:
        kiro = await nursery.start(partial(serve_simulator, simulator))
        chosen = structs.replace(
            settings or Settings(), upstream_url=kiro, credentials_file=str(accounts), **changes
        )
        async with house(chosen, key) as running:
            yield House(running.gateway, kiro, running.settings)
        nursery.cancel_scope.cancel(reason="the simulated house is closed")


@asynccontextmanager
async def house(settings: Settings, key: str) -> AsyncIterator[House]:
    """A gateway with these settings, but on a free port of loopback, with this key and nobody else's."""
    mine = structs.replace(
        settings, host="127.0.0.1", port=0, api_key=key, admin_api_key="", capture_folder=""
    )
    async with trio.open_nursery() as nursery:
        url = await nursery.start(_gateway, mine)
        yield House(url, "", mine)
        nursery.cancel_scope.cancel(reason="the house is closed")


async def _gateway(settings: Settings, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    await serve_gateway(settings, on_listening=task_status.started)

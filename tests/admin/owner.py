"""The owner at work: the whole house with an admin key, and requests that carry it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio

from kiro_trio.settings.source import Source
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.simulator import Simulator
from tests.end_to_end.house import House, house

ADMIN_KEY = "sk-owner-key-of-the-suite"


class Owner:
    """Asks the API of a running house."""

    def __init__(self, here: House, folder: Path) -> None:
        self.here = here
        self.folder = folder

    @property
    def file(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "credentials.json").read_text())

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"x-api-key": ADMIN_KEY, **more.pop("headers", {})}
        return await self.here.http.request(method, f"/api/admin{path}", json=body, headers=headers, **more)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def do(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        answer = await self.ask(method, path, body, **more)
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"type", "message"}
        return answer.status_code, answer.json()["error"]["type"]


class Pieces(httpx.AsyncByteStream):
    """A body that is sent as far as it is read, and leaves nothing half-read behind as httpx's own would."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = iter(range(0, len(data), 65536))

    def __aiter__(self):
        return self

    async def __anext__(self) -> bytes:
        for start in self._starts:
            return self._data[start : start + 65536]
        raise StopAsyncIteration


@asynccontextmanager
async def owner(
    folder: Path, simulator: Simulator | None = None, accounts: int = 2, **settings: Any
) -> AsyncIterator[Owner]:
    config = folder / "config.json"
    if not config.exists():
        config.write_text(json.dumps({"region": "us-east-1", "unknownToUs": [1, 2]}))
    people = [Account(f"user{number}@example.com") for number in range(1, accounts + 1)]
    simulator = simulator or Simulator(accounts=people)
    settings = {"admin_api_key": ADMIN_KEY, **settings}
    async with house(folder, simulator, source=Source(config), **settings) as here:
        yield Owner(here, folder)


def stranger(simulator: Simulator, email: str = "new@example.com", **more: Any) -> Account:
    """An account that Kiro knows and the gateway does not."""
    account = Account(email, **more)
    simulator.accounts.append(account)
    return account


async def until(me: Owner, good: Callable[[Any], bool]) -> Any:
    """Look at what runs until it is as wanted."""
    while True:
        live = await me.get("/live")
        if good(live):
            return live
        await trio.sleep(0.01)


async def followed(me: Owner, sign_in_id: str) -> Any:
    """A sign-in when it has ended."""
    with trio.fail_after(20):
        while True:
            found = await me.get(f"/sign-ins/{sign_in_id}")
            if found["state"] not in {"waiting", "finishing"}:
                return found
            await trio.sleep(0.02)

"""The whole house on loopback: our simulator, our gateway as `serve` runs it, and a client's way in."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio
from anthropic import AsyncAnthropic

from kiro_trio.admin import mount
from kiro_trio.settings import Settings
from kiro_trio.settings.source import Source
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Match, Misfortunes, Reply, Rule, Script, Steps
from kiro_trio.simulator.seen import Exchange
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.web.server import serve_gateway
from tests.secrecy.sought import sought

KEY = "sk-test-key-of-the-suite"


@dataclass
class House:
    """A running gateway at `url`, in front of `simulator`."""

    url: str
    simulator: Simulator
    settings: Settings
    shutdown: trio.Event
    http: httpx.AsyncClient = field(repr=False)
    stopped: trio.Event = field(default_factory=trio.Event)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def anthropic(self) -> AsyncAnthropic:
        """The official SDK, without its retries."""
        return AsyncAnthropic(base_url=self.url, api_key=KEY, max_retries=0)

    async def post(self, body: Any, path: str = "/v1/messages", *, timeout: float = 30) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(path, content=content, headers={"x-api-key": KEY}, timeout=timeout)

    def chats(self) -> list[Exchange]:
        return [exchange for exchange in self.simulator.seen if exchange.call == "chat"]


@asynccontextmanager
async def house(
    folder: Path, simulator: Simulator | None = None, *, source: Source | None = None, **settings: Any
) -> AsyncIterator[House]:
    """Start both; stop both at the end, without grace."""
    simulator = simulator or Simulator(accounts=[Account("one@example.com")])
    credentials = folder / "credentials.json"
    if not credentials.exists():
        credentials.write_text(json.dumps([account.credential() for account in simulator.accounts]))
    async with trio.open_nursery() as nursery:
        upstream = await nursery.start(partial(serve_simulator, simulator))
        chosen = Settings(
            port=0, api_key=KEY, upstream_url=upstream, credentials_file=str(credentials), shutdown_grace=0.5
        )
        chosen = msgspec.structs.replace(chosen, **settings)
        sought.add_environment(msgspec.structs.asdict(chosen))
        shutdown, stopped = trio.Event(), trio.Event()
        send, receive = trio.open_memory_channel[str](1)

        async def run() -> None:
            await serve_gateway(
                chosen,
                on_listening=send.send_nowait,
                shutdown=shutdown,
                source=source,
                extensions=[mount],
            )
            stopped.set()

        nursery.start_soon(run)
        url = await receive.receive()
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
            yield House(url, simulator, chosen, shutdown, http, stopped)
        nursery.cancel_scope.cancel()


def saying(
    *steps: Steps, misfortunes: Sequence[Misfortunes] = (), status: str | None = None, **when: Any
) -> Rule:
    """A rule for chats: what is said, and what goes wrong."""
    reply = Reply(steps=steps or None, status=status, misfortunes=tuple(misfortunes))
    return Rule(Match(**when), reply)


def scripted(*rules: Rule, accounts: int = 1, **options: Any) -> Simulator:
    """A simulator with accounts and a script."""
    people = [Account(f"user{number}@example.com") for number in range(1, accounts + 1)]
    return Simulator(accounts=people, script=Script(rules), **options)


def prompt(text: str = "Hello", *, stream: bool = True, **more: Any) -> dict[str, Any]:
    """A plain request."""
    messages = [{"role": "user", "content": text}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "messages": messages, "stream": stream}
    return {**body, **more}


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Server-sent events by name and data."""
    found = []
    for block in body.decode().split("\n\n"):
        if block:
            name, data = block.split("\n", 1)
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def text_of(found: list[tuple[str, dict[str, Any]]]) -> str:
    """All words of an answer."""
    return "".join(data["delta"].get("text", "") for name, data in found if name == "content_block_delta")

"""Where a replay takes place: in front of what Kiro said then, of a simulated Kiro with its rules, or of Kiro itself."""

import json
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from msgspec import structs

from kiro_trio.captures.capture import NotACapture
from kiro_trio.cli.playback import player_of, settings_of
from kiro_trio.cli.playhouse import House, house, simulated_house
from kiro_trio.cli.replay_ending import Ended, asking, read_ending
from kiro_trio.cli.replay_file import Given, Unreadable
from kiro_trio.cli.replay_kiro import kiro_door
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.settings import Settings
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Script
from kiro_trio.simulator.simulator import Simulator


class Asker(Protocol):
    """Asks for an answer to a body; see `ClientAsker` and `kiro_trio.cli.replay_kiro.KiroAsker`."""

    async def ask(self, body: Any, show: Callable[[bytes], None], *, until_content: bool = False) -> Ended:
        """Ask, and say how it ended."""


@dataclass(frozen=True, slots=True)
class Place:
    """`live` are the settings by which Kiro itself is asked; without them it is simulated.

    The simulator answers by `script`, and by the optional rules named in `rules`; with neither, and if a capture says
    what Kiro said (`plays_back`), as Kiro did.
    """

    live: Settings | None = None
    script: Script | None = None
    rules: frozenset[str] = frozenset()
    plays_back: bool = True


@dataclass(frozen=True, slots=True)
class ClientAsker:
    """Asks a gateway, as the client did."""

    house: House
    key: str = field(repr=False)
    given: Given

    async def ask(self, body: Any, show: Callable[[bytes], None], *, until_content: bool = False) -> Ended:
        """Ask, and read the answer to its end, or up to its first words; `show` gets its bytes."""
        if until_content:
            body = {**body, "stream": True}
        async with asking(
            self.house.gateway, self.key, self.given.path, body, self.given.headers
        ) as response:
            return await read_ending(response, show, until_content=until_content)


@asynccontextmanager
async def opened(given: Given, place: Place) -> AsyncIterator[Asker]:
    """Somebody to ask, as long as the context is open."""
    key = secrets.token_urlsafe(24)
    async with _house(given, place, key) as running:
        if given.kind == "anthropic":
            yield ClientAsker(running, key, given)
        else:
            async with kiro_door(running.settings) as asker:
                yield asker


async def said_to_kiro(given: Given, place: Place) -> bytes:
    """What would be said to Kiro, but for the profile of the account.

    Raises:
        Unreadable: nothing would; the text says why.
    """
    body = json.dumps(given.body).encode()
    if given.kind == "kiro":
        return body
    settings = _settings(given, place)
    with tempfile.TemporaryDirectory(prefix="kiro-trio-replay-") as folder:
        nobody = str(Path(folder) / "credentials.json")
        gateway = await open_gateway(structs.replace(settings, credentials_file=nobody, capture_folder=""))
        try:
            taken = await gateway.take(parse_messages(body, salt="replay").prompt)
        except InvalidRequest as error:
            raise Unreadable(f"{given.name}: {error}") from None
    return taken.request.body(origin="AI_EDITOR", agent_fields=True, profile_arn=None)


@asynccontextmanager
async def _house(given: Given, place: Place, key: str) -> AsyncIterator[House]:
    settings = _settings(given, place)
    if place.live is not None:
        async with house(settings, key) as running:
            yield running
        return
    with tempfile.TemporaryDirectory(prefix="kiro-trio-replay-") as folder:
        async with simulated_house(_simulator(given, place), Path(folder), key, settings) as running:
            yield running


def _simulator(given: Given, place: Place) -> Simulator:
    if given.capture is not None and place.plays_back and place.script is None:
        return player_of(given.capture)
    account = Account("replay@kiro-trio.example")
    return Simulator([account], script=place.script or Script(), also=place.rules)


def _settings(given: Given, place: Place) -> Settings:
    """The settings by which a request is said to Kiro."""
    if place.live is not None:
        return place.live
    if given.capture is None:
        return Settings(list_models=False)
    try:
        return settings_of(given.capture)
    except NotACapture as error:
        raise Unreadable(f"{given.name}: {error}") from None

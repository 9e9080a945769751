"""Where the gateway of a config file listens, seen from this machine; and whether it is there."""

from pathlib import Path
from typing import Any

import click
import httpx

from kiro_trio.cli.claude_code import reachable
from kiro_trio.settings import Settings

# On this machine; a gateway that takes longer to say that it is there is none that one could use.
_PATIENCE = 5.0


class NotOurs(click.ClickException):
    """What listens there is no gateway of ours, or does not let us in."""


def address_of(settings: Settings, config: Path) -> str:
    """The URL of the gateway with these settings.

    Raises:
        click.UsageError: it picks a free port whenever it starts.
    """
    if settings.port == 0:
        raise click.UsageError(
            f"{config}: port is 0, so the gateway listens somewhere else each time; say where with --url"
        )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return reachable(f"http://{host}:{settings.port}")


async def runs_at(url: str, key: str) -> bool:
    """Whether a gateway listens at `url` that takes this key; False if nobody does.

    Raises:
        NotOurs: somebody else does, or it does not take the key.
    """
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=_PATIENCE) as http:
        try:
            health = await http.get("/healthz")
        except httpx.ConnectError:
            return False
        except httpx.HTTPError as error:
            raise NotOurs(f"what listens at {url} does not answer ({type(error).__name__})") from None
        if _field(health, "status") != "alive":
            raise NotOurs(
                f"something else than kiro-trio listens at {url}; choose another port in the config"
            )
        try:
            models = await http.get("/v1/models", headers={"x-api-key": key or "none"})
        except httpx.HTTPError as error:
            raise NotOurs(f"the gateway at {url} does not answer ({type(error).__name__})") from None
    if models.status_code in {401, 403}:
        raise NotOurs(
            f"the gateway at {url} does not take the apiKey of this config: it was started with another"
        )
    return True


async def has_account(url: str) -> bool:
    """Whether the gateway there has an account that takes requests."""
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=_PATIENCE) as http:
            checks = _field(await http.get("/readyz"), "checks")
    except httpx.HTTPError:
        return False
    return isinstance(checks, dict) and bool(checks.get("accounts"))


def _field(answer: httpx.Response, name: str) -> Any:
    try:
        content = answer.json()
    except ValueError:
        return None
    return content.get(name) if isinstance(content, dict) else None

"""Dummy credentials for the tests of this room: their secrets are made of a name and padding."""

import json
from pathlib import Path
from typing import Any

from kiro_trio.credentials.credential import Credential
from kiro_trio.credentials.entry import read_entry
from kiro_trio.credentials.expiry import format_expiry

NOW = 1_790_000_000.0
"""2026-09-21T14:13:20Z"""

ENDPOINTS = frozenset({"ide", "ide-kiro", "cli", "cli-q"})


def refresh_token(name: str) -> str:
    return f"aor-{name}-".ljust(120, "r")


def social(name: str = "a", **keys: Any) -> dict[str, Any]:
    """An entry that needs a renewal."""
    return {"refreshToken": refresh_token(name), "authMethod": "social", **keys}


def idc(name: str = "a", **keys: Any) -> dict[str, Any]:
    return {
        "refreshToken": refresh_token(name),
        "authMethod": "idc",
        "clientId": f"client-{name}",
        "clientSecret": f"client-secret-{name}",
        **keys,
    }


def fresh(name: str = "a", *, now: float = NOW, lifetime: float = 3600.0, **keys: Any) -> dict[str, Any]:
    """An entry whose access token is good."""
    token = {"accessToken": f"aoa-{name}", "expiresAt": format_expiry(now + lifetime)}
    return social(name, **token | keys)


def rotated(name: str, expires: str = "2026-09-21T16:00:00.000Z") -> dict[str, Any]:
    """What a renewal brings."""
    return {"accessToken": f"aoa-{name}", "refreshToken": refresh_token(name), "expiresAt": expires}


def credential(number: int = 1, **keys: Any) -> Credential:
    return read_entry(fresh(f"n{number}", **keys), number, ENDPOINTS)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())

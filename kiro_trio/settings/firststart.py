"""The first start: a config file with keys that nobody else has."""

import json
import secrets
from pathlib import Path

from kiro_trio.credentials.atomic import replace_file
from kiro_trio.settings.errors import Place, SettingsError

# Different from the default that a kiro.rs file without a port means (8080): there, half of all programs listen.
_PORT = 8990

_KEY_BYTES = 24  # 192 bits; 32 characters


def write_first_config(path: Path) -> None:
    """Write a config file that only its owner may read, whole or not at all.

    Raises:
        SettingsError: it cannot be written there.
    """
    content = {
        "host": "127.0.0.1",
        "port": _PORT,
        "apiKey": _new_key("sk-kiro-trio-"),
        "adminApiKey": _new_key("sk-kiro-trio-admin-"),
        "region": "us-east-1",
    }
    try:
        replace_file(path, json.dumps(content, indent=2).encode() + b"\n")
    except OSError as error:
        problem = (
            f"does not exist and cannot be written ({error.strerror}); set KIRO_TRIO_API_KEY to go without"
        )
        raise SettingsError(Place(str(path)), problem) from None


def _new_key(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(_KEY_BYTES)

"""The first start: a config file with keys that nobody else has."""

import json
import os
import secrets
import tempfile
from pathlib import Path

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
        _write(path, json.dumps(content, indent=2) + "\n")
    except OSError as error:
        problem = (
            f"does not exist and cannot be written ({error.strerror}); set KIRO_TRIO_API_KEY to go without"
        )
        raise SettingsError(Place(str(path)), problem) from None


def _new_key(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(_KEY_BYTES)


def _write(path: Path, text: str) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # it makes the file 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink()
        raise

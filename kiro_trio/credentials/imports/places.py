"""Where other programs keep their accounts, by operating system. Pure. Source: docs/wire.md, "Official stores"."""

from collections.abc import Iterator, Mapping
from pathlib import Path

IDE_TOKEN = "kiro-auth-token.json"  # noqa: S105 - a file's name
DATABASE = "data.sqlite3"

# By these names gateways are told where an account is.
_VARIABLES = ("KIRO_CREDS_FILE", "KIRO_CREDENTIALS_FILE", "KIROCLI_DB_PATH", "KIRO_CLI_DB_FILE")

_PROGRAMS = ("kiro-cli", "amazon-q")
_MANAGER = Path(".kiro-account-manager") / "accounts.json"

EXPORTS = "kiro-accounts*.json"
"""The name under which account managers save their exports."""


def usual_places(platform: str, environ: Mapping[str, str], home: Path, here: Path) -> list[Path]:
    """The files that are worth a look, each once; whether they exist nobody has asked yet.

    `platform` is `sys.platform`, `here` the folder where the command was started: kiro.rs keeps its file there.
    """
    found = [
        *(Path(environ[name]) for name in _VARIABLES if environ.get(name)),
        home / ".aws" / "sso" / "cache" / IDE_TOKEN,
        *_databases(platform, environ, home),
        *(folder / _MANAGER for folder in _data_folders(platform, environ, home)),
        here / "credentials.json",
        here / "config" / "credentials.json",
    ]
    return list(dict.fromkeys(found))


def export_folders(home: Path, here: Path) -> list[Path]:
    """The folders in which there may be `EXPORTS`."""
    return list(dict.fromkeys((here, home / "Downloads")))


def _databases(platform: str, environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    for folder in _data_folders(platform, environ, home):
        for program in _PROGRAMS:
            yield folder / program / DATABASE
        if platform == "win32":
            yield folder / "Kiro-Cli" / DATABASE


def _data_folders(platform: str, environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    if platform == "darwin":
        yield home / "Library" / "Application Support"
    elif platform == "win32":
        yield Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        yield Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    else:
        if environ.get("XDG_DATA_HOME"):
            yield Path(environ["XDG_DATA_HOME"])
        yield home / ".local" / "share"

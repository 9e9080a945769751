"""Reading a file of another program's, whatever it is. Blocking: call it in a thread."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kiro_trio.credentials.imports.candidate import Candidate
from kiro_trio.credentials.imports.database import MAGIC, Unreadable, read_tables
from kiro_trio.credentials.imports.kirocli import read_rows
from kiro_trio.credentials.imports.objects import Registrations, read_objects
from kiro_trio.credentials.imports.places import DATABASE, EXPORTS, IDE_TOKEN, export_folders, usual_places

_LARGEST = 32 * 1024 * 1024


def read_source(path: Path) -> list[Candidate]:
    """The accounts in a file; for a folder, in the file of that program that is known to be in it.

    Raises:
        Unreadable: it cannot be read, or holds no accounts; the message says why, without any of its content.
    """
    try:
        path = _inside(path)
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if data.startswith(MAGIC):
            tables = read_tables(path, ("auth_kv", "state"))
            return read_rows(tables["auth_kv"], tables["state"])
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    ide = path.name.startswith(IDE_TOKEN.removesuffix(".json"))
    return read_bytes(data, lambda name: _registration(path.parent, name), ide=ide)


def read_bytes(
    data: bytes, registrations: Registrations = lambda _: None, *, ide: bool = False
) -> list[Candidate]:
    """The accounts in JSON; raises `Unreadable`."""
    if len(data) > _LARGEST:
        raise Unreadable("is too large for a file of accounts")
    found = read_objects(_parsed(data), registrations, ide=ide)
    if not found:
        raise Unreadable("holds no accounts that we know the shape of")
    return found


def scan(
    platform: str, environ: Mapping[str, str], home: Path, here: Path, without: Iterable[Path] = ()
) -> list[Path]:
    """The files of other programs that exist in the usual places, but for those in `without`."""
    known = {path.resolve() for path in without}
    exports = (path for folder in export_folders(home, here) for path in sorted(folder.glob(EXPORTS)))
    found: dict[Path, Path] = {}
    for path in (*usual_places(platform, environ, home, here), *exports):
        if path.is_file() and path.resolve() not in known:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _inside(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in (IDE_TOKEN, DATABASE, "credentials.json", "accounts.json"):
        if (path / name).is_file():
            return path / name
    raise Unreadable("is a folder without accounts that we know the name of")


def _registration(folder: Path, name: str) -> Mapping[str, Any] | None:
    try:
        found = _parsed((folder / f"{name}.json").read_bytes())
    except (OSError, Unreadable):
        return None
    return found if isinstance(found, dict) else None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unreadable("is neither JSON nor a SQLite database") from None

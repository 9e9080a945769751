"""Examining what is on this machine: the config, the files and who may read them, the port."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kiro_trio.cli.findings import Finding, Verdict
from kiro_trio.cli.place import NotOurs, address_of, runs_at
from kiro_trio.credentials.store import FileStore
from kiro_trio.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_by_others(check: str, path: Path) -> Iterator[Finding]:
    """A note if a file with secrets may be read, or replaced, by other users of the machine."""
    try:
        mode = path.stat().st_mode
        folder = path.resolve().parent.stat().st_mode
    except OSError:
        return
    if mode & _OTHERS:
        said = f"{path} may be read or written by others ({stat.filemode(mode)})"
        yield Finding(check, Verdict.NOTE, said, f"chmod 600 {path}")
    if folder & stat.S_IWOTH and not folder & stat.S_ISVTX:
        yield Finding(
            check, Verdict.NOTE, f"anybody may replace {path}", f"chmod o-w {path.resolve().parent}"
        )


def read_accounts(store: FileStore, settings: Settings) -> Iterator[Finding]:
    """What the accounts file holds."""
    count = len(store.credentials) + bool(settings.kiro_api_key)
    if not count:
        said = (
            f"there is no account: {store.path} {'holds none' if store.path.exists() else 'does not exist'}"
        )
        yield Finding(
            "accounts",
            Verdict.BAD,
            said,
            "`kiro-trio login` signs in, `kiro-trio accounts import` takes over",
        )
        return
    yield Finding("accounts", Verdict.GOOD, f"{count} in {store.path}")
    for credential in store.credentials.values():
        if credential.flaw:
            advice = f"mend it in {store.path}, or `kiro-trio accounts remove {credential.id}`"
            yield Finding("accounts", Verdict.BAD, credential.flaw, advice, credential.id)


def can_write_beside(path: Path) -> Finding:
    """Whether renewed tokens can be kept: a file is really written where they would be. Blocking."""
    folder = Path(os.path.realpath(path)).parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{path.name}.doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding(
            "store",
            Verdict.BAD,
            f"nothing can be written in {folder}: {error.strerror}",
            "give the gateway a folder of its own that it may write to, for every renewed token must be kept;"
            " mount folders, not single files",
        )
    return Finding("store", Verdict.GOOD, f"{folder} can be written")


async def look_at_port(settings: Settings, config: Path) -> Finding:
    """Whether the gateway of this config runs, and lets in who has its key."""
    if settings.port == 0:
        return Finding("gateway", Verdict.SKIPPED, "port is 0: where it listens is not known beforehand")
    url = address_of(settings, config)
    try:
        runs = await runs_at(url, settings.api_key)
    except NotOurs as problem:
        advice = "stop what listens there, or choose another port"
        return Finding("gateway", Verdict.BAD, problem.message, advice)
    return Finding(
        "gateway", Verdict.GOOD if runs else Verdict.NOTE, f"{'runs' if runs else 'does not run'} at {url}"
    )

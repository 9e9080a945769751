"""One version of a file takes the place of the version that it was made from, and of no other. Blocking.

Whoever edits the file knows no lock of ours, and may save between any two of our steps. So the two versions change places
in one step, and only then is looked at what came out: if it is not what the new version was made from, somebody has saved,
and his file goes back. Who writes into the file that came out, because he had opened it before, is noticed likewise.

What is left beside the file by a process that was killed is called `.NAME.FROM.TO.tmp`, by the digests of both versions, so
that whoever has the lock next can tell what it is:

| at the file's place | beside it | |
|---|---|---|
| TO | FROM | it was done |
| TO | another one | somebody had saved in between: his goes back |
| another one | TO | it was not done: what nobody else knows is to be taken from it |
| anything | anything else | half written, or outdated |
"""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from kiro_trio.credentials.atomic import NOT_REPLACEABLE, Written, overwrite, sync_directory, write_new
from kiro_trio.credentials.swap import Exchange, exchange, read_settled, tells_writers

_MARKS = re.compile(r"(none|[0-9a-f]{16})\.[0-9a-f]{16}\.tmp")


class Overtaken(Exception):
    """Somebody who knows no lock, such as an editor, has changed the file meanwhile; his version stands."""


def succeed(path: Path, data: bytes, seen: bytes | None, exchange: Exchange = exchange) -> Written:
    """Make `data`, which was made from `seen` (None: from no file), the content of `path`, readable by its owner only.

    Call it under `locked(path)`. A crash leaves the old version or the new one. After `Overtaken` the new one lies beside the file
    until `sweep`: it may hold what is nowhere else. Where two files cannot change places, or the file only be written in
    place, what somebody saves within the last microseconds is lost nevertheless.

    Raises:
        OSError: it cannot be written at all.
        Overtaken: `seen` is not what is there, or somebody has the file open for writing.
    """
    successor = path.with_name(f".{path.name}.{_digest(seen)}.{_digest(data)}.tmp")
    try:
        written = write_new(successor, data)
        _install(successor, path, (data, seen), exchange)
    except OSError as error:
        with suppress(OSError):
            successor.unlink()
        if error.errno not in NOT_REPLACEABLE or not path.exists():
            raise
        if _content(path) != seen:
            raise Overtaken from None
        return Written(replaced=False, stat=overwrite(path, data))
    with suppress(OSError):
        successor.unlink()
    sync_directory(path.parent)
    return Written(replaced=True, stat=written)


def recover(path: Path, exchange: Exchange = exchange) -> list[bytes]:
    """Put right what killed processes left beside `path`; call it under `locked(path)`, so that none is at work.

    Returns:
        Versions that did not get their place; they lie there until `sweep`.
    """
    versions = []
    for left in left_beside(path):
        made_from, made, _ = left.name.removeprefix(f".{path.name}.").split(".")
        here, beside = _content(path), _content(left)
        saved_between = _digest(here) == made and _digest(beside) not in {made_from, made}
        if here is not None and beside is not None and saved_between:
            with suppress(Overtaken, OSError):
                _install(left, path, (beside, here), exchange)
            sync_directory(path.parent)
            here, beside = _content(path), _content(left)
        if beside is not None and _digest(beside) == made != _digest(here):
            versions.append(beside)
        else:
            with suppress(OSError):
                left.unlink()
    return versions


def left_beside(path: Path) -> list[Path]:
    """The versions that lie beside `path`: of whoever is at it right now, or was killed."""
    start = f".{path.name}."
    with suppress(OSError), os.scandir(path.parent) as found:
        names = [one.name for one in found if one.name.startswith(start)]
        return [path.with_name(name) for name in sorted(names) if _MARKS.fullmatch(name, len(start))]
    return []


def sweep(path: Path) -> None:
    """Remove what lies beside `path`; call it under `locked(path)`, when nothing of it is needed any more."""
    for left in left_beside(path):
        with suppress(OSError):
            left.unlink()


def _install(successor: Path, path: Path, versions: tuple[bytes, bytes | None], exchange: Exchange) -> None:
    """Let `successor` have the place; raises `Overtaken`, and then the last version that somebody saved has it."""
    data, seen = versions
    telling = tells_writers(successor)
    if read_settled(path, telling=telling) != seen:
        raise Overtaken
    if seen is None:
        _appear(successor, path)
        return
    try:
        exchange(successor, path)
    except FileNotFoundError:
        raise Overtaken from None
    except OSError:  # they cannot change places here
        if _content(path) != seen:
            raise Overtaken from None
        successor.replace(path)
        return
    placed: bytes | None = data
    if (out := read_settled(successor, telling=telling)) == seen:
        return
    # Somebody has saved, or is about to: what came out goes back. It may happen again, so that has to be looked at as well.
    while True:
        expected, placed = placed, out
        try:
            exchange(successor, path)
        except OSError:
            raise Overtaken from None
        if (out := read_settled(successor, telling=telling)) == expected:
            raise Overtaken


def _appear(successor: Path, path: Path) -> None:
    """Give it a place where nothing was."""
    try:
        path.hardlink_to(successor)
    except FileExistsError:
        raise Overtaken from None
    except OSError:  # no second names here
        if path.exists():
            raise Overtaken from None
        successor.replace(path)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _digest(data: bytes | None) -> str:
    return "none" if data is None else hashlib.sha256(data).hexdigest()[:16]

"""Claude Code's settings files, into which the status line is put and out of which it is taken; nothing else is touched."""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.ourselves import ourselves

_KEY = "statusLine"
_OURS = re.compile(r"\bkiro[-_]trio\b.*\bstatusline\b", re.DOTALL)


class SettingsInTheWay(click.ClickException):
    """The file is not to be changed by us; the text says why, and what to write instead."""


def status_line() -> dict[str, Any]:
    """The value of the setting `statusLine` that runs us."""
    return {"type": "command", "command": shlex.join([*_program(), "statusline"])}


def default_settings(environ: Mapping[str, str]) -> Path:
    """The person's own settings file."""
    folder = environ.get("CLAUDE_CONFIG_DIR")
    return (Path(folder) if folder else Path.home() / ".claude") / "settings.json"


def has_status_line(paths: Iterable[Path]) -> bool:
    """Whether one of these files (missing ones count for nothing) sets a status line, or cannot be read."""
    for path in paths:
        try:
            if _KEY in _settings(path, path.read_text("utf-8-sig")):
                return True
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError, SettingsInTheWay):
            return True
    return False


def install(path: Path) -> bool:
    """Add the status line; False if it is there already.

    Raises:
        SettingsInTheWay: there is another one, or the file is not JSON that we could write back as it was.
        OSError: it cannot be read or written.
    """
    text = _read(path)
    settings = _settings(path, text)
    present = settings.get(_KEY)
    if present is not None and not _ours(present):
        raise _in_the_way(path, "has another status line already, which stays")
    if present == status_line():
        return False
    _write(path, text, {**settings, _KEY: status_line()})
    return True


def uninstall(path: Path) -> bool:
    """Take our status line out; False if it is not there. Raises as `install`."""
    text = _read(path)
    settings = _settings(path, text)
    if not _ours(settings.get(_KEY)):
        return False
    _write(path, text, {name: value for name, value in settings.items() if name != _KEY})
    return True


def _ours(value: object) -> bool:
    return isinstance(value, dict) and bool(_OURS.search(str(value.get("command", ""))))


def _program() -> list[str]:
    """The installed command where there is one, by its whole path: Claude Code may have another PATH."""
    beside = Path(sys.executable).with_name("kiro-trio")
    here = Path(sys.argv[0])
    for found in (here if here.name == "kiro-trio" else beside, beside, shutil.which("kiro-trio")):
        if found and Path(found).is_file():
            return [str(Path(found).absolute())]
    return ourselves()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise _in_the_way(path, "is not UTF-8") from None


def _settings(path: Path, text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise _in_the_way(path, "is not plain JSON") from None
    if not isinstance(settings, dict):
        raise _in_the_way(path, "is not a JSON object")
    return settings


def _write(path: Path, old: str, settings: Mapping[str, Any]) -> None:
    """Write it all at once, in the file's own indentation; a link stays one, and the old text is kept beside it."""
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    found = re.search(r"^([ \t]+)\S", old, re.MULTILINE)
    text = json.dumps(settings, indent=found[1] if found else 2, ensure_ascii=False) + "\n"
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    if old:
        _put(target.with_name(f"{target.name}.before-kiro-trio"), old, mode)
    _put(target, text, mode)


def _put(path: Path, text: str, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fresh.write_text(text, "utf-8")
        fresh.chmod(mode)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _in_the_way(path: Path, why: str) -> SettingsInTheWay:
    snippet = json.dumps({_KEY: status_line()}, ensure_ascii=False)
    return SettingsInTheWay(f"{path} {why}. Nothing was changed; to have ours, write there: {snippet}")

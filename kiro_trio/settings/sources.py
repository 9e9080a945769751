"""Where settings come from: the file, the environment over it, the flags over both. Every mistake names its place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kiro_trio.settings.checks import check_listening, check_values, weak_points
from kiro_trio.settings.definition import Settings
from kiro_trio.settings.errors import Place, SettingsError
from kiro_trio.settings.home import ACCOUNTS, home_folder
from kiro_trio.settings.table import VARIABLE_PREFIX, Row, rows

# Read by others: the path of the file itself, and the folder of test data.
_OTHER_VARIABLES = frozenset({"KIRO_TRIO_CONFIG", "KIRO_TRIO_SHARED"})

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and what their owner should know about them (each a sentence for the log)."""

    settings: Settings
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A raw value and its place; `text` when it came as a mere string."""

    place: Place
    value: Any
    text: bool = False


def load_settings(
    config: Path, environ: Mapping[str, str], flags: Mapping[str, tuple[str, Any]] | None = None
) -> Loaded:
    """Read all settings; a missing file is an empty one, `null` and an empty variable are "not given".

    The accounts of the home folder's config are beside it, unless something else is given.

    `flags` maps the names of settings to (the flag as it is written, its value); None is "not given".

    Raises:
        SettingsError: something cannot be read, or is not what it should be.
    """
    file = read_file(config)
    found = _gather(config, file, environ, flags or {})
    settings = Settings(**{row.name: _convert(row, found[row.name]) for row in rows() if row.name in found})
    if "credentials_file" not in found and config.parent == home_folder(environ):
        settings = msgspec.structs.replace(settings, credentials_file=str(config.with_name(ACCOUNTS)))
    places = {name: at.place for name, at in found.items()}
    check_values(settings, places)
    check_listening(settings, places)
    return Loaded(settings, (*_unknown(config, file, environ), *weak_points(settings, environ)))


def read_file(path: Path) -> dict[str, Any]:
    """The content of a config file, {} if there is none; raises SettingsError."""
    place = Place(str(path))
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(place, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(place, f"must be UTF-8 text, but byte {error.start} is not") from None
    except json.JSONDecodeError as error:
        problem = f"must be JSON, but line {error.lineno}, column {error.colno} is not: {error.msg}"
        raise SettingsError(place, problem) from None
    except ValueError:
        raise SettingsError(place, "holds a number that is too long") from None
    except RecursionError:
        raise SettingsError(place, "is nested too deeply") from None
    if not isinstance(content, dict):
        raise SettingsError(place, "must hold a JSON object")
    return content


def _gather(
    config: Path, file: Mapping[str, Any], environ: Mapping[str, str], flags: Mapping[str, tuple[str, Any]]
) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for row in rows():
        if row.in_file and file.get(row.key) is not None:
            found[row.name] = _Found(Place(str(config), row.key), file[row.key])
        if environ.get(row.variable):
            found[row.name] = _Found(Place(row.variable), environ[row.variable], text=True)
    for name, (flag, value) in flags.items():
        if value is not None:
            found[name] = _Found(Place(flag), value)
    return found


def _convert(row: Row, found: _Found) -> Any:
    value = found.value
    try:
        if found.text and isinstance(row.default, dict):
            value = json.loads(value)
        if isinstance(value, str):
            value = value.strip()
        return msgspec.convert(value, row.type, strict=not found.text)
    except (msgspec.ValidationError, ValueError, RecursionError):
        shown = "" if row.secret else f", not {_show(found.value)}"
        raise SettingsError(found.place, f"must be {row.expected}{shown}") from None


def _show(value: Any) -> str:
    text = _printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _printable(text: str) -> str:
    """The text in one line that every terminal and log takes: what cannot be printed is escaped."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _unknown(path: Path, file: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    keys = {row.key for row in rows() if row.in_file}
    if names := sorted(map(_printable, set(file) - keys)):
        yield f"{path}: unknown keys are ignored: {', '.join(names)}"
    variables = _OTHER_VARIABLES | {row.variable for row in rows()}
    if names := sorted(
        _printable(name) for name in environ if name.startswith(VARIABLE_PREFIX) and name not in variables
    ):
        yield f"unknown environment variables are ignored: {', '.join(names)}"

"""How the gateway is set, what can be changed while it runs, and how it is."""

from typing import Any, Literal

import trio
from msgspec import structs

from kiro_trio import __version__
from kiro_trio.admin.masks import moment
from kiro_trio.admin.problems import Kind, Problem, invalid
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Shape
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.gateway.current import current_id
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.settings import SettingsError
from kiro_trio.settings.table import rows
from kiro_trio.telemetry import LogLevel


class Mode(Shape):
    """By what order accounts are taken."""

    mode: Literal["priority", "balanced"]


class Level(Shape):
    """How much is logged."""

    level: LogLevel


class Setting(Shape):
    """One setting. `value` is None for a secret, of which only `is_set` is told."""

    key: str
    value: Any
    default: Any
    sentence: str
    secret: bool
    is_set: bool


class Configuration(Shape):
    """All settings as they are in force, and the file they came from."""

    file: str | None
    settings: list[Setting]


class Reloaded(Shape):
    """What became of settings that changed, by their keys; `warnings` are sentences for the owner."""

    message: str
    applied: list[str]
    needs_restart: list[str]
    warnings: list[str]
    success: bool = True


class Status(Shape):
    """The gateway at a glance.

    `problems` are sentences about what its owner should mend. `unknown` counts what Kiro says that we do not know, by
    name and without a value: the first sign that its protocol has changed.
    """

    version: str
    started_at: str | None
    uptime: float
    accounts: int
    available: int
    current_id: int
    in_flight: int
    waiting: int
    draining: bool
    store_writable: bool
    problems: list[str]
    unknown: dict[str, int]


class Model(Shape):
    """A model that clients may ask for; sizes in tokens, `rate` is its multiplier of credits if it is known."""

    id: str
    name: str
    window: int
    max_output: int
    rate: float | None
    effort: str


class Models(Shape):
    """All models, and other names for them."""

    models: list[Model]
    aliases: dict[str, str]


async def show_status(asked: Asked) -> Status:
    """The gateway at a glance."""
    place, gateway = asked.place, asked.place.gateway
    standings = gateway.keeper.standings()
    return Status(
        version=__version__,
        started_at=moment(place.began),
        uptime=round(wall_clock() - place.began, 1),
        accounts=len(standings),
        available=gateway.keeper.available(),
        current_id=current_id(gateway, standings),
        in_flight=len(gateway.live),
        waiting=gateway.keeper.waiting(),
        draining=gateway.draining,
        store_writable=await gateway.store_writable(),
        problems=[*gateway.keeper.problems, *gateway.books.problems],
        unknown=dict(gateway.metrics.unknown_seen),
    )


async def list_models(asked: Asked) -> Models:
    """The models that clients may ask for."""
    catalog = asked.place.gateway.catalog
    return Models(
        models=[
            Model(
                id=model.id,
                name=model.display_name,
                window=model.window,
                max_output=model.max_output,
                rate=model.rate,
                effort=model.effort,
            )
            for model in catalog.models.values()
        ],
        aliases=dict(catalog.aliases),
    )


async def show_mode(asked: Asked) -> Mode:
    """By what order accounts are taken."""
    return Mode(mode=asked.place.gateway.settings.load_balancing_mode)


async def set_mode(asked: Asked) -> Mode:
    """Take accounts by another order from now on, and after a restart."""
    await _keep(asked.place.gateway, "load_balancing_mode", asked.body.mode)
    return Mode(mode=asked.body.mode)


async def show_level(asked: Asked) -> Level:
    """How much is logged."""
    return Level(level=asked.place.gateway.settings.log_level)


async def set_level(asked: Asked) -> Level:
    """Log more or less from now on, and after a restart."""
    await _keep(asked.place.gateway, "log_level", asked.body.level)
    return Level(level=asked.body.level)


async def show_settings(asked: Asked) -> Configuration:
    """All settings; of secrets only whether they are set."""
    gateway = asked.place.gateway
    shown = [
        Setting(
            key=row.key,
            value=None if row.secret else getattr(gateway.settings, row.name),
            default=None if row.secret else row.default,
            sentence=row.sentence,
            secret=row.secret,
            is_set=getattr(gateway.settings, row.name) != row.default,
        )
        for row in rows()
    ]
    return Configuration(file=str(gateway.source.config) if gateway.source else None, settings=shown)


async def reload_files(asked: Asked) -> Reloaded:
    """Read the config file and the credentials file again."""
    gateway = asked.place.gateway
    await gateway.keeper.owner.reload()
    if gateway.source is None:
        message = "the accounts were read again; the settings did not come from a file"
        return Reloaded(message=message, applied=[], needs_restart=[], warnings=[*gateway.keeper.problems])
    try:
        loaded = await trio.to_thread.run_sync(gateway.source.load)
    except SettingsError as error:
        raise invalid(str(error)) from None
    adopted = gateway.adopt(loaded.settings)
    return Reloaded(
        message="accounts and settings were read again",
        applied=list(adopted.applied),
        needs_restart=list(adopted.needs_restart),
        warnings=[*loaded.warnings, *gateway.keeper.problems],
    )


async def _keep(gateway: Gateway, name: str, value: str) -> None:
    """Put a setting into the file, and into force; if the file does not take it, neither."""
    if gateway.source is not None:
        try:
            await trio.to_thread.run_sync(gateway.source.keep, {name: value})
        except SettingsError as error:
            raise Problem(Kind.INTERNAL, str(error)) from None
    gateway.adopt(structs.replace(gateway.settings, **{name: value}))

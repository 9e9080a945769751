"""Changes to endpoint presets, from configuration: hosts and headers change several times a year."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from kiro_trio.kiro.presets import PRESETS, Preset, Route, Rows
from kiro_trio.kiro.templates import check_template


class _RouteChanges(msgspec.Struct, forbid_unknown_fields=True):
    method: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    headers: dict[str, str | None] = {}
    query: dict[str, str | None] = {}
    body: dict[str, str | int] | UnsetType | None = UNSET


class _PresetChanges(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    like: str | UnsetType = UNSET
    origin: str | UnsetType = UNSET
    agent_fields: bool | UnsetType = UNSET
    arn_in_body: bool | UnsetType = UNSET
    chat: _RouteChanges | UnsetType = UNSET
    mcp: _RouteChanges | UnsetType = UNSET
    usage: _RouteChanges | UnsetType = UNSET
    models: _RouteChanges | UnsetType = UNSET
    profiles: _RouteChanges | UnsetType = UNSET
    social_refresh: _RouteChanges | UnsetType = UNSET
    oidc_token: _RouteChanges | UnsetType = UNSET


def changed_presets(changes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Preset]:
    """All presets by name, with `changes` on top.

    A change is an object with any of `origin`, `agentFields`, `arnInBody` and the calls `chat`, `mcp`, `usage`, `models`,
    `profiles`, `socialRefresh`, `oidcToken`; a call's `headers` and `query` change single rows (null takes one out), its
    `method`, `url` and `body` are replaced. A preset of a new name says with `like` which one it is made of.

    Raises:
        ValueError: a name or a type is wrong, or a template names what there is not; the text says where.
    """
    presets = dict(PRESETS)
    for name, fields in changes.items():
        try:
            wanted = msgspec.convert(fields, _PresetChanges)
            presets[name] = replace(_changed(_beginning(presets, name, wanted.like), wanted), name=name)
        except (msgspec.ValidationError, ValueError) as error:
            raise ValueError(f"endpoints.{name}: {error}") from None
    return MappingProxyType(presets)


def _beginning(presets: Mapping[str, Preset], name: str, like: str | UnsetType) -> Preset:
    try:
        return presets[name if like is UNSET else like]
    except KeyError:
        raise ValueError("there is no such preset; `like` names the one to begin with") from None


def _changed(preset: Preset, wanted: _PresetChanges) -> Preset:
    changes: dict[str, Any] = {}
    for name, change in msgspec.structs.asdict(wanted).items():
        if change is UNSET or name == "like":
            continue
        changes[name] = (
            _changed_route(getattr(preset, name), change) if isinstance(change, _RouteChanges) else change
        )
    return replace(preset, **changes)


def _changed_route(route: Route, change: _RouteChanges) -> Route:
    body = route.body
    if change.body is not UNSET:
        body = None if change.body is None else tuple(change.body.items())
        for value in (change.body or {}).values():
            check_template(str(value))
    return Route(
        method=route.method if change.method is UNSET else change.method,
        url=route.url if change.url is UNSET else check_template(change.url),
        headers=_changed_rows(route.headers, {name.lower(): value for name, value in change.headers.items()}),
        query=_changed_rows(route.query, change.query),
        body=body,
    )


def _changed_rows(rows: Rows, changes: Mapping[str, str | None]) -> Rows:
    """`rows` with some replaced where they stand or taken out, and new ones behind them."""
    changed: dict[str, str | None] = {**dict(rows), **changes}
    return tuple((name, check_template(value)) for name, value in changed.items() if value is not None)

"""The accounts in kiro-cli's database, and in that of the Amazon Q command line before it. Pure.

Source: docs/wire.md, "Official stores".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from kiro_trio.credentials.entry import Entry
from kiro_trio.credentials.imports.candidate import Candidate, Source
from kiro_trio.credentials.imports.objects import client_fields, normal_entry
from kiro_trio.credentials.login.providers import BUILDER_ID_START_URL

_SOURCES: Mapping[str, Source] = {"kirocli": Source.KIRO_CLI, "codewhisperer": Source.AMAZON_Q}
_OIDC = ("odic", "oidc")  # the first is how kiro-cli spells it
_PROFILE = "api.codewhisperer.profile"
_SOCIAL_NAMES: Mapping[str, str] = {"google": "Google", "github": "Github"}
_TAKEN = ("accessToken", "refreshToken", "expiresAt", "region", "startUrl")


def read_rows(auth: Mapping[str, str], state: Mapping[str, str]) -> list[Candidate]:
    """The accounts in the tables `auth_kv` and `state`; a row that is not there means signed out."""
    found = []
    for key, value in auth.items():
        program, _, kind = key.partition(":")
        source = _SOURCES.get(program)
        if source is None or not kind.endswith(":token"):
            continue
        token = _object(value)
        way = kind.removesuffix(":token")
        if not token:
            found.append(Candidate(source, key, {}, "the row is not a JSON object"))
        elif way == "social":
            found.append(_social(source, key, token))
        elif way in _OIDC:
            found.append(_idc(source, key, token, _registration(auth, program), state))
        else:
            found.append(Candidate(source, key, {}, f"sign-ins by {way[:40]} are not supported"))
    return found


def _social(source: Source, key: str, token: Mapping[str, Any]) -> Candidate:
    fields = normal_entry(token)
    entry: Entry = {name: fields[name] for name in (*_TAKEN, "profileArn", "email") if name in fields}
    entry["authMethod"] = "social"
    provider = _SOCIAL_NAMES.get(str(fields.get("provider", "")).lower())
    if provider:
        entry["provider"] = provider
    return Candidate(source, key, entry, _missing(entry, "refreshToken"))


def _idc(
    source: Source, key: str, token: Mapping[str, Any], client: Mapping[str, Any], state: Mapping[str, str]
) -> Candidate:
    fields = {**normal_entry(client), **normal_entry(token)}
    entry: Entry = {name: fields[name] for name in _TAKEN if name in fields}
    entry |= {"authMethod": "idc", **client_fields({**client, "expiresAt": None})}
    start_url = str(entry.get("startUrl") or _text(state.get("auth.idc.start-url")))
    if start_url.rstrip("/") == BUILDER_ID_START_URL:
        entry["provider"] = "BuilderId"
        entry.pop("startUrl", None)
    elif start_url:
        entry |= {"provider": "Enterprise", "startUrl": start_url}
        arn = _object(state.get(_PROFILE, "")).get("arn")
        if isinstance(arn, str) and arn:
            entry["profileArn"] = arn
    return Candidate(source, key, entry, _missing(entry, "refreshToken", "clientId", "clientSecret"))


def _registration(auth: Mapping[str, str], program: str) -> Mapping[str, Any]:
    keys = (f"{program}:{name}:device-registration" for name in _OIDC)
    return next((found for key in keys if (found := _object(auth.get(key, "")))), {})


def _missing(entry: Entry, *keys: str) -> str:
    if all(entry.get(key) for key in keys):
        return ""
    return "its secrets are not in the database: they may be in the system's keychain"


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return {}


def _text(text: str | None) -> str:
    try:
        return msgspec.json.decode(text or '""', type=str)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return ""

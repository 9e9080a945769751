"""Accounts in JSON, of every shape that is about. Pure.

- an entry of a `credentials.json`, or a list of them, in camel case or (some gateways) in snake case;
- an export of an account manager: `{"accounts": [...]}`, a list, or one account, whose tokens stand in it or, in older
  versions, in an object `credentials` inside it;
- the token of Kiro's IDE, whose client stands in another file.

Source: docs/wire.md, "Official stores".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from kiro_trio.credentials.entry import Entry
from kiro_trio.credentials.expiry import format_expiry, parse_expiry
from kiro_trio.credentials.imports.candidate import Candidate, Source

Registrations = Callable[[str], Mapping[str, Any] | None]
"""The client registration of that name, if there is one. The name has been checked: it becomes part of a path."""

_HASH = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MOMENTS = ("expiresAt", "clientSecretExpiresAt")
_OTHER_NAMES = {"idcRegion": "authRegion", "ssoRegion": "authRegion", "idp": "provider"}

# What only an account manager writes beside the tokens.
_MANAGERS_OWN = frozenset({"nickname", "label", "status", "credentials", "userId", "idp", "groupId", "tags"})
_FROM_A_MANAGER = (
    "refreshToken",
    "accessToken",
    "expiresAt",
    "clientId",
    "clientSecret",
    "profileArn",
    "region",
    "startUrl",
    "provider",
    "email",
    "userId",
    "machineId",
    "kiroApiKey",
)
_BROKEN = frozenset({"error", "banned", "suspended", "invalid"})

_FROM_THE_IDE = (
    "accessToken",
    "refreshToken",
    "expiresAt",
    "authMethod",
    "provider",
    "profileArn",
    "region",
    "startUrl",
    "email",
)


def read_objects(
    value: Any, registrations: Registrations = lambda _: None, *, ide: bool = False
) -> list[Candidate]:
    """Every account in a parsed JSON file; none if it holds something else. `ide`: the file is that of Kiro's IDE."""
    many, managed, items = _items(value)
    kind = Source.KIRO_IDE if ide else Source.ACCOUNT_MANAGER if managed else Source.CREDENTIALS_FILE
    return [
        _read(item, f"entry {number}" if many else "", registrations, kind)
        for number, item in enumerate(items, 1)
    ]


def normal_entry(fields: Mapping[str, Any]) -> Entry:
    """Fields as our own file writes them: camel case, moments in RFC 3339, no empty ones; unknown ones stay."""
    entry: Entry = {}
    for key, value in fields.items():
        name = _camel(key)
        name = _OTHER_NAMES.get(name, name)
        plain = value.strip() if isinstance(value, str) else value
        if plain is not None and plain != "" and (name == key or name not in fields):
            entry[name] = plain
    for name in _MOMENTS:
        moment = parse_expiry(entry.get(name))
        if moment is not None:
            entry[name] = format_expiry(moment)
        else:
            entry.pop(name, None)
    return entry


def _items(value: Any) -> tuple[bool, bool, list[Any]]:
    """Whether there may be several, whether an account manager wrote them, and the accounts."""
    if isinstance(value, dict) and isinstance(value.get("accounts"), list):
        return True, True, value["accounts"]
    items = value if isinstance(value, list) else [value]
    rows = [item for item in items if isinstance(item, dict)]
    if not any(_looks_like_an_account(row) for row in rows):
        return False, False, []
    return isinstance(value, list), any(_MANAGERS_OWN & row.keys() for row in rows), items


def _looks_like_an_account(row: Mapping[str, Any]) -> bool:
    inner = row.get("credentials")
    fields = {**row, **(inner if isinstance(inner, dict) else {})}
    return bool({"refreshToken", "refresh_token", "kiroApiKey", "clientIdHash"} & fields.keys())


def _read(item: Any, place: str, registrations: Registrations, kind: Source) -> Candidate:
    if not isinstance(item, dict):
        return Candidate(kind, place, {}, "is not an object")
    if kind is Source.KIRO_IDE or "clientIdHash" in item:
        return _of_the_ide(item, place, registrations)
    if kind is Source.ACCOUNT_MANAGER:
        return _of_a_manager(item, place)
    entry = normal_entry(item)
    entry.pop("id", None)  # ids are given anew
    return Candidate(Source.CREDENTIALS_FILE, place, entry)


def _of_a_manager(item: Mapping[str, Any], place: str) -> Candidate:
    """Its `authMethod` is not always true: who has a client signs in by IdC, and half a client is none."""
    inner = item.get("credentials")
    fields = normal_entry({**item, **(inner if isinstance(inner, dict) else {})})
    entry = {key: fields[key] for key in _FROM_A_MANAGER if key in fields}
    halves = [key for key in ("clientId", "clientSecret") if entry.get(key)]
    if "kiroApiKey" not in entry:
        entry["authMethod"] = "idc" if len(halves) == 2 else "social"  # noqa: PLR2004
    status = item.get("status")
    problem = ""
    if isinstance(status, str) and status.lower() in _BROKEN:
        problem = f"its account manager has it as {status.lower()}"
    elif len(halves) == 1:
        problem = f"it has a `{halves[0]}` and not the other half of its client"
    return Candidate(Source.ACCOUNT_MANAGER, place, entry, problem)


def _of_the_ide(item: Mapping[str, Any], place: str, registrations: Registrations) -> Candidate:
    fields = normal_entry(item)
    entry = {key: fields[key] for key in _FROM_THE_IDE if key in fields}
    problem = ""
    if str(entry.get("authMethod", "")).lower() == "idc":
        entry["authMethod"] = "idc"
        entry |= client_fields({**item, "expiresAt": None})
    if entry.get("authMethod") == "idc" and "clientSecret" not in entry:
        name = item.get("clientIdHash")
        found = registrations(name) if isinstance(name, str) and _HASH.fullmatch(name) else None
        if found is None:
            problem = "the client that it was signed in through is not there (`clientIdHash`)"
        else:
            entry |= client_fields(found)
    return Candidate(Source.KIRO_IDE, place, entry, problem)


def client_fields(registration: Mapping[str, Any]) -> Entry:
    """A client registration by the keys of an entry; the file's own `expiresAt` is that of the client."""
    fields = normal_entry(registration)
    found = {
        "clientId": fields.get("clientId"),
        "clientSecret": fields.get("clientSecret"),
        "clientSecretExpiresAt": fields.get("clientSecretExpiresAt") or fields.get("expiresAt"),
    }
    return {key: value for key, value in found.items() if value}


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest) if head else key

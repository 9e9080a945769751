"""Whose account an entry is, as far as two entries can tell: tokens change with every sign-in, people do not. Pure."""

from collections.abc import Mapping
from typing import Any

from kiro_trio.credentials.credential import AccountKind
from kiro_trio.credentials.entry import Entry, fingerprint, lineage_of, read_entry, secret_of

# Kiro's own words for the providers, and those of other programs.
_PROVIDERS: Mapping[str, str] = {
    "google": "google",
    "github": "github",
    "builderid": "builderid",
    "awsbuilderid": "builderid",
    "enterprise": "enterprise",
    "awsidc": "enterprise",
    "internal": "internal",
}


def find_person(entries: Mapping[int, Entry], entry: Entry) -> int | None:
    """The id of the entry that is the same account, None if there is none."""
    mark = fingerprint(secret_of(entry))
    for number, known in entries.items():
        if mark and mark in lineage_of(known):
            return number
    return next((number for number, known in entries.items() if same_person(known, entry)), None)


def same_person(one: Entry, other: Entry) -> bool:
    """Whether two entries are the same account, though their tokens tell nothing of each other.

    Kiro's id of the user decides if both have it. Else the e-mail address does, but for one address there may be an
    account at every provider, so what both know of their provider must agree, and neither may leave open whether it is
    a Builder ID or an organisation's: to take two for one costs an account, to take one for two costs a line.
    """
    ids = _text(one, "userId"), _text(other, "userId")
    if all(ids):
        return ids[0] == ids[1]
    if not _text(one, "email") or _text(one, "email").casefold() != _text(other, "email").casefold():
        return False
    if _kind(one) is AccountKind.API_KEY or _kind(one) is not _kind(other):
        return False
    return all(
        not a or not b or a == b
        for a, b in (
            (_provider(one), _provider(other)),
            (_text(one, "startUrl").rstrip("/"), _text(other, "startUrl").rstrip("/")),
        )
    )


def _kind(entry: Entry) -> AccountKind:
    return read_entry(entry, 0, ()).kind


def _provider(entry: Entry) -> str:
    name = _text(entry, "provider") or _text(entry, "authMethod")
    return _PROVIDERS.get(name.lower().replace("-", "").replace("_", ""), "")


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value.strip() if isinstance(value, str) else ""

"""Reading one entry of `credentials.json`: every key checked, every flaw named, no value ever repeated. Pure."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from kiro_trio.credentials.credential import (
    BUILDER_ID_PROFILE_ARN,
    REGION,
    AccountKind,
    ArnMode,
    AuthMethod,
    Credential,
    InvalidProxy,
    Proxy,
    parse_proxy,
)
from kiro_trio.credentials.expiry import parse_expiry

Entry = dict[str, Any]
"""One entry as it stands in the file: JSON values by camelCase key, unknown ones included."""

AUTH_METHODS: Mapping[str, AuthMethod] = {
    "social": AuthMethod.SOCIAL,
    "google": AuthMethod.SOCIAL,
    "github": AuthMethod.SOCIAL,
    "idc": AuthMethod.IDC,
    "builder-id": AuthMethod.IDC,
    "builderid": AuthMethod.IDC,
    "iam": AuthMethod.IDC,
    "enterprise": AuthMethod.IDC,
    "api-key": AuthMethod.API_KEY,
    "apikey": AuthMethod.API_KEY,
}
"""Sign-in methods by their names in lower case with `-` for `_`; any other name says nothing."""

_UNSUPPORTED = ("external-idp",)

_KINDS: Mapping[str, AccountKind] = {
    "builder-id": AccountKind.BUILDER_ID,
    "builderid": AccountKind.BUILDER_ID,
    "enterprise": AccountKind.ORGANISATION,
    "internal": AccountKind.ORGANISATION,
}
"""Account kinds by `authMethod` or `provider`, for the IdC family."""

# Real refresh tokens have several hundred characters; Kiro's IDE once exported them shortened with dots.
SHORTEST_REFRESH_TOKEN = 100
_SHORTENED = ("...", "…")

PROFILE_ARN = re.compile(r"arn:[a-z-]+:codewhisperer:[a-z0-9-]*:\d*:profile/[A-Za-z0-9_-]+")


LINEAGE = "tokenLineage"
"""The key under which an entry remembers the fingerprints of its refresh tokens, the oldest first."""


class InvalidEntry(ValueError):
    """An entry that cannot be used; the message names the keys and repeats no value."""


def fingerprint(secret: str) -> str:
    """A short name of a refresh token or key that tells nothing of it and survives in files and logs."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:16] if secret else ""


def secret_of(entry: Entry) -> str:
    """The refresh token or key as it stands in the entry; "" for whatever is no string."""
    value = entry.get("kiroApiKey") or entry.get("refreshToken") or ""
    return value.strip() if isinstance(value, str) else ""


def with_the_proxy(entry: Entry, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes and what follows: name and password belong to a proxy, and another one must not be told them."""
    if changes.get("proxyUrl", entry.get("proxyUrl")) == entry.get("proxyUrl"):
        return dict(changes)
    return {**dict.fromkeys(("proxyUsername", "proxyPassword")), **changes}


def lineage_of(entry: Entry) -> list[str]:
    """The fingerprints of the entry's tokens, the present one last; a list that somebody broke is worth nothing."""
    present = fingerprint(secret_of(entry))
    marks = entry.get(LINEAGE)
    if (
        isinstance(marks, list)
        and marks
        and all(isinstance(mark, str) for mark in marks)
        and marks[-1] == present
    ):
        return list(marks)
    return [present] if present else []


def read_entry(entry: Any, credential_id: int, endpoints: Collection[str]) -> Credential:
    """Read an entry; whatever is wrong with it stands in `flaw`, by key and without the value.

    `endpoints` are the names of the presets that exist. Aliases of `authMethod` are understood, a missing one is
    inferred; empty strings and null count as absent.
    """
    if not isinstance(entry, dict):
        return Credential(credential_id, flaw="is not an object")
    reader = _Reader(entry)
    method, kind = _method(reader)
    proxy, direct = _proxy(reader)
    credential = Credential(
        id=credential_id,
        auth_method=method,
        kind=kind,
        access_token=reader.secret("accessToken"),
        refresh_token=reader.secret("refreshToken"),
        kiro_api_key=reader.secret("kiroApiKey"),
        client_id=reader.secret("clientId"),
        client_secret=reader.secret("clientSecret"),
        expires_at=parse_expiry(entry.get("expiresAt")),
        client_expires_at=parse_expiry(entry.get("clientSecretExpiresAt")),
        profile_arn=reader.matching("profileArn", PROFILE_ARN, "a profile ARN"),
        arn_mode=_arn_mode(reader),
        priority=reader.number("priority") or 0,
        concurrency=reader.number("concurrency", least=1),
        region=reader.matching("region", REGION, "a region"),
        auth_region=reader.matching("authRegion", REGION, "a region"),
        api_region=reader.matching("apiRegion", REGION, "a region"),
        endpoint=reader.one_of("endpoint", endpoints),
        machine_id=reader.text("machineId"),
        proxy=proxy,
        direct=direct,
        email=reader.text("email"),
        subscription_title=reader.text("subscriptionTitle"),
        disabled=reader.flag("disabled"),
        lineage=tuple(lineage_of(entry)),
    )
    _check_secrets(reader, credential)
    return replace(credential, flaw="; ".join(reader.flaws))


class _Reader:
    """Takes values out of an entry and notes what is wrong with them."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.flaws: list[str] = []

    def text(self, key: str) -> str:
        value = self.entry.get(key)
        if value is None or isinstance(value, str):
            # Half of a surrogate pair, which JSON can hold, has no UTF-8: no answer and no log could say it.
            return (value or "").strip().encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return self._wrong(key, "must be a string")

    def secret(self, key: str) -> str:
        """A string that goes into a header or a JSON body: no control characters, no spaces inside."""
        value = self.text(key)
        if value.isascii() and value.isprintable() and " " not in value:
            return value
        return self._wrong(key, "holds characters that no token or key has")

    def matching(self, key: str, shape: re.Pattern[str], what: str) -> str:
        value = self.text(key)
        return value if not value or shape.fullmatch(value) else self._wrong(key, f"is not {what}")

    def one_of(self, key: str, names: Collection[str]) -> str:
        value = self.text(key)
        if not value or value in names:
            return value
        return self._wrong(key, f"must be one of {', '.join(sorted(names))}")

    def number(self, key: str, least: int | None = None) -> int | None:
        value = self.entry.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
            self._wrong(
                key, "must be a whole number" + (f" of at least {least}" if least is not None else "")
            )
            return None
        return value

    def flag(self, key: str) -> bool:
        value = self.entry.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._wrong(key, "must be true or false")
        return False

    def _wrong(self, key: str, what: str) -> str:
        self.flaws.append(f"`{key}` {what}")
        return ""


def _method(reader: _Reader) -> tuple[AuthMethod, AccountKind]:
    """The sign-in method, written or inferred, and the kind of account as far as the entry tells it."""
    name = reader.text("authMethod").lower().replace("_", "-")
    if reader.text("kiroApiKey"):
        return AuthMethod.API_KEY, AccountKind.API_KEY
    if name in _UNSUPPORTED:
        reader.flaws.append(f"`authMethod` {name} is not supported; social, idc and api_key are")
    has_client = reader.text("clientId") and reader.text("clientSecret")
    method = AUTH_METHODS.get(name, AuthMethod.IDC if has_client else AuthMethod.SOCIAL)
    if method is AuthMethod.IDC:
        return method, _idc_kind(reader, name)
    return method, AccountKind.SOCIAL if method is AuthMethod.SOCIAL else AccountKind.API_KEY


def _idc_kind(reader: _Reader, name: str) -> AccountKind:
    told = _KINDS.get(name) or _KINDS.get(reader.text("provider").lower().replace("_", "-"))
    if told is not None:
        return told
    arn = reader.text("profileArn")
    if not arn:
        return AccountKind.UNKNOWN
    return AccountKind.BUILDER_ID if arn == BUILDER_ID_PROFILE_ARN else AccountKind.ORGANISATION


def _arn_mode(reader: _Reader) -> ArnMode | None:
    name = reader.one_of("arnMode", [mode.value for mode in ArnMode])
    return ArnMode(name) if name else None


def _proxy(reader: _Reader) -> tuple[Proxy | None, bool]:
    url = reader.text("proxyUrl")
    if not url:
        return None, False
    try:
        proxy = parse_proxy(url, reader.text("proxyUsername"), reader.text("proxyPassword"))
    except InvalidProxy as error:
        reader.flaws.append(f"`proxyUrl` {error}")
        return None, False
    return proxy, proxy is None


def _check_secrets(reader: _Reader, credential: Credential) -> None:
    """Say what is missing for the sign-in method; what is malformed has been said."""
    if reader.flaws:
        return
    if credential.api_key:
        if not credential.kiro_api_key:
            reader.flaws.append("`kiroApiKey` is missing, but `authMethod` is api_key")
        return
    token = credential.refresh_token
    if not token:
        reader.flaws.append("`refreshToken` is missing")
    elif len(token) < SHORTEST_REFRESH_TOKEN or any(mark in token for mark in _SHORTENED):
        reader.flaws.append("`refreshToken` is shortened: copy the whole of it")
    if credential.auth_method is AuthMethod.IDC and not (credential.client_id and credential.client_secret):
        reader.flaws.append("`clientId` and `clientSecret` are needed when `authMethod` is idc")

"""Who we are to Kiro: the credential, what follows from it, and the lease by which a request borrows it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import SplitResult, unquote, urlsplit

from kiro_trio.credentials.expiry import EXPIRED_MARGIN

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
"""What a region looks like. It becomes a part of host names, so nothing else may pass."""

SOCIAL_PROFILE_ARN = "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK"
"""The profile that every social account is given. Source: docs/wire.md, "Profile ARN"."""

BUILDER_ID_PROFILE_ARN = "arn:aws:codewhisperer:us-east-1:638616132270:profile/AAAACCCCXXXX"
"""The service profile that official clients send for a Builder ID. Source: docs/wire.md, "Profile ARN"."""

_DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class InvalidProxy(ValueError):
    """A proxy that cannot be used; the message never holds its user or password."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way to Kiro: `scheme` is `http`, `https`, `socks5` or `socks5h`."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def display(self) -> str:
        """The proxy as it may be shown: scheme, host and port, never the user nor the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_proxy(url: str, username: str = "", password: str = "") -> Proxy | None:
    """Read a proxy setting; None means explicitly none (`direct`, in any case).

    `username` and `password` win over those in the URL, which may be percent-encoded there.

    Raises:
        InvalidProxy: the scheme, the host or the port is missing or unknown.
    """
    if url.strip().lower() == "direct":
        return None
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise InvalidProxy("is not a URL with a valid port") from None
    _check_proxy(parts)
    return Proxy(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=_DEFAULT_PORTS[parts.scheme] if port is None else port,
        username=username or unquote(parts.username or ""),
        password=password or unquote(parts.password or ""),
    )


def _check_proxy(parts: SplitResult) -> None:
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise InvalidProxy(
            f"must be `direct` or begin with one of {', '.join(s + '://' for s in _DEFAULT_PORTS)}"
        )
    if not parts.hostname:
        raise InvalidProxy("has no host")


class AuthMethod(Enum):
    """How an account signs in, and so how its token is renewed."""

    SOCIAL = "social"
    IDC = "idc"
    API_KEY = "api_key"


class AccountKind(Enum):
    """What an account is to Kiro, which decides about its profile ARN."""

    SOCIAL = "social"
    BUILDER_ID = "builder-id"
    ORGANISATION = "organisation"
    API_KEY = "api-key"
    UNKNOWN = "unknown"
    """An IdC account of which we have not yet learned whether it is a Builder ID or an organisation's."""


class ArnMode(Enum):
    """Whether requests of an account carry a profile ARN."""

    WITH = "with"
    WITHOUT = "without"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What `config.json` says for credentials that do not say it themselves. `endpoints`: the known presets."""

    region: str = "us-east-1"
    auth_region: str | None = None
    api_region: str | None = None
    proxy: Proxy | None = None
    endpoint: str = "ide"
    api_key_endpoint: str = "cli"
    endpoints: frozenset[str] = frozenset({"ide", "ide-kiro", "cli", "cli-q"})
    machine_id: str | None = None
    social_arn: str = SOCIAL_PROFILE_ARN
    builder_id_arn: str = BUILDER_ID_PROFILE_ARN


@dataclass(frozen=True, slots=True)
class Credential:
    """One entry of `credentials.json`, read and checked. Times are epoch seconds.

    `flaw` says why the entry cannot be used ("" when it can). `lineage` holds the fingerprints of its refresh tokens or
    of its key, the present one last. `direct` means that it wants no proxy, even if there
    is a global one. `kind` is what the entry itself tells.
    """

    id: int
    auth_method: AuthMethod = AuthMethod.SOCIAL
    kind: AccountKind = AccountKind.SOCIAL
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    kiro_api_key: str = field(default="", repr=False)
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    expires_at: float | None = None
    client_expires_at: float | None = None
    profile_arn: str = field(default="", repr=False)
    arn_mode: ArnMode | None = None
    priority: int = 0
    concurrency: int | None = None
    region: str = ""
    auth_region: str = ""
    api_region: str = ""
    endpoint: str = ""
    machine_id: str = field(default="", repr=False)
    proxy: Proxy | None = None
    direct: bool = False
    email: str = field(default="", repr=False)
    subscription_title: str = ""
    disabled: bool = False
    lineage: tuple[str, ...] = ()
    flaw: str = ""

    @property
    def api_key(self) -> bool:
        """Whether the secret is a `ksk_` key, which never expires and is never renewed."""
        return self.auth_method is AuthMethod.API_KEY

    @property
    def bearer(self) -> str:
        """What goes behind `Bearer`: the API key or the access token."""
        return self.kiro_api_key if self.api_key else self.access_token

    @property
    def secret(self) -> str:
        """What makes the account: the API key or the refresh token."""
        return self.kiro_api_key if self.api_key else self.refresh_token

    def usable(self, now: float, margin: float = EXPIRED_MARGIN) -> bool:
        """Whether the bearer is good for at least `margin` seconds more; no known expiry counts as expired."""
        if self.api_key:
            return bool(self.kiro_api_key)
        return bool(self.access_token) and self.expires_at is not None and self.expires_at > now + margin


@dataclass(frozen=True, slots=True)
class Lease:
    """A request's hold on a credential: a slot of it, and all that a call needs to know.

    `ticket` names the slot: a renewed or rebound lease has the same one. `profile_arn` is what to send now.
    """

    credential_id: int
    access_token: str = field(repr=False)
    api_key: bool
    api_region: str
    auth_region: str
    endpoint: str
    profile_arn: str | None = field(repr=False)
    machine_id: str = field(repr=False)
    proxy: Proxy | None
    model_id: str = ""
    session: str = field(default="", repr=False)
    ticket: int = 0


def auth_region(credential: Credential, defaults: Defaults) -> str:
    """The region of renewals. Source: docs/wire.md, "Tokens and renewal"."""
    return credential.auth_region or credential.region or defaults.auth_region or defaults.region


def api_region(credential: Credential, defaults: Defaults) -> str:
    """The region of all other calls; `region` of the credential is that of its sign-in and has no say.

    An organisation's profile lives in one region and is refused in others, so it wins over the plain default, but
    not over what somebody wrote down. The two profiles that many accounts share tell nothing.
    Source: docs/wire.md, "Profile ARN".
    """
    return credential.api_region or defaults.api_region or arn_region(credential, defaults) or defaults.region


def arn_region(credential: Credential, defaults: Defaults) -> str:
    """The region that the credential's own profile ARN names, "" if it tells none."""
    if credential.profile_arn in {"", defaults.social_arn, defaults.builder_id_arn}:
        return ""
    region = f"{credential.profile_arn}:::::".split(":")[3]
    return region if REGION.fullmatch(region) else ""


def effective_proxy(credential: Credential, defaults: Defaults) -> Proxy | None:
    """The proxy for all traffic of the credential: its own, else the global one; None: straight."""
    return None if credential.direct else credential.proxy or defaults.proxy


def effective_endpoint(credential: Credential, defaults: Defaults) -> str:
    """The name of the endpoint preset. API keys have their own default: the IDE's calls may not take them."""
    return credential.endpoint or (defaults.api_key_endpoint if credential.api_key else defaults.endpoint)


def effective_arn(credential: Credential, kind: AccountKind, defaults: Defaults) -> str:
    """The profile ARN that the account has, "" if it has none or it is not yet known; never one for an API key."""
    if kind is AccountKind.API_KEY:
        return ""
    shared = {AccountKind.SOCIAL: defaults.social_arn, AccountKind.BUILDER_ID: defaults.builder_id_arn}
    return credential.profile_arn or shared.get(kind, "")

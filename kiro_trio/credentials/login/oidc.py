"""AWS's sign-in service (SSO OIDC): a client registers, and gets tokens. Source: docs/wire.md, "Sign-in"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiro_trio.credentials.expiry import parse_expiry
from kiro_trio.credentials.login.desk import Desk, NoAnswer, fields_of, text_of
from kiro_trio.credentials.login.signed_in import Tokens, read_tokens
from kiro_trio.kiro.endings import number

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CODE_GRANT = "authorization_code"
CLIENT_NAME = "Kiro IDE"
SCOPES = (
    "codewhisperer:completions",
    "codewhisperer:analysis",
    "codewhisperer:conversations",
    "codewhisperer:transformations",
    "codewhisperer:taskassist",
)

_DEVICE_LIFETIME = 600.0
_LONGEST_LIFETIME = 3600.0
_LONGEST_INTERVAL = 60.0


@dataclass(frozen=True, slots=True)
class Registration:
    """A client of ours at the service in `region`; the account's sign-in ends with it at `expires_at`."""

    region: str
    client_id: str
    client_secret: str = field(repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person confirms: `user_code` at `url`, or `complete_url`, which has it in it. Durations in seconds."""

    code: str = field(repr=False)
    user_code: str
    url: str
    complete_url: str
    lifetime: float
    interval: float


async def register(
    desk: Desk, region: str, *, start_url: str, grant: str, redirect_uri: str = ""
) -> Registration:
    """Register a client in `region` for one kind of grant; raises `SignInFailed`."""
    body: dict[str, Any] = {
        "clientName": CLIENT_NAME,
        "clientType": "public",
        "scopes": SCOPES,
        "grantTypes": (grant, "refresh_token"),
        "issuerUrl": start_url,
    }
    if redirect_uri:
        body["redirectUris"] = (redirect_uri,)
    what = f"the registration in {region}"
    found = fields_of(await desk.post(what, desk.oidc(region, "/client/register"), body))
    client_id, secret = text_of(found, "clientId"), text_of(found, "clientSecret")
    if not client_id or not secret:
        raise NoAnswer(f"{what} failed: the answer has no client")
    return Registration(region, client_id, secret, parse_expiry(found.get("clientSecretExpiresAt")))


async def authorize_device(desk: Desk, client: Registration, start_url: str) -> DeviceCode:
    """Get a code for a person to confirm; raises `SignInFailed`, also if the region does not know the start URL."""
    what = f"the device code in {client.region}"
    call = desk.oidc(client.region, "/device_authorization")
    found = fields_of(await desk.post(what, call, {**_client(client), "startUrl": start_url}))
    code, user_code = text_of(found, "deviceCode"), text_of(found, "userCode")
    url = _web(text_of(found, "verificationUri"))
    if not code or not user_code or not url:
        raise NoAnswer(f"{what} failed: the answer has no code")
    return DeviceCode(
        code,
        user_code,
        url,
        _web(text_of(found, "verificationUriComplete")) or url,
        lifetime=_seconds(found, "expiresIn", _DEVICE_LIFETIME, _LONGEST_LIFETIME),
        interval=_seconds(found, "interval", 5.0, _LONGEST_INTERVAL),
    )


async def device_tokens(desk: Desk, client: Registration, code: str) -> Tokens:
    """Ask once whether the code was confirmed.

    Raises:
        Refused: not yet (`authorization_pending`, `slow_down`), or never.
        NoAnswer: nobody answered.
    """
    body = {**_client(client), "deviceCode": code, "grantType": DEVICE_GRANT}
    answer = await desk.post("the sign-in", desk.oidc(client.region, "/token"), body)
    return read_tokens(answer, desk.clock())


async def code_tokens(
    desk: Desk, client: Registration, *, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """Exchange the code that the browser brought; raises `SignInFailed`."""
    grant = {"grantType": CODE_GRANT, "code": code, "codeVerifier": verifier, "redirectUri": redirect_uri}
    answer = await desk.post("the sign-in", desk.oidc(client.region, "/token"), {**_client(client), **grant})
    return read_tokens(answer, desk.clock())


def _client(client: Registration) -> dict[str, str]:
    return {"clientId": client.client_id, "clientSecret": client.client_secret}


def _web(url: str) -> str:
    """An address that a browser may be sent to."""
    return url if url.startswith(("https://", "http://")) and " " not in url else ""


def _seconds(found: Mapping[str, Any], name: str, default: float, most: float) -> float:
    value = number(found.get(name))
    return min(value, most) if value is not None and value > 0 else default

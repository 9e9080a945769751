"""Renewal and sign-in: Kiro's own service for social accounts, and AWS's OIDC service for the others.

Source: docs/wire.md, "Tokens and renewal" and "Sign-in".
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from kiro_trio.simulator.accounts import Account, Accounts, marked, successor
from kiro_trio.simulator.refusals import REFUSALS, Status

Answer = dict[str, Any] | Status
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REGISTRATION_SECONDS = 90 * 24 * 3600
DEVICE_SECONDS = 600


@dataclass(slots=True)
class _Device:
    client_id: str
    user_code: str
    expires: float
    pending: int
    polled: float = float("-inf")


@dataclass(frozen=True, slots=True)
class _Code:
    challenge: str
    redirect_uri: str
    account: Account


@dataclass(slots=True)
class SignIn:
    """The state of renewals and sign-ins.

    `rotate` makes every renewal replace the refresh token. `lifetime` is that of access tokens, in seconds. A
    device sign-in is granted after `pending_polls` polls in vain, or refused if `denied`; polls closer than
    `interval` seconds are told to slow down.
    """

    accounts: Accounts
    rotate: bool = False
    lifetime: float = 3600.0
    pending_polls: int = 1
    denied: bool = False
    interval: int = 1
    _clients: dict[str, str] = field(default_factory=dict, repr=False)
    _devices: dict[str, _Device] = field(default_factory=dict, repr=False)
    _codes: dict[str, _Code] = field(default_factory=dict, repr=False)
    _drawn: int = 0

    def refresh(self, body: Mapping[str, Any], now: float) -> Answer:
        """`POST /refreshToken`: social renewal."""
        account = self.accounts.of_refresh_token(str(body.get("refreshToken", "")))
        if account is None or (account.kind != "social" and not self.accounts.open_door):
            return REFUSALS["invalid-grant"]
        arn = {"profileArn": account.profile_arn}
        return self._let_in(body, now) | arn if self.accounts.open_door else self._renewed(account, now) | arn

    def token(self, body: Mapping[str, Any], now: float) -> Answer:
        """`POST /token` of the OIDC service, by `grantType`."""
        grants: dict[str, Callable[[Mapping[str, Any], float], Answer]] = {
            "refresh_token": self._grant_refresh,
            "authorization_code": self._grant_code,
            DEVICE_GRANT: self._grant_device,
        }
        grant = grants.get(str(body.get("grantType")))
        answer = grant(body, now) if grant else REFUSALS["unsupported-grant"]
        return answer | {"tokenType": "Bearer"} if isinstance(answer, dict) else answer

    def register(self, body: Mapping[str, Any], wall: float) -> Answer:
        """`POST /client/register`; `wall` is the time of day in epoch seconds."""
        if body.get("clientType") != "public" or not body.get("clientName"):
            return REFUSALS["invalid-request"]
        client_id, secret = self._draw("client"), marked(self._draw("secret"))
        self._clients[client_id] = secret
        return {
            "clientId": client_id,
            "clientSecret": secret,
            "clientIdIssuedAt": int(wall),
            "clientSecretExpiresAt": int(wall) + REGISTRATION_SECONDS,
        }

    def device(self, body: Mapping[str, Any], now: float, base: str) -> Answer:
        """`POST /device_authorization`; `base` is the URL under which the user finds us."""
        if not self._knows_client(body):
            return REFUSALS["invalid-client"]
        drawn = self._draw("device")
        code, user_code = marked(drawn), f"{drawn[:4]}-{drawn[4:8]}".upper()
        expires = now + DEVICE_SECONDS
        self._devices[code] = _Device(str(body["clientId"]), user_code, expires, self.pending_polls)
        return {
            "deviceCode": code,
            "userCode": user_code,
            "verificationUri": f"{base}/device",
            "verificationUriComplete": f"{base}/device?user_code={user_code}",
            "expiresIn": DEVICE_SECONDS,
            "interval": self.interval,
        }

    def approve(self, query: Mapping[str, str]) -> Answer:
        """`GET /device`: the user says yes, so no more polls are in vain."""
        for device in self._devices.values():
            if device.user_code == query.get("user_code"):
                device.pending = 0
        return Status(200, text="You may close this window.", headers={"content-type": "text/plain"})

    def authorize(self, query: Mapping[str, str]) -> Answer:
        """`GET /login` and `GET /authorize`: the user says yes at once, and is sent back with a code."""
        wanted = ("code_challenge", "redirect_uri", "state")
        if query.get("code_challenge_method") != "S256" or not all(query.get(name) for name in wanted):
            return REFUSALS["invalid-request"]
        if "client_id" in query and not self.accounts.open_door and query["client_id"] not in self._clients:
            return REFUSALS["invalid-client"]
        social = "client_id" not in query
        account = self.accounts.newcomer(("social",) if social else ("idc", "builder-id"))
        code = marked(self._draw("code"))
        self._codes[code] = _Code(query["code_challenge"], query["redirect_uri"], account)
        back = urlencode({"code": code, "state": query["state"]})
        separator = "&" if "?" in query["redirect_uri"] else "?"
        return Status(302, text="", headers={"location": query["redirect_uri"] + separator + back})

    def exchange(self, body: Mapping[str, Any], now: float) -> Answer:
        """`POST /oauth/token`: a social code for tokens."""
        account = self._redeem(body.get("code"), body.get("code_verifier"), body.get("redirect_uri"))
        if account is None:
            return REFUSALS["bad-code"]
        return self._renewed(account, now) | {"profileArn": account.profile_arn}

    def _grant_refresh(self, body: Mapping[str, Any], now: float) -> Answer:
        account = self.accounts.of_refresh_token(str(body.get("refreshToken", "")))
        if self.accounts.open_door and account is not None:
            return self._let_in(body, now)
        if account is None or account.kind == "social":
            return REFUSALS["invalid-grant"]
        if (body.get("clientId"), body.get("clientSecret")) != (account.client_id, account.client_secret):
            return REFUSALS["invalid-client"]
        return self._renewed(account, now)

    def _grant_code(self, body: Mapping[str, Any], now: float) -> Answer:
        if not self._knows_client(body):
            return REFUSALS["invalid-client"]
        account = self._redeem(body.get("code"), body.get("codeVerifier"), body.get("redirectUri"))
        return REFUSALS["invalid-grant"] if account is None else self._signed_in(account, body, now)

    def _grant_device(self, body: Mapping[str, Any], now: float) -> Answer:
        device = self._devices.get(str(body.get("deviceCode")))
        if not self._knows_client(body) or device is None or device.client_id != body["clientId"]:
            return REFUSALS["invalid-client"]
        if now >= device.expires:
            return REFUSALS["expired"]
        early, device.polled = now - device.polled < self.interval, now
        if early:
            return REFUSALS["slow-down"]
        if device.pending > 0:
            device.pending -= 1
            return REFUSALS["pending"]
        if self.denied:
            return REFUSALS["denied"]
        del self._devices[str(body["deviceCode"])]
        return self._signed_in(self.accounts.newcomer(("idc", "builder-id")), body, now)

    def _signed_in(self, account: Account, body: Mapping[str, Any], now: float) -> Answer:
        """The account belongs to the registration through which it signed in."""
        account.client_id, account.client_secret = str(body["clientId"]), str(body["clientSecret"])
        return self._renewed(account, now)

    def _let_in(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Whoever comes through the open door keeps a refresh token of his own: several stay several."""
        shown = str(body["refreshToken"])
        own = successor(shown) if self.rotate else shown
        return self._renewed(self.accounts.guest, now) | {"refreshToken": own}

    def _renewed(self, account: Account, now: float) -> dict[str, Any]:
        return account.renew(now, self.lifetime, rotate=self.rotate)

    def _knows_client(self, body: Mapping[str, Any]) -> bool:
        secret = self._clients.get(str(body.get("clientId")))
        return secret is not None and secret == body.get("clientSecret")

    def _redeem(self, code: Any, verifier: Any, redirect_uri: Any) -> Account | None:
        """A code works once, with the verifier of its challenge and the redirect URI it was asked with."""
        kept = self._codes.pop(str(code), None)
        if kept is None or not isinstance(verifier, str) or not isinstance(redirect_uri, str):
            return None
        digest = hashlib.sha256(verifier.encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != kept.challenge:
            return None
        same = redirect_uri.partition("?")[0] == kept.redirect_uri.partition("?")[0]
        return kept.account if same else None

    def _draw(self, purpose: str) -> str:
        self._drawn += 1
        return hashlib.sha256(f"{purpose} {self._drawn}".encode()).hexdigest()[:40]

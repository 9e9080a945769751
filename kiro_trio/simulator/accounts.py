"""The accounts of the simulated service: who may ask, with which tokens, and how much is left.

Source: docs/wire.md, "Tokens and renewal" and "Profile ARN".
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

Kind = Literal["social", "idc", "builder-id", "api-key"]

SOCIAL_ARN = "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK"
BUILDER_ARN = "arn:aws:codewhisperer:us-east-1:638616132270:profile/AAAACCCCXXXX"

MARK = "DuMmY"
"""In every secret that is made up here, again and again, so that a piece of one in a log or an answer gives itself away."""


@dataclass(slots=True, eq=False)
class Account:
    """One account; tests may change any field while the simulator runs.

    What is not given is made up from the e-mail address, so that it is the same every time. `used` and `limit`
    are credits of this month, `next_reset` is in epoch seconds (None: the first of next month). `tokens` maps
    valid access tokens to the moment of their expiry, on trio's clock. A `revoked` account renews no more.
    """

    email: str
    kind: Kind = "social"
    plan: str = "KIRO PRO"
    profile_arn: str | None = ""
    refresh_token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    used: float = 12.5
    limit: float = 1000.0
    next_reset: float | None = None
    suspended: bool = False
    revoked: bool = False
    tokens: dict[str, float] = field(default_factory=dict, repr=False)
    renewals: int = 0
    active: int = 0
    peak_active: int = 0

    def __post_init__(self) -> None:
        if self.profile_arn == "":  # not given; None would be "has none"
            self.profile_arn = _ARNS[self.kind](self.email)
        if self.kind == "api-key":
            self.api_key = self.api_key or f"ksk_{marked(_hex(self.email, 'api key'))}"
            return
        self.refresh_token = self.refresh_token or _token("aor", self.email, "refresh 0")
        if self.kind != "social":
            self.client_id = self.client_id or _hex(self.email, "client id")[:22]
            self.client_secret = self.client_secret or _token("eyJ", self.email, "client secret")

    def credential(self) -> dict[str, Any]:
        """This account as an entry of `credentials.json`, with its present refresh token."""
        if self.kind == "api-key":
            return {"kiroApiKey": self.api_key, "authMethod": "api_key", "email": self.email}
        entry: dict[str, Any] = {"refreshToken": self.refresh_token, "email": self.email}
        entry["authMethod"] = "social" if self.kind == "social" else "idc"
        if self.kind != "social":
            entry |= {"clientId": self.client_id, "clientSecret": self.client_secret}
        if self.profile_arn and self.kind != "builder-id":
            entry["profileArn"] = self.profile_arn
        return entry

    def renew(self, now: float, lifetime: float, *, rotate: bool) -> dict[str, Any]:
        """Issue an access token for `lifetime` seconds; the present refresh token dies at once if `rotate`."""
        self.renewals += 1
        self.tokens = {token: expiry for token, expiry in self.tokens.items() if expiry > now}
        access = _token("aoa", self.email, f"access {self.renewals} {self.refresh_token}")
        self.tokens[access] = now + lifetime
        if rotate:
            self.refresh_token = _token("aor", self.email, f"refresh {self.renewals} {self.refresh_token}")
        return {"accessToken": access, "refreshToken": self.refresh_token, "expiresIn": int(lifetime)}

    def accepts(self, bearer: str, now: float) -> bool:
        """Whether this bearer token is the account's and still valid."""
        return bearer == self.api_key if self.api_key else self.tokens.get(bearer, 0.0) > now

    def began(self) -> None:
        """A call of this account has begun."""
        self.active += 1
        self.peak_active = max(self.peak_active, self.active)


class ArnRule(Enum):
    """What the service wants of `profileArn`; it changed, and it depends on the host."""

    ANY = "with or without, right or wrong"
    REQUIRED = "400 without one"
    OWN = "403 without one, or with another's"
    BUILDER_WITHOUT = "403 for Builder ID accounts with one, and for others without their own"


def arn_refusal(rule: ArnRule, account: Account, arn: str | None) -> str | None:
    """The row of `refusals.REFUSALS` with which a call with this ARN is refused, or None."""
    if rule is ArnRule.ANY:
        return None
    if account.kind == "api-key":
        return "arn-invalid" if arn else None
    return _ARN_RULES[rule](account, arn)


def _required(_: Account, arn: str | None) -> str | None:
    return None if arn else "arn-required"


def _own(account: Account, arn: str | None) -> str | None:
    return None if arn == account.profile_arn else "not-authorized"


def _builder_without(account: Account, arn: str | None) -> str | None:
    if account.kind == "builder-id":
        return "not-authorized" if arn else None
    return _own(account, arn)


_ARN_RULES: Mapping[ArnRule, Callable[[Account, str | None], str | None]] = {
    ArnRule.REQUIRED: _required,
    ArnRule.OWN: _own,
    ArnRule.BUILDER_WITHOUT: _builder_without,
}

_ARNS: Mapping[Kind, Callable[[str], str | None]] = {
    "social": lambda _: SOCIAL_ARN,
    "builder-id": lambda _: BUILDER_ARN,
    "idc": lambda email: (
        f"arn:aws:codewhisperer:us-east-1:123456789012:profile/{_hex(email, 'arn')[:12].upper()}"
    ),
    "api-key": lambda _: None,
}


@dataclass(slots=True)
class Accounts:
    """All accounts. With none, the door is open: every token and refresh token belongs to one guest."""

    accounts: list[Account] = field(default_factory=list)
    guest: Account = field(default_factory=lambda: Account("guest@example.com"))

    @property
    def open_door(self) -> bool:
        """Whether anybody may come in."""
        return not self.accounts

    def of_bearer(self, bearer: str, now: float) -> Account | None:
        """Whose valid access token or API key this is."""
        if self.open_door:
            return self.guest if bearer else None
        return next((one for one in self.accounts if one.accepts(bearer, now)), None)

    def of_refresh_token(self, token: str) -> Account | None:
        """Whose present refresh token this is; one that was rotated away or revoked is nobody's."""
        if self.open_door:
            return self.guest if token else None
        return next((one for one in self.accounts if one.refresh_token == token and not one.revoked), None)

    def newcomer(self, kinds: tuple[Kind, ...]) -> Account:
        """Who signs in: the first account of one of these kinds, else the guest."""
        return next((one for one in self.accounts if one.kind in kinds and not one.revoked), self.guest)


def successor(token: str) -> str:
    """The refresh token that follows this one of somebody whom we do not know."""
    return _token("aor", token, "successor")


def marked(digits: str) -> str:
    """A secret of these digits and as long as they are, with the mark in it (so most of the digits are left out)."""
    size = 8 - len(MARK)
    return "".join(digits[place : place + size] + MARK for place in range(0, len(digits), 8))[: len(digits)]


def _hex(email: str, purpose: str) -> str:
    return hashlib.sha256(f"{email}/{purpose}".encode()).hexdigest()


def _token(prefix: str, email: str, purpose: str) -> str:
    return f"{prefix}{marked(_hex(email, purpose))}:{marked(_hex(email, purpose + ' again'))}"

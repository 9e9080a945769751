"""The tokens of a sign-in, and the entry that they become. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiro_trio.credentials.calls import SmallResponse
from kiro_trio.credentials.credential import AccountKind, AuthMethod, Credential
from kiro_trio.credentials.entry import Entry
from kiro_trio.credentials.login.desk import NoAnswer, SignInFailed
from kiro_trio.credentials.login.providers import Provider
from kiro_trio.credentials.renewal import NotRenewed, read_answer


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in brings, by the keys of an entry: `accessToken`, `refreshToken`, `expiresAt`, perhaps `profileArn`."""

    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in. `client` are the keys of the registration that it was made through, if there is one."""

    provider: Provider
    tokens: Tokens
    region: str
    start_url: str = ""
    client: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def entry(self, machine_id: str) -> Entry:
        """The sign-in as an entry of the credentials file; `machine_id` "" if all share a configured one."""
        row = self.provider.value
        found: Entry = {
            "authMethod": row.auth_method.value,
            "provider": row.name,
            "region": self.region,
            "startUrl": self.start_url if row.kind is AccountKind.ORGANISATION else "",
            **self.tokens.fields,
            **self.client,
            "machineId": machine_id,
        }
        return {key: value for key, value in found.items() if value}


def read_tokens(answer: SmallResponse, now: float) -> Tokens:
    """Read the tokens out of an answer, as a renewal reads them.

    Raises:
        NoAnswer: there are none.
        SignInFailed: there is no refresh token, and an access token alone is worth an hour.
    """
    found = read_answer(answer, Credential(0, AuthMethod.IDC), now)
    if isinstance(found, NotRenewed):
        raise NoAnswer(f"the sign-in failed: {found.failure.detail}")
    if not found.changes.get("refreshToken"):
        raise SignInFailed("the sign-in failed: the answer has no refresh token")
    return Tokens(found.changes)

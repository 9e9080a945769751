"""Signing in with a browser: the address to open, and what to do with the code that comes back.

The browser comes back to this machine, or its address is copied by hand; who listens is no matter of this room.
Source: docs/wire.md, "Sign-in".
"""

from dataclasses import dataclass, field

from kiro_trio.credentials.login.addresses import read_callback, with_query
from kiro_trio.credentials.login.desk import Desk
from kiro_trio.credentials.login.device import client_keys
from kiro_trio.credentials.login.oidc import CODE_GRANT, SCOPES, Registration, code_tokens, register
from kiro_trio.credentials.login.pkce import Proof
from kiro_trio.credentials.login.providers import BUILDER_ID_START_URL, HOME_REGION, Provider
from kiro_trio.credentials.login.signed_in import SignedIn, read_tokens

PATIENCE = 600.0
"""Seconds that a person has in the browser."""

SOCIAL_PORTS = range(19876, 19881)
"""Ports to which Kiro's service is known to send browsers back."""


@dataclass(frozen=True, slots=True)
class BrowserSignIn:
    """A sign-in that waits for a browser to come back to `redirect_uri`; `url` is what to open in it."""

    provider: Provider
    url: str = field(repr=False)
    redirect_uri: str
    proof: Proof = field(repr=False)
    start_url: str = ""
    client: Registration | None = None

    def read(self, address: str) -> str:
        """The code in an address with which the browser came back; raises `NotOurCallback` or `SignInFailed`."""
        return read_callback(address, self.proof.state)


def begin_social_sign_in(desk: Desk, provider: Provider, redirect_uri: str, proof: Proof) -> BrowserSignIn:
    """The sign-in at Kiro's own service; nothing is called yet."""
    fields = {
        "idp": provider.value.name,
        "redirect_uri": redirect_uri,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
        "state": proof.state,
        "prompt": "select_account",
    }
    url = with_query(desk.social(HOME_REGION, "/login").url, fields)
    return BrowserSignIn(provider, url, redirect_uri, proof)


async def begin_oidc_sign_in(
    desk: Desk, provider: Provider, redirect_uri: str, proof: Proof, *, region: str, start_url: str = ""
) -> BrowserSignIn:
    """The sign-in at AWS's service, for organisations that allow no device codes; the region must be known.

    Raises:
        SignInFailed: we could not register.
    """
    url = start_url or BUILDER_ID_START_URL
    client = await register(desk, region, start_url=url, grant=CODE_GRANT, redirect_uri=redirect_uri)
    fields = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scopes": " ".join(SCOPES),
        "state": proof.state,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
    }
    address = with_query(desk.oidc(region, "/authorize").url, fields)
    return BrowserSignIn(provider, address, redirect_uri, proof, url, client)


async def finish_browser_sign_in(desk: Desk, begun: BrowserSignIn, code: str) -> SignedIn:
    """Exchange the code for tokens; it works once.

    Raises:
        SignInFailed: the service does not take it.
    """
    proof, client = begun.proof, begun.client
    if client is not None:
        tokens = await code_tokens(
            desk, client, code=code, verifier=proof.verifier, redirect_uri=begun.redirect_uri
        )
        return SignedIn(begun.provider, tokens, client.region, begun.start_url, client_keys(client))
    body = {"code": code, "code_verifier": proof.verifier, "redirect_uri": begun.redirect_uri}
    answer = await desk.post("the sign-in", desk.social(HOME_REGION, "/oauth/token"), body)
    return SignedIn(begun.provider, read_tokens(answer, desk.clock()), HOME_REGION)

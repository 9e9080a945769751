"""Signing in by device code, from the first call to the tokens: it works on a machine without a browser."""

from collections.abc import Callable
from dataclasses import dataclass

import trio

from kiro_trio.credentials.expiry import format_expiry
from kiro_trio.credentials.login.desk import Desk, NoAnswer, Refused, SignInFailed
from kiro_trio.credentials.login.oidc import (
    DEVICE_GRANT,
    DeviceCode,
    Registration,
    authorize_device,
    device_tokens,
    register,
)
from kiro_trio.credentials.login.polling import Polling
from kiro_trio.credentials.login.providers import BUILDER_ID_START_URL, Provider
from kiro_trio.credentials.login.signed_in import SignedIn

Progress = Callable[[float], None]
"""Told, every second or so, how many seconds are left."""

_TICK = 1.0


@dataclass(frozen=True, slots=True)
class DeviceSignIn:
    """A sign-in that waits for a person; `device` says what to show."""

    provider: Provider
    client: Registration
    device: DeviceCode
    start_url: str


async def begin_device_sign_in(
    desk: Desk, provider: Provider, *, start_url: str = "", region: str = ""
) -> DeviceSignIn:
    """Get a code to confirm; an organisation's region is found by trying, if it is not known.

    Raises:
        SignInFailed: there is none.
    """
    url = start_url or BUILDER_ID_START_URL
    regions = provider.regions(region)
    problem = SignInFailed("there is no region to try")
    for place in regions:
        try:
            client = await register(desk, place, start_url=url, grant=DEVICE_GRANT)
            return DeviceSignIn(provider, client, await authorize_device(desk, client, url), url)
        except SignInFailed as failed:
            problem = failed
    if len(regions) == 1:
        raise problem
    raise SignInFailed(
        f"none of {len(regions)} regions knows this start URL; check it, or name the region ({problem})"
    )


async def finish_device_sign_in(
    desk: Desk, begun: DeviceSignIn, progress: Progress = lambda _: None
) -> SignedIn:
    """Wait until the person has confirmed. Cancelling it gives the code up.

    Raises:
        SignInFailed: the person said no, or nothing until the code expired.
    """
    polling = Polling(begun.device.interval, begun.device.lifetime, trio.current_time())
    while True:
        while (now := trio.current_time()) < polling.next_at:
            progress(polling.left(now))
            await trio.sleep(min(_TICK, polling.next_at - now))
        try:
            tokens = await device_tokens(desk, begun.client, begun.device.code)
        except (Refused, NoAnswer) as problem:
            polling.answered(problem, trio.current_time())
        else:
            client = begun.client
            return SignedIn(begun.provider, tokens, client.region, begun.start_url, client_keys(client))


def client_keys(client: Registration) -> dict[str, str]:
    """The keys of an entry that name the client; without it the refresh token is worth nothing."""
    expires = "" if client.expires_at is None else format_expiry(client.expires_at)
    return {
        "clientId": client.client_id,
        "clientSecret": client.client_secret,
        "clientSecretExpiresAt": expires,
    }

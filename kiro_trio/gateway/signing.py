"""The steps of a sign-in that is followed from elsewhere: from the first call to the tokens."""

from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from secrets import token_bytes
from typing import TypeVar

import trio

from kiro_trio.credentials.login.addresses import redirect_uri
from kiro_trio.credentials.login.browser import (
    PATIENCE,
    SOCIAL_PORTS,
    BrowserSignIn,
    begin_oidc_sign_in,
    begin_social_sign_in,
    finish_browser_sign_in,
)
from kiro_trio.credentials.login.desk import Desk, SignInFailed
from kiro_trio.credentials.login.device import begin_device_sign_in, finish_device_sign_in
from kiro_trio.credentials.login.loopback import PortsTaken, open_loopback, receive_code
from kiro_trio.credentials.login.pkce import Proof, make_proof
from kiro_trio.credentials.login.providers import HOME_REGION
from kiro_trio.credentials.login.signed_in import SignedIn
from kiro_trio.gateway.sign_in import SignIn
from kiro_trio.telemetry import register_secret

BEGIN_LIMIT = 180.0
"""Seconds until there must be something to open: ten regions may be asked, two calls each."""

_T = TypeVar("_T")


async def sign_in(mine: SignIn, desk: Desk, ports: Sequence[int] = SOCIAL_PORTS) -> SignedIn:
    """Have a person sign in as `mine` wishes; `ports` are those to which browsers are sent back.

    Cancelling it gives it up and closes the port.

    Raises:
        SignInFailed: there are no tokens to show for it.
    """
    return await (_in_browser(mine, desk, ports) if mine.wish.browser else _by_device_code(mine, desk))


async def _by_device_code(mine: SignIn, desk: Desk) -> SignedIn:
    wish = mine.wish
    begun = await _soon(
        begin_device_sign_in(desk, wish.provider, start_url=wish.start_url, region=wish.region)
    )
    device = begun.device
    register_secret(device.code)
    mine.show(device.complete_url, desk.clock() + device.lifetime, user_code=device.user_code)
    return await finish_device_sign_in(desk, begun)


async def _in_browser(mine: SignIn, desk: Desk, ports: Sequence[int]) -> SignedIn:
    async with AsyncExitStack() as closing:
        listeners = await _listen(mine, ports)
        for listener in listeners:
            closing.push_async_callback(trio.aclose_forcefully, listener)
        port = listeners[0].socket.getsockname()[1] if listeners else ports[0]
        proof = make_proof(token_bytes)
        register_secret(proof.verifier)
        begun = await _soon(_begin(mine, desk, redirect_uri(port), proof))
        mine.expect(begun.read, begun.redirect_uri)
        mine.show(begun.url, desk.clock() + PATIENCE)
        code = await _code(mine, begun, listeners)
    register_secret(code)
    return await finish_browser_sign_in(desk, begun, code)


async def _begin(mine: SignIn, desk: Desk, uri: str, proof: Proof) -> BrowserSignIn:
    wish = mine.wish
    if wish.provider.social:
        return begin_social_sign_in(desk, wish.provider, uri, proof)
    region = wish.region or HOME_REGION
    return await begin_oidc_sign_in(desk, wish.provider, uri, proof, region=region, start_url=wish.start_url)


async def _listen(mine: SignIn, ports: Sequence[int]) -> list[trio.SocketListener]:
    """A port of ours, if the browser is on this machine; pasting its address is possible in any case."""
    if not mine.wish.listen:
        return []
    try:
        return await open_loopback(ports)
    except PortsTaken:
        return []


async def _code(mine: SignIn, begun: BrowserSignIn, listeners: list[trio.SocketListener]) -> str:
    """The code, whichever way it comes first."""
    with trio.move_on_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            if listeners:
                nursery.start_soon(_come_back, mine, begun, listeners)
            await mine.answered.wait()
            nursery.cancel_scope.cancel(reason="the code is here")
    if not mine.answered.is_set():
        raise SignInFailed(f"no browser has come back within {PATIENCE / 60:g} minutes")
    if isinstance(mine.answer, SignInFailed):
        raise mine.answer
    return mine.answer


async def _come_back(mine: SignIn, begun: BrowserSignIn, listeners: list[trio.SocketListener]) -> None:
    try:
        mine.take(await receive_code(listeners, begun.read))
    except SignInFailed as refusal:
        mine.take(refusal)


async def _soon(begun: Awaitable[_T]) -> _T:
    with trio.move_on_after(BEGIN_LIMIT):
        return await begun
    raise SignInFailed(f"the sign-in service has not answered within {BEGIN_LIMIT / 60:g} minutes")

"""Signing in with a browser from a terminal: it comes back to a port of ours, or its address is pasted."""

import os
import secrets
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

import trio

from kiro_trio.cli.paste import pasted_lines
from kiro_trio.cli.terminal import Countdown, printable, tell
from kiro_trio.credentials.login.addresses import NotOurCallback, redirect_uri
from kiro_trio.credentials.login.browser import (
    PATIENCE,
    SOCIAL_PORTS,
    BrowserSignIn,
    begin_oidc_sign_in,
    begin_social_sign_in,
    finish_browser_sign_in,
)
from kiro_trio.credentials.login.desk import Desk, SignInFailed
from kiro_trio.credentials.login.loopback import PortsTaken, open_loopback, receive_code
from kiro_trio.credentials.login.pkce import make_proof
from kiro_trio.credentials.login.providers import HOME_REGION, Provider
from kiro_trio.credentials.login.signed_in import SignedIn


async def sign_in_in_browser(
    desk: Desk,
    provider: Provider,
    *,
    start_url: str,
    region: str,
    port: int | None,
    open_browser: bool | None,
) -> SignedIn:
    """Show (and open) the address, wait for the browser, exchange its code.

    `port` None: one to which the provider is known to send browsers back. `open_browser` None: if there seems to be
    one. Cancelling it closes the port.

    Raises:
        SignInFailed: there is no account to show for it.
    """
    ports = (port,) if port is not None else SOCIAL_PORTS if provider.social else (0,)
    try:
        listeners = await open_loopback(ports)
    except PortsTaken as taken:
        raise SignInFailed(f"{taken}: name another with --port") from None
    try:
        uri = redirect_uri(listeners[0].socket.getsockname()[1])
        proof = make_proof(secrets.token_bytes)
        if provider.social:
            begun = begin_social_sign_in(desk, provider, uri, proof)
        else:
            begun = await begin_oidc_sign_in(
                desk, provider, uri, proof, region=region or HOME_REGION, start_url=start_url
            )
        await _show(begun, open_browser=_has_browser() if open_browser is None else open_browser)
        code = await _wait(begun, listeners)
    finally:
        for listener in listeners:
            await trio.aclose_forcefully(listener)
    return await finish_browser_sign_in(desk, begun, code)


async def _show(begun: BrowserSignIn, *, open_browser: bool) -> None:
    tell(f"\nOpen this page in a browser and sign in with {begun.provider.value.title}:")
    tell(f"\n  {printable(begun.url, 4000)}\n")
    tell(
        "A browser on this machine comes back by itself. One on another machine ends at an address that it cannot"
    )
    tell(f"open, {begun.redirect_uri}?...: copy the whole of it, paste it here, press Enter.\n")
    if open_browser:
        await trio.to_thread.run_sync(partial(webbrowser.open, begun.url))


async def _wait(begun: BrowserSignIn, listeners: list[trio.SocketListener]) -> str:
    """The code, whichever way it comes first."""
    codes: list[str | SignInFailed] = []
    countdown = Countdown()
    try:
        with trio.move_on_after(PATIENCE) as patience:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_count, countdown, patience.deadline)
                for way in (partial(receive_code, listeners, begun.read), partial(_pasted, begun)):
                    nursery.start_soon(_first, way, codes, nursery.cancel_scope)
    finally:
        countdown.clear()
    if not codes:
        raise SignInFailed(f"no browser has come back within {PATIENCE / 60:g} minutes")
    if isinstance(codes[0], SignInFailed):
        raise codes[0]
    return codes[0]


async def _first(
    way: Callable[[], Awaitable[str]], codes: list[str | SignInFailed], scope: trio.CancelScope
) -> None:
    found: str | SignInFailed
    try:
        found = await way()
    except SignInFailed as failure:
        found = failure
    if found:
        codes.append(found)
        scope.cancel(reason="the code is here")


async def _pasted(begun: BrowserSignIn) -> str:
    """The code out of what was pasted; "" when the input ends."""
    async with aclosing(pasted_lines()) as lines:
        async for line in lines:
            try:
                if line.strip():
                    return begun.read(line)
            except NotOurCallback as problem:
                tell(f"\nThat is not it: {problem}.")
    return ""


async def _count(countdown: Countdown, deadline: float) -> None:
    while True:
        countdown(max(0.0, deadline - trio.current_time()))
        await trio.sleep(1.0)


def _has_browser() -> bool:
    """Whether a browser would open where the person is, and not in this terminal or on a server's screen."""
    if "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())

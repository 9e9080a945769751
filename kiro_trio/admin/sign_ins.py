"""Signing in to new accounts from the owner's page, and to old ones anew."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import trio
from msgspec import Meta
from quart import Request, request

from kiro_trio.admin.problems import Kind, Problem, invalid
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Priority, Shape, Strict, Success
from kiro_trio.credentials.credential import REGION, InvalidProxy, parse_proxy
from kiro_trio.credentials.login.addresses import InvalidStartUrl, NotOurCallback, read_start_url
from kiro_trio.credentials.login.providers import Provider
from kiro_trio.gateway.sign_in import NeedsNoAddress, Wish
from kiro_trio.gateway.sign_in import SignIn as Followed
from kiro_trio.gateway.sign_ins import MOST, NoSignIns, TooManySignIns
from kiro_trio.settings import is_loopback
from kiro_trio.telemetry import register_secret

# A script that waits gets more out of an answer; a page asks again anyway.
_PATIENCE = 10.0

# A proxy on this machine asks from here too, wherever the browser is.
_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

ProviderName = Literal["builder-id", "idc", "google", "github"]

PROVIDERS: Mapping[ProviderName, Provider] = {
    "builder-id": Provider.BUILDER_ID,
    "idc": Provider.ORGANISATION,
    "google": Provider.GOOGLE,
    "github": Provider.GITHUB,
}

Text = Annotated[str, Meta(max_length=20_000)]


class NewSignIn(Strict):
    """A sign-in that is wanted; "" and null are as good as nothing.

    `start_url` is an organisation's, which needs one. `browser`: in a browser that is sent back, as Google and GitHub
    always do it, and not with a code. Priority and proxy go into the account's entry.
    """

    provider: ProviderName
    start_url: Text | None = None
    region: Text | None = None
    browser: bool = False
    priority: Priority | None = None
    proxy_url: Text | None = None
    proxy_username: Text | None = None
    proxy_password: Text | None = None


class Address(Strict):
    """The whole address at which the browser ended."""

    address: Text


class SignIn(Shape):
    """A sign-in. Times are epoch seconds; `url` is "" until there is something to open.

    `user_code` is what the page must show, `redirect_uri` where the browser will end. `needs_address`: that address
    would finish it. What stands behind `message` is known when it is `done`.
    """

    id: str
    provider: ProviderName
    method: Literal["device", "browser"]
    state: Literal["waiting", "finishing", "done", "failed", "cancelled"]
    url: str
    user_code: str | None
    redirect_uri: str | None
    needs_address: bool
    started_at: int
    expires_at: int
    message: str
    credential_id: int | None
    email: str | None
    subscription_title: str | None
    remaining: float | None
    replaced: bool


class SignIns(Shape):
    """Sign-ins that run, and those that ended in the last ten minutes; the newest first."""

    sign_ins: list[SignIn]


async def begin_sign_in(asked: Asked) -> SignIn:
    """Begin a sign-in; the answer has something to open, or says why there is nothing."""
    gateway = asked.place.gateway
    wish = _wish(asked.body, listen=_at_home(request))
    if not await gateway.store_writable():  # before anybody signs in: it would be in vain
        raise Problem(
            Kind.INTERNAL, f"the account could not be stored: {gateway.store.path} cannot be written"
        )
    if gateway.draining:
        raise _stopping()
    try:
        mine = gateway.sign_ins.begin(wish)
    except TooManySignIns:
        raise Problem(Kind.RATE_LIMITED, f"{MOST} sign-ins are running already: end one", 30.0) from None
    except NoSignIns:
        raise _stopping() from None
    with trio.move_on_after(_PATIENCE):
        await mine.shown.wait()
    return shown(mine)


async def list_sign_ins(asked: Asked) -> SignIns:
    """All sign-ins of the last minutes."""
    return SignIns(sign_ins=[shown(mine) for mine in asked.place.gateway.sign_ins])


async def show_sign_in(asked: Asked) -> SignIn:
    """One sign-in."""
    return shown(_known(asked))


async def bring_address(asked: Asked) -> SignIn:
    """Finish a sign-in with the address at which the browser ended."""
    mine = _known(asked)
    try:
        mine.bring(asked.body.address)
    except (NeedsNoAddress, NotOurCallback) as problem:
        raise invalid(str(problem)) from None
    with trio.move_on_after(_PATIENCE):
        await mine.ended.wait()
    return shown(mine)


async def cancel_sign_in(asked: Asked) -> Success:
    """Cancel a sign-in that runs; one that has ended is shown no longer."""
    mine = _known(asked)
    if mine.ended_at is not None:
        asked.place.gateway.sign_ins.forget(mine)
        return Success(message=f"sign-in {mine.id} forgotten")
    await mine.cancel()
    return Success(message=mine.message)


def shown(mine: Followed) -> SignIn:
    """A sign-in as its owner sees it."""
    names = {provider: name for name, provider in PROVIDERS.items()}
    done = mine.completed
    usage = done.verified.usage if done else None
    return SignIn(
        id=mine.id,
        provider=names[mine.wish.provider],
        method="browser" if mine.wish.browser else "device",
        state=mine.state.value,
        url=mine.url,
        user_code=mine.user_code or None,
        redirect_uri=mine.redirect_uri or None,
        needs_address=mine.needs_address,
        started_at=int(mine.started_at),
        expires_at=int(mine.expires_at),
        message=mine.message,
        credential_id=done.enrolled.credential_id if done else None,
        email=(str(done.entry.get("email") or "") or None) if done else None,
        subscription_title=(usage.title or None) if usage else None,
        remaining=usage.remaining if usage else None,
        replaced=bool(done and done.enrolled.replaced),
    )


def _known(asked: Asked) -> Followed:
    mine = asked.place.gateway.sign_ins.get(asked.ids["signIn"])
    if mine is None:
        raise Problem(Kind.NOT_FOUND, f"sign-in {asked.ids['signIn']} is not known (any more)")
    return mine


def _stopping() -> Problem:
    return Problem(Kind.UNAVAILABLE, "the gateway is being stopped")


def _wish(new: NewSignIn, *, listen: bool) -> Wish:
    provider = PROVIDERS[new.provider]
    region, browser = (new.region or "").strip(), new.browser or provider.social
    if region and not REGION.fullmatch(region):
        raise invalid("`region` is not a region such as us-east-1")
    if region and provider.social:
        raise invalid(f"`region` is of no use for {provider.value.title}")
    if provider is Provider.ORGANISATION and browser and not region:
        raise invalid("`browser` needs `region`: only codes can be tried in one region after the other")
    return Wish(provider, _start_url(provider, new.start_url), region, browser, listen, _settings(new))


def _start_url(provider: Provider, text: str | None) -> str:
    wanted = provider is Provider.ORGANISATION
    if bool(text) is not wanted:
        raise invalid(f"`startUrl` {'is missing' if wanted else 'is only for `provider` idc'}")
    try:
        return read_start_url(text) if text else ""
    except InvalidStartUrl as error:
        raise invalid(f"`startUrl` {error}") from None


def _settings(new: NewSignIn) -> dict[str, Any]:
    """What the owner wants in the account's entry."""
    found = {
        "priority": new.priority,
        "proxyUrl": (new.proxy_url or "").strip(),
        "proxyUsername": new.proxy_username,
        "proxyPassword": new.proxy_password,
    }
    if not found["proxyUrl"] and (new.proxy_username or new.proxy_password):
        raise invalid("`proxyUrl` is missing")
    if new.proxy_url:
        try:
            proxy = parse_proxy(new.proxy_url, new.proxy_username or "", new.proxy_password or "")
        except InvalidProxy as error:
            raise invalid(f"`proxyUrl` {error}") from None
        register_secret(proxy.password if proxy else "")
    return {key: value for key, value in found.items() if value not in (None, "")}


def _at_home(asking: Request) -> bool:
    """Whether the browser is on this machine, as far as can be seen: nobody has passed the request on."""
    passed_on = any(name in asking.headers for name in _OF_PROXIES)
    host = asking.host.rpartition(":")[0] or asking.host
    return not passed_on and is_loopback(asking.remote_addr or "") and is_loopback(host.strip("[]"))

"""`kiro-trio login`: an account of one's own, from the terminal."""

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.browsing import sign_in_in_browser
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import Countdown, printable, show_qr_code, tell
from kiro_trio.cli.wiring import House, account_options, open_house
from kiro_trio.cli.words import credits_left
from kiro_trio.credentials.credential import REGION, InvalidProxy, Proxy, parse_proxy
from kiro_trio.credentials.login.addresses import InvalidStartUrl, read_start_url
from kiro_trio.credentials.login.completion import Completed, complete
from kiro_trio.credentials.login.desk import Desk
from kiro_trio.credentials.login.device import begin_device_sign_in, finish_device_sign_in
from kiro_trio.credentials.login.providers import Provider
from kiro_trio.credentials.login.signed_in import SignedIn


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line; `settings` go into the account's entry."""

    provider: Provider
    start_url: str
    region: str
    browser: bool
    open_browser: bool | None
    port: int | None
    qr: bool | None
    proxy: Proxy | None
    settings: dict[str, Any]


@click.command(
    "login",
    epilog="""\b
Without a browser on this machine: Builder ID and IdC show a code that can be confirmed
anywhere. Google and GitHub send a browser back to this machine; if yours is on another
one, copy the address that it ends at, and paste it here.
\b
Examples:
  kiro-trio login --builder-id
  kiro-trio login --idc https://d-1234567890.awsapps.com/start
  kiro-trio login --idc https://d-1234567890.awsapps.com/start --region eu-central-1
  kiro-trio login --google --credentials /etc/kiro/credentials.json
""",
)
@click.option("--builder-id", is_flag=True, help="Sign in with an AWS Builder ID.")
@click.option("--idc", metavar="START_URL", help="Sign in with an organisation's IAM Identity Center.")
@click.option("--google", is_flag=True, help="Sign in with Google.")
@click.option("--github", is_flag=True, help="Sign in with GitHub.")
@click.option(
    "--region", metavar="R", help="Region of the organisation's sign-in; found by trying if not given."
)
@click.option("--browser", is_flag=True, help="Builder ID, IdC: sign in in a browser instead of with a code.")
@click.option(
    "--open/--no-open", "open_browser", default=None, help="Open a browser, or only show the address."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="P", help="Port to which the browser comes back; 0: any."
)
@click.option("--qr/--no-qr", "qr", default=None, help="Show the address as a QR code too.")
@click.option("--proxy", metavar="URL", help="Proxy of this account, for the sign-in and from then on.")
@click.option("--priority", type=int, metavar="N", help="Its place in the order; the lowest goes first.")
@account_options
def command(config: Path, credentials_file: str | None, upstream_url: str | None, **flags: Any) -> None:
    """Sign in to Kiro and store the account.

    A gateway that runs on the same accounts file takes it up by itself. Signing in again as somebody who is there
    already replaces the old sign-in and keeps everything else.
    """
    wish = _wish(flags)
    with plainly():
        house = open_house(config, credentials_file, upstream_url)
        done = run_interruptibly(partial(_login, house, wish), "given up; nothing was stored")
    _report(done, house.path)


def _wish(flags: dict[str, Any]) -> Wish:
    provider = _provider(flags)
    settings: dict[str, Any] = {}
    if flags["priority"] is not None:
        settings["priority"] = flags["priority"]
    if flags["proxy"]:
        settings["proxyUrl"] = flags["proxy"].strip()
    if flags["region"] and not REGION.fullmatch(flags["region"]):
        raise click.BadParameter("is not a region such as us-east-1", param_hint="--region")
    return Wish(
        provider,
        _start_url(flags["idc"]),
        flags["region"] or "",
        flags["browser"] or provider.social,
        flags["open_browser"],
        flags["port"],
        flags["qr"],
        _proxy(flags["proxy"]),
        settings,
    )


def _provider(flags: dict[str, Any]) -> Provider:
    ways = {
        "builder_id": Provider.BUILDER_ID,
        "idc": Provider.ORGANISATION,
        "google": Provider.GOOGLE,
        "github": Provider.GITHUB,
    }
    asked = [provider for name, provider in ways.items() if flags[name]]
    if len(asked) != 1:
        raise click.UsageError("name one of --builder-id, --idc START_URL, --google and --github")
    if asked[0] is Provider.ORGANISATION and flags["browser"] and not flags["region"]:
        raise click.UsageError(
            "--browser needs --region: only codes can be tried in one region after the other"
        )
    return asked[0]


def _start_url(text: str | None) -> str:
    try:
        return read_start_url(text) if text else ""
    except InvalidStartUrl as error:
        raise click.BadParameter(str(error), param_hint="--idc") from None


def _proxy(url: str | None) -> Proxy | None:
    try:
        return parse_proxy(url) if url else None
    except InvalidProxy as error:
        raise click.BadParameter(str(error), param_hint="--proxy") from None


async def _login(house: House, wish: Wish) -> Completed:
    # Before anybody signs in: an account that cannot be stored in the end is a sign-in in vain.
    store = await house.store()
    desk = house.desk(secrets.token_hex(16), wish.proxy)
    if wish.browser:
        signed_in = await sign_in_in_browser(
            desk,
            wish.provider,
            start_url=wish.start_url,
            region=wish.region,
            port=wish.port,
            open_browser=wish.open_browser,
        )
    else:
        signed_in = await _by_device_code(desk, wish)
    tell("Signed in. Asking Kiro about the account ...")
    return await complete(desk, store, store.path, signed_in, wish.settings)


async def _by_device_code(desk: Desk, wish: Wish) -> SignedIn:
    if wish.provider is Provider.ORGANISATION and not wish.region:
        tell("Looking for the region of this start URL ...")
    begun = await begin_device_sign_in(desk, wish.provider, start_url=wish.start_url, region=wish.region)
    device = begun.device
    tell(f"\nOpen this page in any browser, on any machine, and sign in with {wish.provider.value.title}:")
    tell(f"\n  {printable(device.complete_url, 2000)}\n")
    show_qr_code(device.complete_url, wanted=wish.qr)
    tell(f"It must show the code  {printable(device.user_code)}\n")
    countdown = Countdown()
    try:
        return await finish_device_sign_in(desk, begun, countdown)
    finally:
        countdown.clear()


def _report(done: Completed, path: Path) -> None:
    entry, usage = done.entry, done.verified.usage
    who = printable(str(entry.get("email") or "somebody who has not told an e-mail address"))
    number = done.enrolled.credential_id
    if usage is not None:
        click.echo(f"{who}: {printable(usage.title) or 'unknown plan'}, {credits_left(usage)}.")
    if done.verified.problem:
        tell(f"Warning: {printable(done.verified.problem, 500)}.")
    if done.enrolled.replaced:
        click.echo(f"Account {number} in {path} was there already and has the new sign-in now.")
    else:
        click.echo(f"Stored as account {number} in {path}.")

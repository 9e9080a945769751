"""`kiro-trio demo`: a request that Claude Code really sent, through the whole house, with nothing but this program."""

import json
import secrets
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import click
import trio

from kiro_trio.cli.claude_code import claude_code_lines
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.playhouse import simulated_house
from kiro_trio.cli.readers import default_reader
from kiro_trio.cli.signals import set_on_signal
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.telemetry import configure_logging

# Slow enough that one sees it stream.
_PAUSE = 0.04


class DemoFailed(click.ClickException):
    """The answer did not arrive whole."""


@click.command(
    "demo",
    epilog="""\b
Examples:
  kiro-trio demo
  kiro-trio demo --keep                   then start Claude Code in another terminal
""",
)
@click.option(
    "--keep", is_flag=True, help="Stay up afterwards, so that Claude Code itself can be tried against it."
)
def command(*, keep: bool) -> None:
    """Show the gateway at work: no account, no file, no network.

    Starts a simulated Kiro and a gateway on free ports of this machine, sends one request that Claude Code really sent
    (its prose replaced by filler), shows the answer as it streams, and says what to set for Claude Code.
    """
    configure_logging("warning", "text")
    with plainly(), tempfile.TemporaryDirectory(prefix="kiro-trio-demo-") as folder:
        trio.run(_demo, Path(folder), keep)


def demo_request() -> dict[str, Any]:
    """The body of the request."""
    text = resources.files("kiro_trio.cli").joinpath("demo_request.json").read_text("utf-8")
    body: dict[str, Any] = json.loads(text)
    return body


async def _demo(folder: Path, keep: bool) -> None:  # noqa: FBT001 - trio.run takes positions
    stop = trio.Event()
    key = f"sk-kiro-trio-{secrets.token_urlsafe(24)}"
    async with trio.open_nursery() as nursery:
        await nursery.start(set_on_signal, stop)
        nursery.start_soon(_cancel_on, stop, nursery.cancel_scope)
        simulator = Simulator([Account("demo@kiro-trio.example")], every=_PAUSE)
        async with simulated_house(simulator, folder, key) as house:
            gateway = house.gateway
            await _one_request(house.kiro, gateway, key)
            if keep:
                click.echo(
                    f"\nBoth stay up until Ctrl-C. To try Claude Code:\n\n{claude_code_lines(gateway, key)}\n"
                )
                await trio.sleep_forever()
        click.echo(
            "\nWith your own account:\n\n"
            "  mkdir -p ~/.config/kiro-trio  for config, keys and accounts\n"
            "  kiro-trio login --google      (or --github, --builder-id, --idc URL)\n"
            "  kiro-trio claude              starts the gateway, and Claude Code with it\n"
            "\nOr `kiro-trio serve`, which writes a config with keys of your own and shows these lines for Claude Code:"
            f"\n\n{claude_code_lines('http://127.0.0.1:8990', '(your apiKey)')}\n"
            "\nTo try Claude Code without an account: `kiro-trio demo --keep`."
        )
        nursery.cancel_scope.cancel(reason="the demo is over")


async def _cancel_on(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel(reason="asked to stop")


async def _one_request(kiro: str, gateway: str, key: str) -> None:
    body = demo_request()
    reader = default_reader()
    click.echo(f"Kiro, simulated   {kiro}")
    click.echo(f"Gateway           {gateway}")
    click.echo(
        f"Request           from Claude Code: {len(body['tools'])} tools, {len(json.dumps(body)) // 1000} kB"
    )
    click.echo(f"Read by           {reader.name}\n")
    began = trio.current_time()
    speak = _Timed(began)
    answer = await reader.read(gateway, key, body, speak)
    took = trio.current_time() - began
    if not answer.complete:
        raise DemoFailed("the answer broke off")
    click.echo(
        f"\n\n{answer.stop_reason}: {answer.input_tokens} tokens in, {answer.output_tokens} out;"
        f" first words after {speak.first or took:.2f} s, all of it after {took:.2f} s"
    )


class _Timed:
    """Shows pieces of the answer as they come, thinking dim; remembers when the first one came."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.first: float | None = None
        self._kind = ""

    def __call__(self, kind: str, text: str) -> None:
        if self.first is None:
            self.first = trio.current_time() - self.began
        elif kind != self._kind:
            click.echo("\n")
        self._kind = kind
        click.secho(text, nl=False, dim=kind != "text")

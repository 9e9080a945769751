"""`kiro-trio simulate`: a Kiro of our own, for trying things out and for tests."""

from functools import partial
from pathlib import Path

import click
import trio

from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.signals import set_on_signal
from kiro_trio.simulator.loading import load_script
from kiro_trio.simulator.script import Script
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator

# Quick enough for a test, slow enough to be seen streaming.
_PAUSE = 0.01


@click.command(
    "simulate",
    epilog="""\b
A script is JSON or TOML: rules, each with `when` it applies and what it replies. This one
answers the first request about cats with silence, and everything else as usual:
\b
  [[rules]]
  when = { prompt = "cats", nth = [1] }
  [[rules.reply.steps]]
  do = "pause"
\b
Examples:
  kiro-trio simulate --port 9000
  kiro-trio simulate --port 9000 --script trouble.toml
""",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="P", help="Port to listen on; 0: a free one."
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What it answers, and how it misbehaves.",
)
def command(port: int, script: Path | None) -> None:
    """Run a simulated Kiro on this machine until SIGTERM or SIGINT.

    It speaks the real wire: chat streams, token renewal, usage, models, web search. Without a script it answers any
    prompt plausibly, with tool calls. Everybody may come in. Prints "Listening on http://127.0.0.1:PORT" on stdout.
    """
    with plainly(f"127.0.0.1:{port}"):
        simulator = Simulator(script=load_script(script) if script else Script(), every=_PAUSE)
        trio.run(_simulate, simulator, port)


async def _simulate(simulator: Simulator, port: int) -> None:
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(set_on_signal, stop)
        url = await nursery.start(partial(serve_simulator, simulator, port=port))
        print(f"Listening on {url}", flush=True)
        await stop.wait()
        nursery.cancel_scope.cancel(reason="asked to stop")

"""`kiro-trio serve`: the gateway."""

import gc
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import click
import trio

from kiro_trio.admin import mount
from kiro_trio.cli.claude_code import claude_code_lines
from kiro_trio.cli.ourselves import ourselves
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.signals import set_on_signal
from kiro_trio.cli.workers import inherited_socket, run_workers, set_when_alone
from kiro_trio.settings import Settings, usual_config, write_first_config
from kiro_trio.settings.source import Source
from kiro_trio.telemetry import LogFormat, LogLevel, configure_logging, get_logger, register_secret
from kiro_trio.web.server import listen_config, serve_gateway

_LOG = get_logger("cli")


@click.command(
    "serve",
    epilog="""\b
Every setting of the config file is also an environment variable, which wins over the
file; flags win over both. `port` is KIRO_TRIO_PORT, `apiKey` is KIRO_TRIO_API_KEY.
\b
Examples:
  kiro-trio serve
  kiro-trio serve --port 0 --log-level debug
  kiro-trio serve --workers 4
  KIRO_API_KEY=ksk_... kiro-trio serve
  kiro-trio simulate --port 9000 & kiro-trio serve --upstream http://127.0.0.1:9000
""",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=usual_config,
    envvar="KIRO_TRIO_CONFIG",
    show_default="config.json",
    help="Config file; kiro.rs's own will do. Written on the first start if there is none.",
)
@click.option(
    "--credentials", "credentials_file", metavar="FILE", help="Accounts file  [default: credentials.json]"
)
@click.option("--host", metavar="H", help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="P", help="Port to listen on; 0 picks a free one."
)
@click.option(
    "--upstream", "upstream_url", metavar="URL", help="Send all that is meant for Kiro there: for tests."
)
@click.option("--log-level", type=click.Choice(get_args(LogLevel)), help="How much is logged, on stderr.")
@click.option("--log-format", type=click.Choice(get_args(LogFormat)), help="How it is logged.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="How many processes share the address and the accounts  [default: 1]",
)
def command(config: Path, workers: int, **flags: Any) -> None:
    """Run the gateway until SIGTERM, SIGINT or SIGHUP.

    Prints "Listening on http://HOST:PORT" on stdout once it accepts requests. A stop lets running streams go on for
    `shutdownGrace` seconds; a second signal ends at once.
    """
    with plainly():
        first_start = not config.exists() and not os.environ.get("KIRO_TRIO_API_KEY")
        if first_start:
            write_first_config(config)
        named = {name: (f"--{_FLAGS.get(name, name)}", value) for name, value in flags.items()}
        source = Source(config, os.environ, named)
        loaded = source.load()
        settings = loaded.settings
        configure_logging(settings.log_level, settings.log_format)
        _register_secrets(settings)
        for warning in loaded.warnings:
            _LOG.warning(warning)
    announce = partial(_announce, config if first_start else None, settings)
    with plainly(f"{settings.host}:{settings.port}"):
        descriptor = inherited_socket()
        if workers > 1 and descriptor is None:
            code = trio.run(_serve_by_workers, settings, _worker(config, named), workers, announce)
            raise click.exceptions.Exit(code)
        trio.run(_serve, settings, source, announce, descriptor)


_FLAGS = {
    "credentials_file": "credentials",
    "upstream_url": "upstream",
    "log_level": "log-level",
    "log_format": "log-format",
}


async def _serve(
    settings: Settings, source: Source, on_listening: Callable[[str], None], descriptor: int | None
) -> None:
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(set_on_signal, stop)
        if descriptor is not None:
            nursery.start_soon(set_when_alone, stop)
        await serve_gateway(
            settings,
            on_listening=on_listening,
            shutdown=stop,
            source=source,
            extensions=[mount],
            descriptor=descriptor,
        )
        nursery.cancel_scope.cancel(reason="the gateway has stopped")


async def _serve_by_workers(
    settings: Settings, argv: list[str], count: int, on_listening: Callable[[str], None]
) -> int:
    config = listen_config(settings)
    (sock,) = config.create_sockets().insecure_sockets
    sock.listen(config.backlog)
    return await run_workers(argv, sock, count, on_listening)


def _worker(config: Path, flags: Mapping[str, tuple[str, Any]]) -> list[str]:
    """The command of one worker: ours, with its flags."""
    given = [(flag, str(value)) for flag, value in flags.values() if value is not None]
    return [*ourselves(), "serve", "--config", str(config), *chain.from_iterable(given)]


def _settle(settings: Settings) -> None:
    """Tell Python's garbage collector what it need not look at again.

    What has been loaded by now stays, so it need not be walked through: `freeze`. And requests make little rubbish
    that counting references does not find, so the young may be many more than 700 before they are looked through. Both
    together are 5 to 10 % of a request.
    """
    if settings.fast_path:
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 10, 10)


def _announce(written: Path | None, settings: Settings, url: str) -> None:
    _settle(settings)
    print(f"Listening on {url}", flush=True)
    if written is not None:
        # For the person at the terminal, once. Anywhere else (a pipe, Docker, systemd) stderr is a log, which gets no key.
        if sys.stderr.isatty():
            lines = claude_code_lines(url, settings.api_key)
        else:
            lines = shlex.join(["kiro-trio", "env", "--config", str(written)])
        click.echo(
            f"\nWrote {written} with new keys. For Claude Code (or start it with `kiro-trio claude`):\n\n{lines}\n\n"
            f"Your own page is {url}/admin; its key is the adminApiKey of that file.\n",
            err=True,
        )


def _register_secrets(settings: Settings) -> None:
    for secret in (
        settings.api_key,
        settings.admin_api_key,
        settings.kiro_api_key,
        settings.proxy_password,
        settings.count_tokens_api_key,
    ):
        register_secret(secret)

"""The gateway under a hypercorn that others started: their process, their sockets, their signals, our connections.

Everything happens when its worker starts the application up, for until then there is no trio: the settings of
`KIRO_TRIO_CONFIG` (or `config.json`) are read, and our connections take the place of hypercorn's.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sniffio
import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext

from kiro_trio.credentials.document import InvalidFile
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.settings import Settings, SettingsError, usual_config
from kiro_trio.settings.definition import secret_names
from kiro_trio.settings.source import Source
from kiro_trio.telemetry import configure_logging, get_logger, register_secret
from kiro_trio.web.app import App, Extension, make_app
from kiro_trio.web.config import GatewayConfig
from kiro_trio.web.direct import Direct
from kiro_trio.web.listener import GatewayTCPServer, install
from kiro_trio.web.server import FAREWELL, drain, listen_config, log_bug

log = get_logger("web")


class HostingError(Exception):
    """The gateway cannot be opened; one sentence for the person at the terminal."""


class HostedApp:
    """An ASGI application that becomes the gateway with `lifespan.startup`.

    `extensions` add the routes of other rooms. Logs go to stderr. What is wrong with the settings is said there in one
    line, and hypercorn gives up.
    """

    def __init__(self, extensions: Sequence[Extension] = ()) -> None:
        self._extensions = extensions
        self._app: App | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI scope; the first is the lifespan's."""
        if self._app is None:
            try:
                self._app = await _open(scope["type"], self._extensions)
            except HostingError as problem:
                print(f"Error: {problem}", file=sys.stderr, flush=True)  # noqa: T201 - there may be no logs yet
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(problem)})
                return
        await self._app(scope, receive, send)


class HostedTCPServer(GatewayTCPServer):
    """One client connection, with our configuration in the place of the one that hypercorn was given."""

    hosted: "Hosted"

    def __init__(self, app: Any, config: Config, context: WorkerContext, *rest: Any) -> None:
        self.hosted.note(config, context)
        super().__init__(app, self.hosted.config, context, *rest)


class Hosted:
    """What connections need to know, and the drain when hypercorn stops; `app.nursery` must be open by then."""

    def __init__(self, app: App, gateway: Gateway, config: GatewayConfig) -> None:
        self.config = config
        self._app = app
        self._gateway = gateway
        self._noted = False

    def note(self, theirs: Config, context: WorkerContext) -> None:
        """A connection has come: from the first one on there is something to drain."""
        if not self._noted:
            self._noted = True
            # Within their grace time all has to be over, the last words included.
            grace = max(0.0, theirs.graceful_timeout - 2 * FAREWELL)
            self._app.nursery.start_soon(self._stop, context, grace)

    async def _stop(self, context: WorkerContext, grace: float) -> None:
        stopping = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.config.until_stopped, stopping)
            nursery.start_soon(drain, self._gateway, grace, stopping)
            await context.terminated.wait()
            stopping.set()


async def _open(scope: str, extensions: Sequence[Extension]) -> App:
    """Build the application, and have hypercorn's worker serve its connections with ours."""
    if sniffio.current_async_library() != "trio":
        raise HostingError("this application runs on trio: start it with `hypercorn -k trio`")
    if scope != "lifespan":
        raise HostingError("the application was not started up: its server must speak ASGI's lifespan")
    config = Path(os.environ.get("KIRO_TRIO_CONFIG") or usual_config())
    source = Source(config, os.environ)
    try:
        loaded = source.load()
        settings = loaded.settings
        _prepare_logs(settings, loaded.warnings)
        gateway = await open_gateway(settings, source)
    except (SettingsError, InvalidFile) as error:
        raise HostingError(str(error)) from None
    app = make_app(gateway, *extensions)
    install(log_bug, HostedTCPServer)
    listening = listen_config(settings)
    listening.direct = Direct(gateway)
    HostedTCPServer.hosted = Hosted(app, gateway, listening)
    return app


def _prepare_logs(settings: Settings, warnings: Sequence[str]) -> None:
    configure_logging(settings.log_level, settings.log_format)
    for name in secret_names():
        register_secret(getattr(settings, name))
    for warning in warnings:
        log.warning(warning)

"""The gateway as a running server: from settings to a listening port, and down again without losing a word.

A stop has four steps. At once: no new connections, idle ones are closed, running requests go on. After the grace time:
what still runs ends with an `overloaded_error` event. A little later: writes that no client takes are cut. A little
after that, hypercorn cancels what is left.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog
import trio
from hypercorn.trio import serve

from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.settings import Settings
from kiro_trio.settings.source import Source
from kiro_trio.web.app import App, Extension, make_app
from kiro_trio.web.config import GatewayConfig
from kiro_trio.web.direct import Direct
from kiro_trio.web.listener import cut_stuck_writes, install

log = structlog.get_logger(__name__)

# Time for the last error events to go out; then for the cut connections to close.
FAREWELL = 2.0


async def serve_gateway(
    settings: Settings,
    *,
    on_listening: Callable[[str], None],
    shutdown: trio.Event | None = None,
    source: Source | None = None,
    extensions: Sequence[Extension] = (),
    descriptor: int | None = None,
) -> None:
    """Serve until `shutdown` is set, then stop gracefully; return when the last connection is closed.

    `on_listening` is called with the base URL once connections are accepted. Cancelling stops at once. `source` is where
    the settings came from, if they can be read again; `extensions` add the routes of other rooms. `descriptor` is a
    socket that listens already, and takes the place of the settings' address.

    Raises:
        OSError: the address cannot be listened on.
        InvalidFile: and what else `kiro_trio.gateway.opening.open_gateway` raises.
    """
    gateway = await open_gateway(settings, source)
    stopping = trio.Event() if shutdown is None else shutdown
    config = listen_config(settings)
    config.direct = Direct(gateway)
    if descriptor is not None:
        config.bind = [f"fd://{descriptor}"]
    install(log_bug)
    async with trio.open_nursery() as nursery:
        await nursery.start(_serve, make_app(gateway, *extensions), config, stopping, on_listening)
        nursery.start_soon(drain, gateway, settings.shutdown_grace, stopping)
        await gateway.stopped.wait()
        nursery.cancel_scope.cancel(reason="stopped")


def listen_config(settings: Settings) -> GatewayConfig:
    """Return hypercorn's configuration for these settings."""
    config = GatewayConfig()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    config.bind = [f"{host}:{settings.port}"]
    config.send_timeout = settings.send_timeout
    config.http2 = settings.http2
    config.fast_path = settings.fast_path
    config.alpn_protocols = ["h2", "http/1.1"] if settings.http2 else ["http/1.1"]
    config.graceful_timeout = settings.shutdown_grace + 2 * FAREWELL
    return config


async def _serve(
    app: App,
    config: GatewayConfig,
    stopping: trio.Event,
    on_listening: Callable[[str], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    async with trio.open_nursery() as nursery:
        trigger = partial(config.until_stopped, stopping)
        run = partial(serve, app, config, shutdown_trigger=trigger, mode="asgi")
        binds = await nursery.start(run)
        on_listening(binds[0])
        task_status.started()


async def drain(gateway: Gateway, grace: float, stopping: trio.Event) -> None:
    """Wait for `stopping`; end what runs `grace` seconds later, and soon after it what no client takes."""
    await stopping.wait()
    gateway.draining = True
    log.info("stopping", running=len(gateway.live), grace=grace)
    await trio.sleep(grace)
    gateway.closing.set()
    await trio.sleep(FAREWELL)
    cut_stuck_writes()


def log_bug(error: BaseException) -> None:
    """Say that serving a connection ended in a bug of ours."""
    log.error("connection failed", exc_info=error)

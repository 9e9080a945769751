"""How hypercorn listens for us: its configuration with our defaults, and what our side of it needs to know besides."""

import logging
import socket

import trio
from hypercorn.config import Config, Sockets

from kiro_trio.web.direct import Direct

# Beyond what a write may take: the kernel is the second line, for peers that vanish without a FIN.
_USER_TIMEOUT_SLACK = 10.0


class GatewayConfig(Config):
    """hypercorn's configuration with our defaults."""

    # Claude Code keeps its connections; 5 s would make it reconnect for every turn.
    keep_alive_timeout = 75.0
    keep_alive_max_requests = 1_000_000
    h11_max_incomplete_size = 64 * 1024
    include_server_header = False
    backlog = 2048
    # hypercorn's read timeout counts while the client rightly says nothing, and would cut every stream.
    read_timeout: int | None = None
    errorlog: logging.Logger | str | None = logging.getLogger("hypercorn.error")
    accesslog: logging.Logger | str | None = None
    alpn_protocols = ["http/1.1"]  # noqa: RUF012 - hypercorn's own way to declare it

    send_timeout: float = 30.0
    """Seconds that a client may take to accept one write."""
    http2: bool = False
    fast_path: bool = True
    """Take the short cuts of `kiro_trio.web.http1` and `kiro_trio.web.listener`, and those of `direct`."""
    direct: Direct | None = None
    """What is answered without ASGI; None: nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.idle: set[trio.CancelScope] = set()
        """The scopes of connections without a request; cancelling one closes it."""

    async def until_stopped(self, shutdown: trio.Event) -> None:
        """Wait for `shutdown` and close what is idle, at once and later: hypercorn's shutdown trigger."""
        await shutdown.wait()
        self.stopping = True
        for scope in self.idle:
            scope.cancel(reason="the server is being stopped")

    def create_sockets(self) -> Sockets:
        """Bind as configured; accepted sockets inherit the user timeout."""
        sockets = super().create_sockets()
        milliseconds = int((self.send_timeout + _USER_TIMEOUT_SLACK) * 1000)
        for sock in (*sockets.insecure_sockets, *sockets.secure_sockets):
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return sockets

"""Connections: TCP, through a proxy or not, under TLS or not, all within one time limit."""

import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.errors import ConnectFailed, ProxyFailed, TLSFailed, UpstreamError, explain
from kiro_trio.upstream.origin import Origin
from kiro_trio.upstream.tls import TLSStream
from kiro_trio.upstream.tunnel import open_tunnel

OpenTCP = Callable[[str, int], Awaitable[trio.abc.Stream]]

# A connection whose other end has vanished without a word (a NAT that forgot it, a machine switched off) is found dead
# after 30 s: when idle by probes, when a request was sent by the acknowledgements that do not come. Without them the
# kernel waits for 15 minutes. A model that thinks in silence is not affected: its kernel answers.
_LIVENESS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 15),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
)


async def open_tcp(host: str, port: int) -> trio.abc.Stream:
    """Connect over IPv6 or IPv4, whichever is first (happy eyeballs); `TCP_NODELAY` is on.

    Raises:
        OSError: No address, or none that answers.
    """
    stream = await trio.open_tcp_stream(host, port)
    for level, option, value in _LIVENESS:
        if hasattr(socket, option):  # each system has its own choice of them
            stream.setsockopt(level, getattr(socket, option), value)
    return stream


class Dialer:
    """Opens connections that are ready for a request.

    Args:
        ssl_context: For `https` origins and `https` proxies.
        connect_timeout: Seconds for all of it together: name, TCP, proxy, TLS.
        directly: Read plain sockets ourselves under TLS; see `kiro_trio.upstream.sockets`.
        open_tcp: Makes the TCP connection, here or to the proxy; tests hand out memory streams.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        connect_timeout: float,
        directly: bool = True,
        open_tcp: OpenTCP = open_tcp,
    ) -> None:
        self._ssl_context = ssl_context
        self._connect_timeout = connect_timeout
        self._directly = directly
        self._open_tcp = open_tcp

    async def dial(self, origin: Origin, proxy: Proxy | None) -> trio.abc.Stream:
        """Open a connection to `origin`.

        Raises:
            ConnectFailed: No TCP connection.
            ProxyFailed: Anything that is between us and the other side of the proxy.
            TLSFailed: The handshake with the origin itself.
        """
        deadline = trio.current_time() + self._connect_timeout
        if proxy is None:
            with self._stage(deadline, ConnectFailed, origin.display):
                stream = await self._open_tcp(origin.host, origin.port)
        else:
            stream = await self._pass(origin, proxy, deadline)
        if origin.scheme == "https":
            way = f" through proxy {proxy.display}" if proxy else ""
            with self._stage(deadline, TLSFailed, f"TLS with {origin.display}{way}"):
                stream = await self._secure(stream, origin.host)
        return stream

    async def _pass(self, origin: Origin, proxy: Proxy, deadline: float) -> trio.abc.Stream:
        with self._stage(deadline, ProxyFailed, f"proxy {proxy.display}"):
            stream = await self._open_tcp(proxy.host, proxy.port)
            if proxy.scheme == "https":
                stream = await self._secure(stream, proxy.host)
            try:
                await open_tunnel(stream, proxy, origin)
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
            return stream

    async def _secure(self, stream: trio.abc.Stream, host: str) -> TLSStream:
        secured = TLSStream(stream, self._ssl_context, host, directly=self._directly)
        try:
            await secured.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return secured

    @contextmanager
    def _stage(self, deadline: float, failure: type[UpstreamError], place: str) -> Iterator[None]:
        try:
            with trio.fail_at(deadline):
                yield
        except trio.TooSlowError:
            raise failure(f"{place}: not done within {self._connect_timeout:g} s") from None
        except (OSError, trio.BrokenResourceError, UnicodeError) as error:  # UnicodeError: no name of a host
            raise failure(f"{place}: {explain(error)}") from error

"""The pooled streaming client: HTTP/1.1 by h11 over trio streams.

A streamed body costs one wake-up per read of the socket, however many events that read brought. HTTP/2 is not spoken:
cancelling a request has to stop the model, and closing the connection does that without fail.
"""

import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.chunked import BodyError, BodyTruncated
from kiro_trio.upstream.dial import Dialer, OpenTCP, open_tcp
from kiro_trio.upstream.errors import ConnectionLost, MalformedResponse, explain
from kiro_trio.upstream.exchange import Exchange, Head, Request
from kiro_trio.upstream.origin import split_url
from kiro_trio.upstream.pool import IdlePool, Lent
from kiro_trio.upstream.sockets import Reader


class Http1Client:
    """Sends requests and streams their responses; connections are kept for later requests.

    Connections in use are not limited, idle ones are. Only connecting has a time limit here: how long a server may
    think or fall silent is for the caller to say, who cancels. No redirects, no cookies, no decompression, nothing
    from the environment.

    Args:
        ssl_context: Shared by all connections; see `kiro_trio.upstream.tls.client_context`.
        connect_timeout: Seconds for a new connection to be ready, with name, TCP, proxy and TLS.
        max_idle: How many connections may wait for their next request.
        idle_expiry: Seconds after which a waiting connection is not used again. Kiro's hosts sit behind load
            balancers, which close after 60 s or more.
        by_hand: Write and read plain heads and plain sockets, and decode chunked bodies, ourselves; False leaves them to
            h11 and trio.
        open_tcp: Makes TCP connections; tests put memory streams here.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        connect_timeout: float = 10.0,
        max_idle: int = 64,
        idle_expiry: float = 60.0,
        by_hand: bool = True,
        open_tcp: OpenTCP = open_tcp,
    ) -> None:
        self._dialer = Dialer(
            ssl_context, connect_timeout=connect_timeout, directly=by_hand, open_tcp=open_tcp
        )
        self._pool = IdlePool(max_idle=max_idle, idle_expiry=idle_expiry)
        self._by_hand = by_hand

    @property
    def idle(self) -> int:
        """How many connections wait for their next request."""
        return len(self._pool)

    async def request(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        proxy: Proxy | None = None,
    ) -> "Response":
        """Send a request and wait for the head of its response, of any status from 200 on.

        Use it as `async with await client.request(...) as response:`, for an open response holds its connection.
        A connection that turns out to have been closed while it was idle is replaced by a new one, once, if it dies
        before the first byte of a response. When cancelled, the connection is closed at once.

        Args:
            method: Such as `POST`.
            url: An absolute `http` or `https` URL.
            headers: As they go out, in this order; `Host` and `Content-Length` are added, a given length replaced.
            body: The whole body.
            proxy: Send everything through this proxy.

        Raises:
            MalformedRequest: A header (or the URL) cannot be sent as HTTP/1.1.
            ConnectFailed: See `Dialer.dial`, also for the next two.
            ProxyFailed: See there.
            TLSFailed: See there.
            ConnectionLost: The connection broke before the head was complete; `MalformedResponse` if it is no HTTP.
        """
        origin, target = split_url(url)
        request = Request.build(origin, method, target, headers, body)
        route = (origin, proxy)
        exchange = Exchange(request, by_hand=self._by_hand)
        waiting = await self._pool.take(route)
        if waiting is not None:
            try:
                return await self._ask(exchange, Lent(self._pool, route, waiting))
            except ConnectionLost:
                if exchange.heard:
                    raise
            exchange = Exchange(request, by_hand=self._by_hand)
        fresh = await self._dialer.dial(origin, proxy)
        return await self._ask(exchange, Lent(self._pool, route, fresh))

    async def aclose(self) -> None:
        """Close the idle connections; open responses are not touched."""
        await self._pool.aclose()

    async def _ask(self, exchange: Exchange, lent: Lent) -> "Response":
        try:
            reader = Reader(lent.stream, directly=self._by_hand)
            head = await exchange.head(lent.stream, reader)
        except BaseException:
            await lent.release(keep=False)
            raise
        return Response(exchange, head, lent, reader)


class Response:
    """An open response; made by `Http1Client.request`.

    Leave its context when done with it: after the end of the body the connection is kept for the next request, before
    it the connection is closed at once, without waiting for anything.
    """

    def __init__(self, exchange: Exchange, head: Head, lent: Lent, reader: Reader) -> None:
        self.status = head.status
        self.headers = head.headers
        """Names in lower case; fields that came several times are joined by `, `."""
        self.framed = head.framed
        """Whether the body says itself where it ends; else it lasts until the connection is closed."""
        self._exchange = exchange
        self._head = head
        self._body = head.body
        self._lent = lent
        self._reader = reader

    def __repr__(self) -> str:
        return f"<Response {self.status} of {self._lent.route[0].display}>"

    async def receive_some(self) -> bytes:
        """Wait for bytes of the body and return all that one read of the socket brought; `b""` at the end.

        May be cancelled and called again; nothing is lost.

        Raises:
            ConnectionLost: The body was cut short. Everything that came before it has been returned.
            MalformedResponse: Its framing is broken; likewise.
            trio.ClosedResourceError: The response has been closed.
        """
        if self._lent.released:
            raise trio.ClosedResourceError("the response has been closed")
        try:
            while not (data := self._body.read()) and not self._body.done:
                self._body.receive_data(await self._reader.receive_some())
        except trio.BrokenResourceError as error:
            raise ConnectionLost(f"{self._place}: broke inside the response: {explain(error)}") from error
        except BodyTruncated as error:
            raise ConnectionLost(f"{self._place}: {error}") from None
        except BodyError as error:
            raise MalformedResponse(f"{self._place}: {error}") from None
        return data

    async def read_limited(self, limit: int) -> bytes:
        """Read the body to its end, or its first `limit` bytes if it is longer.

        Raises:
            ConnectionLost: As `receive_some`.
        """
        body = bytearray()
        while len(body) < limit and (data := await self.receive_some()):
            body += data
        return bytes(body[:limit])

    async def aclose(self) -> None:
        """Give the connection back or close it, as leaving the context does."""
        whole = self._exchange.sent and self.framed and self._body.done and not self._body.unused
        await self._lent.release(keep=whole and self._head.may_keep_alive())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def _place(self) -> str:
        return self._lent.route[0].display

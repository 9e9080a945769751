"""httpx clients for the small calls: renewal, usage, models, profiles, web search."""

import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.errors import (
    ConnectFailed,
    ConnectionLost,
    MalformedResponse,
    ProxyFailed,
    TLSFailed,
    UpstreamError,
    explain,
    is_about_tls,
)
from kiro_trio.upstream.exchange import Request, malformed
from kiro_trio.upstream.origin import split_url

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer: the longest, a web search, has some 100 kB."""

# `max_connections` stays unlimited: httpcore's pool loses a slot for good with every request that is cancelled while it
# waits for one, and then serves nobody any more.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=15.0)
_CLOSING = 1.0  # seconds that the goodbyes of an evicted client may take


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read whole. Names of headers are in lower case; the body may hold tokens and is not shown."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True, eq=False)
class _Shelf:
    client: httpx.AsyncClient
    users: int = 0


class Clients:
    """One httpx client per proxy, made when it is first needed; those least recently used are closed.

    All share one SSL context (making another one for each costs 43 ms and 0.5 MB). Proxies come from arguments only,
    never from the environment; cookies are not kept, which would tie accounts together; nothing is redirected.

    Args:
        ssl_context: See `kiro_trio.upstream.tls.client_context`.
        connect_timeout: Seconds for connecting, with proxy and TLS.
        call_timeout: Seconds for a whole call.
        max_clients: How many clients are kept; more live for a time while more are in use.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        connect_timeout: float = 10.0,
        call_timeout: float = 30.0,
        max_clients: int = 32,
    ) -> None:
        self._ssl_context = ssl_context
        self._timeout = httpx.Timeout(call_timeout, connect=connect_timeout, pool=None)
        self._call_timeout = call_timeout
        self._max_clients = max_clients
        self._shelves: OrderedDict[Proxy | None, _Shelf] = OrderedDict()

    async def call(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        proxy: Proxy | None = None,
    ) -> Answer:
        """Send a request and read the whole answer, of any status.

        Only the given headers are sent, with `Host` and `Content-Length`. When cancelled, the connection is closed.

        Raises:
            UpstreamError: No whole answer within the time and size limits; see its subclasses.
        """
        origin, target = split_url(url)
        request = Request.build(origin, method, target, headers, body)
        failure: UpstreamError | None = None
        try:
            with trio.fail_after(self._call_timeout):
                async with self.borrow(proxy) as client:
                    return await _send(client, request, url)
        except trio.TooSlowError:
            failure = ConnectionLost(f"{origin.display}: no whole answer within {self._call_timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            failure = _translate(error, request, proxy)
        raise failure  # out here, for the texts of httpx and h11 show what was sent and received

    @asynccontextmanager
    async def borrow(self, proxy: Proxy | None) -> AsyncIterator[httpx.AsyncClient]:
        """Lend the client of this proxy; it is not closed as long as somebody has it."""
        shelf = self._shelves.get(proxy)
        if shelf is None:
            shelf = self._shelves[proxy] = _Shelf(self._make(proxy))
        self._shelves.move_to_end(proxy)
        shelf.users += 1
        try:
            yield shelf.client
        finally:
            shelf.users -= 1
            await self._evict(self._max_clients)

    async def aclose(self) -> None:
        """Close all clients that nobody has."""
        await self._evict(0)

    async def _evict(self, keep: int) -> None:
        for proxy, shelf in list(self._shelves.items()):
            if len(self._shelves) <= keep:
                return
            if not shelf.users and self._shelves.get(proxy) is shelf:
                del self._shelves[proxy]
                with trio.move_on_after(_CLOSING, shield=True):
                    await shelf.client.aclose()

    def _make(self, proxy: Proxy | None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            verify=self._ssl_context,
            trust_env=False,
            proxy=_httpx_proxy(proxy, self._ssl_context) if proxy else None,
            timeout=self._timeout,
            limits=_LIMITS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
        for name in list(client.headers):
            del client.headers[name]  # what we say of ourselves is the caller's choice
        return client


class _Body(httpx.AsyncByteStream):
    """A request's body. httpx's own is an async generator, which a cancelled request leaves to the garbage collector."""

    def __init__(self, body: bytes) -> None:
        self._left = [body] if body else []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


async def _send(client: httpx.AsyncClient, request: Request, url: str) -> Answer:
    outgoing = httpx.Request(request.method, url, headers=list(request.headers), stream=_Body(request.body))
    response = await client.send(outgoing, stream=True, follow_redirects=False)
    body = bytearray()
    try:
        with trio.CancelScope() as scope:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_ANSWER:
                    scope.cancel()  # unlike `break`, it unwinds the generators that httpx nests here
    finally:
        with trio.move_on_after(_CLOSING, shield=True):
            await response.aclose()
    if len(body) > MAX_ANSWER:
        raise MalformedResponse(f"{request.origin.display}: the answer exceeds {MAX_ANSWER} bytes")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, bytes(body))


def _httpx_proxy(proxy: Proxy, ssl_context: ssl.SSLContext) -> httpx.Proxy:
    auth = (proxy.username, proxy.password) if proxy.username or proxy.password else None
    return httpx.Proxy(proxy.display, auth=auth, ssl_context=ssl_context if proxy.scheme == "https" else None)


def _translate(error: Exception, request: Request, proxy: Proxy | None) -> UpstreamError:
    place = request.origin.display
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | UnicodeError):
        return malformed(request)
    if isinstance(error, httpx.ProxyError) and proxy:
        return ProxyFailed(f"proxy {proxy.display} refused to connect to {place}, or did not accept us")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        way = f" through proxy {proxy.display}" if proxy else ""
        if is_about_tls(error):
            return TLSFailed(f"TLS with {place}{way}: {explain(error)}")
        if proxy:
            return ProxyFailed(f"proxy {proxy.display}: {explain(error)}")
        return ConnectFailed(f"{place}: {explain(error)}")
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
        return MalformedResponse(f"{place}: the answer is cut short or not HTTP/1.1 ({type(error).__name__})")
    return ConnectionLost(f"{place}: {explain(error)}")

"""httpx clients for the small calls: renewal, usage, models, profiles, web search.

Their transport is our own client, so that proxies, trust and errors are the same for all traffic. httpcore's transports
were tried: their SOCKS5 leaks its socket when the proxy refuses, has no time limit and takes no reply that comes in two
pieces; their HTTP proxies do not tunnel `http`; and their pool hides the cause of an error.
"""

import ssl
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.errors import ConnectionLost, MalformedResponse
from kiro_trio.upstream.exchange import Request, malformed
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.origin import split_url

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer: the longest, a web search, has some 100 kB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read whole. Names of headers are in lower case; the body may hold tokens and is not shown."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Clients:
    """Makes small calls, and httpx clients for them: one per proxy, all over one SSL context.

    Every call has a connection of its own. On a kept one a call may have to be sent twice, for it may have been closed
    in the meantime; the first may have been acted on, and a refresh token that has been rotated is lost for good.

    Args:
        ssl_context: See `kiro_trio.upstream.tls.client_context`.
        connect_timeout: Seconds for connecting, with proxy and TLS.
        call_timeout: Seconds for a whole `call`.
        max_clients: How many clients are remembered. They hold nothing open, so one that is forgotten needs no closing.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        connect_timeout: float = 10.0,
        call_timeout: float = 30.0,
        max_clients: int = 256,
    ) -> None:
        self._http = Http1Client(ssl_context, connect_timeout=connect_timeout, max_idle=0)
        self._call_timeout = call_timeout
        self._max_clients = max_clients
        self._clients: OrderedDict[Proxy | None, httpx.AsyncClient] = OrderedDict()

    def client(self, proxy: Proxy | None) -> httpx.AsyncClient:
        """Return the httpx client whose calls all go through `proxy`, or straight if there is none.

        Nothing comes from the environment; cookies are not kept, which would tie accounts together; redirects are not
        followed; no header is sent that the caller did not give, but for `Host` and `Content-Length`; answers are read
        whole (at most `MAX_ANSWER` bytes) and must not be compressed, for a small one can unpack to gigabytes. It has
        no time limit but for connecting, and raises `UpstreamError` where others raise httpx's transport errors.
        """
        client = self._clients.get(proxy)
        if client is None:
            client = self._clients[proxy] = httpx.AsyncClient(
                transport=_Transport(self._http, proxy),
                trust_env=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            )
            for name in list(client.headers):
                del client.headers[name]
        self._clients.move_to_end(proxy)
        while len(self._clients) > self._max_clients:
            self._clients.popitem(last=False)
        return client

    async def call(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        proxy: Proxy | None = None,
    ) -> Answer:
        """Send a request and read the whole answer, of any status. When cancelled, the connection is closed at once.

        Raises:
            UpstreamError: No whole answer within the limits of time and size (`MAX_ANSWER`); see its subclasses.
        """
        origin, target = split_url(url)
        request = Request.build(origin, method, target, headers, body)
        try:
            outgoing = httpx.Request(method, url, headers=list(request.headers), content=body)
        except (httpx.InvalidURL, UnicodeError):  # their texts show the value, which may be a token
            outgoing = None
        if outgoing is None:
            raise malformed(request)
        try:
            with trio.fail_after(self._call_timeout):
                response = await self.client(proxy).send(outgoing)
        except trio.TooSlowError:
            raise ConnectionLost(
                f"{origin.display}: no whole answer within {self._call_timeout:g} s"
            ) from None
        return Answer(response.status_code, dict(response.headers.items()), response.content)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, http: Http1Client, proxy: Proxy | None) -> None:
        self._http = http
        self._proxy = proxy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        url, place = str(request.url), request.url.host
        async with await self._http.request(
            request.method, url, headers, body, proxy=self._proxy
        ) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise MalformedResponse(f"{place}: the answer is compressed, which we did not ask for")
            # Read here: httpx would stream through three nested async generators, which leak when one of them raises.
            content = await response.read_limited(MAX_ANSWER + 1)
        if len(content) > MAX_ANSWER:
            raise MalformedResponse(f"{place}: the answer exceeds {MAX_ANSWER} bytes")
        fields = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()
        ]
        return httpx.Response(response.status, headers=fields, content=content)

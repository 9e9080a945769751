"""A way through a proxy: HTTP CONNECT or SOCKS5, spoken on a stream that is connected to the proxy.

Everything is tunnelled, plain `http` targets too: a proxy that reads along may buffer a stream, a tunnel cannot. Both
protocols hand the host's *name* to the proxy, `socks5` as well as `socks5h`: a name that only the far side can resolve is
why people have the proxy, and a name resolved here tells our resolver where they go.
"""

import base64

import h11
import socksio
import trio
from socksio import socks5

from kiro_trio.credentials.credential import Proxy
from kiro_trio.upstream.errors import ProxyFailed
from kiro_trio.upstream.origin import Origin

_MAX_HEAD = 65536
_MAX_FIELD = 255  # user, password and host each follow one length byte
_DOMAIN_REPLY = 3
_REPLY_SIZES = {1: 10, 4: 22}  # address type -> bytes of a reply; a domain brings its own length
_AUTH_STATUSES = (401, 407)

_REFUSALS = {
    socks5.SOCKS5ReplyCode.GENERAL_SERVER_FAILURE: "general failure",
    socks5.SOCKS5ReplyCode.CONNECTION_NOT_ALLOWED_BY_RULESET: "its rules do not allow it",
    socks5.SOCKS5ReplyCode.NETWORK_UNREACHABLE: "network unreachable",
    socks5.SOCKS5ReplyCode.HOST_UNREACHABLE: "host unreachable",
    socks5.SOCKS5ReplyCode.CONNECTION_REFUSED: "connection refused",
    socks5.SOCKS5ReplyCode.TTL_EXPIRED: "TTL expired",
    socks5.SOCKS5ReplyCode.COMMAND_NOT_SUPPORTED: "it does not know CONNECT",
    socks5.SOCKS5ReplyCode.ADDRESS_TYPE_NOT_SUPPORTED: "it does not know this type of address",
}


async def open_tunnel(stream: trio.abc.Stream, proxy: Proxy, origin: Origin) -> None:
    """Ask the proxy at the other end of `stream` for a connection to `origin`; afterwards the stream leads there.

    Nothing is closed here: on any exception, also when cancelled, the stream is of no further use.

    Raises:
        ProxyFailed: The proxy wants another user or password, refuses, cannot reach the host, or talks nonsense.
        trio.BrokenResourceError: The connection to the proxy broke.
    """
    if proxy.scheme in {"socks5", "socks5h"}:
        await _socks(stream, proxy, origin)
    else:
        await _connect(stream, proxy, origin)


async def _connect(stream: trio.abc.Stream, proxy: Proxy, origin: Origin) -> None:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
    headers = [("Host", origin.display)]
    if proxy.username or proxy.password:
        secret = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode("ascii")
        headers.append(("Proxy-Authorization", f"Basic {secret}"))
    await stream.send_all(http.send(h11.Request(method="CONNECT", target=origin.display, headers=headers)))
    await stream.send_all(http.send(h11.EndOfMessage()))
    status = await _answer(stream, http, proxy)
    if status in _AUTH_STATUSES:
        raise _failed(proxy, f"wants another user or password (HTTP {status})")
    if not 200 <= status < 300:  # noqa: PLR2004
        raise _failed(proxy, f"refused to connect to {origin.display} (HTTP {status})")
    if http.trailing_data[0]:
        raise _failed(proxy, "sent more than its answer")


async def _answer(stream: trio.abc.Stream, http: h11.Connection, proxy: Proxy) -> int:
    while True:
        try:
            event = http.next_event()
        except h11.RemoteProtocolError:
            event = None  # its text shows what the proxy sent
        if event is None:
            raise _failed(proxy, "broke off or does not speak HTTP")
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some(_MAX_HEAD)))


async def _socks(stream: trio.abc.Stream, proxy: Proxy, origin: Origin) -> None:
    host, user, password = origin.host.encode(), proxy.username.encode(), proxy.password.encode()
    if max(map(len, (host, user, password))) > _MAX_FIELD:
        raise _failed(proxy, "SOCKS5 has no room for a host, user or password above 255 bytes")
    try:
        socks = socks5.SOCKS5Connection()
        await _authenticate(stream, socks, proxy, user, password)
        socks.send(
            socks5.SOCKS5CommandRequest.from_address(socks5.SOCKS5Command.CONNECT, (origin.host, origin.port))
        )
        await stream.send_all(socks.data_to_send())
        reply = socks.receive_data(await _reply(stream, proxy))
    except (socksio.ProtocolError, UnicodeDecodeError):
        reply = None
    if not isinstance(reply, socks5.SOCKS5Reply):
        raise _failed(proxy, "does not speak SOCKS5")
    if reply.reply_code is not socks5.SOCKS5ReplyCode.SUCCEEDED:
        raise _failed(proxy, f"could not connect to {origin.display}: {_REFUSALS[reply.reply_code]}")


async def _authenticate(
    stream: trio.abc.Stream, socks: socks5.SOCKS5Connection, proxy: Proxy, user: bytes, password: bytes
) -> None:
    methods = [socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED]
    if user:
        methods.append(socks5.SOCKS5AuthMethod.USERNAME_PASSWORD)
    socks.send(socks5.SOCKS5AuthMethodsRequest(methods))
    await stream.send_all(socks.data_to_send())
    chosen = socks.receive_data(await _exactly(stream, 2, proxy))
    if not isinstance(chosen, socks5.SOCKS5AuthReply) or chosen.method not in methods:
        raise _failed(proxy, "wants a user and a password" if not user else "takes no user and password")
    if chosen.method is socks5.SOCKS5AuthMethod.USERNAME_PASSWORD:
        socks.send(socks5.SOCKS5UsernamePasswordRequest(user, password))
        await stream.send_all(socks.data_to_send())
        verdict = socks.receive_data(await _exactly(stream, 2, proxy))
        if not isinstance(verdict, socks5.SOCKS5UsernamePasswordReply) or not verdict.success:
            raise _failed(proxy, "wants another user or password")


async def _reply(stream: trio.abc.Stream, proxy: Proxy) -> bytes:
    # socksio takes whole replies only, and what follows a reply belongs to the tunnel: so read just its bytes.
    head = await _exactly(stream, 5, proxy)
    size = 7 + head[4] if head[3] == _DOMAIN_REPLY else _REPLY_SIZES.get(head[3], 0)
    if not size:
        raise _failed(proxy, "does not speak SOCKS5")
    return head + await _exactly(stream, size - len(head), proxy)


async def _exactly(stream: trio.abc.Stream, size: int, proxy: Proxy) -> bytes:
    data = b""
    while len(data) < size:
        more = await stream.receive_some(size - len(data))
        if not more:
            raise _failed(proxy, "broke off")
        data += more
    return data


def _failed(proxy: Proxy, what: str) -> ProxyFailed:
    return ProxyFailed(f"proxy {proxy.display} {what}")

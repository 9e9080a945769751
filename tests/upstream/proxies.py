"""Proxies that speak the real protocols: HTTP CONNECT (RFC 9110, 9.3.6) and SOCKS5 (RFC 1928, 1929)."""

import base64
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trio

from kiro_trio.credentials.credential import Proxy
from tests.upstream.peer import Line, Peer, serving

USER, PASSWORD = "ann", "p:w ü%41"  # characters that need care in one protocol or the other


@dataclass
class Seen:
    asked: list[tuple[str, int]] = field(default_factory=list)
    refused: int = 0


@dataclass
class Route:
    """A running proxy. It resolves `*.proxied` to loopback: names that only the proxy knows."""

    proxy: Proxy
    seen: Seen
    server: Peer


@asynccontextmanager
async def running(kind, *, password=PASSWORD, context=None, fault=None):
    """Run a proxy of `kind` `http` or `socks5`, with a password unless that is empty.

    `fault` has it go wrong: a bytes answer to the request, instead of the tunnel.
    """
    seen = Seen()

    async def handler(line):
        serve = _http if kind == "http" else _socks
        await serve(line, seen, password, fault)

    async with serving(handler, context) as server:
        scheme = "https" if context else kind
        user = USER if password else ""
        yield Route(Proxy(scheme, server.host, server.port, user, password), seen, server)


async def _http(line, seen, password, fault):
    head, _ = await line.request()
    lines = head.decode().split("\r\n")
    _, _, target = lines[0].partition("CONNECT ")
    host, _, port = target.partition(" ")[0].rpartition(":")
    wanted = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
    given = [text.partition(": ")[2] for text in lines if text.lower().startswith("proxy-authorization:")]
    if password and given != [wanted]:
        seen.refused += 1
        await line.say(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
        return
    seen.asked.append((host.strip("[]"), int(port)))
    if fault is not None:
        await line.say(fault)
        return
    far = await _reach(host.strip("[]"), int(port))
    if far is None:
        await line.say(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return
    await line.say(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
    await _join(line.stream, far)


async def _socks(line: Line, seen, password, fault):
    stream = line.stream
    version, count = await _read(stream, 2)
    methods = await _read(stream, count)
    wanted = 2 if password else 0
    await line.say(bytes([version, wanted if wanted in methods else 0xFF]))
    if password:
        _, size = await _read(stream, 2)
        user = await _read(stream, size)
        given = await _read(stream, (await _read(stream, 1))[0])
        right = (user, given) == (USER.encode(), password.encode())
        await line.say(b"\1\0" if right else b"\1\1")
        if not right:
            seen.refused += 1
            return
    _, _, _, kind = await _read(stream, 4)
    if kind == 3:
        host = (await _read(stream, (await _read(stream, 1))[0])).decode()
    else:
        family, size = {1: (socket.AF_INET, 4), 4: (socket.AF_INET6, 16)}[kind]
        host = socket.inet_ntop(family, await _read(stream, size))
    port = int.from_bytes(await _read(stream, 2), "big")
    seen.asked.append((host, port))
    far = None if fault is not None else await _reach(host, port)
    if far is None:
        await line.say(fault if fault is not None else b"\5\4\0\1\0\0\0\0\0\0")
        return
    await line.say(b"\5", b"\0\0", b"\3\4host\0\7")  # the bound address as a name, in pieces
    await _join(stream, far)


async def _read(stream, size):
    data = b""
    while len(data) < size:
        piece = await stream.receive_some(size - len(data))
        if not piece:
            raise trio.BrokenResourceError
        data += piece
    return data


async def _reach(host, port):
    with suppress(OSError):
        return await trio.open_tcp_stream("127.0.0.1" if host.endswith(".proxied") else host, port)
    return None


async def _join(near, far):
    async def copy(source, sink, scope):
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some():
                await sink.send_all(data)
        scope.cancel()

    async with far, trio.open_nursery() as nursery:
        nursery.start_soon(copy, near, far, nursery.cancel_scope)
        nursery.start_soon(copy, far, near, nursery.cancel_scope)

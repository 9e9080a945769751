"""Examining the way to Kiro, hop by hop: name, connection or proxy, TLS; and the clock, by what answers say."""

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import trio

from kiro_trio.cli.findings import Finding, Verdict, of_failure
from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.calls import SmallCalls, SmallResponse
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import Proxy
from kiro_trio.kiro.endpoint import Call
from kiro_trio.upstream.dial import Dialer
from kiro_trio.upstream.errors import UpstreamError
from kiro_trio.upstream.origin import Origin
from kiro_trio.upstream.small_calls import as_failure

Route = tuple[Origin, Proxy | None]

# AWS refuses what is signed five minutes off; our tokens are not signed, but their ends are compared with this clock.
_CLOCK_BAD = 300.0
_CLOCK_NOTE = 60.0


@dataclass(frozen=True, slots=True)
class DatedCalls:
    """`kiro_trio.credentials.calls.SmallCalls` that keeps how far the clocks of those who answer are from ours."""

    calls: SmallCalls
    offsets: list[float] = field(default_factory=list)

    async def send(self, call: Call, proxy: Proxy | None) -> SmallResponse | Failure:
        """As the calls do it."""
        answer = await self.calls.send(call, proxy)
        if isinstance(answer, SmallResponse):
            with suppress(ValueError):
                date = parsedate_to_datetime(answer.headers.get("date", ""))
                self.offsets.append(date.timestamp() - wall_clock())
        return answer


async def walk(routes: Iterable[Route], tls: ssl.SSLContext, limit: float) -> dict[Route, list[Finding]]:
    """Go every way once, all at the same time; what each brought, in the order given."""
    found: dict[Route, list[Finding]] = {route: [] for route in routes}

    async def go(route: Route) -> None:
        found[route] = await _walk(route, tls, limit)

    async with trio.open_nursery() as nursery:
        for route in found:
            nursery.start_soon(go, route)
    return found


def judge_clock(offsets: Iterable[float]) -> Finding:
    """What the answers say about our clock; the one that is nearest to it counts, for an answer may come late."""
    offset = min(offsets, key=abs, default=None)
    if offset is None:
        return Finding("clock", Verdict.SKIPPED, "nobody answered with a date")
    if abs(offset) < _CLOCK_NOTE:
        return Finding("clock", Verdict.GOOD, "as others have it")
    said = f"is {abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} the one of who answered"
    verdict = Verdict.NOTE if abs(offset) < _CLOCK_BAD else Verdict.BAD
    return Finding(
        "clock", verdict, said, "set the time by NTP: tokens would be renewed too late, or all the time"
    )


async def _walk(route: Route, tls: ssl.SSLContext, limit: float) -> list[Finding]:
    origin, proxy = route
    first = (origin.host, origin.port) if proxy is None else (proxy.host, proxy.port)
    name = await _resolve(*first, limit)
    if name.verdict is Verdict.BAD:
        return [name]
    way = f" through {proxy.display}" if proxy else ""
    began = trio.current_time()
    try:
        stream = await Dialer(tls, connect_timeout=limit).dial(origin, proxy)
    except UpstreamError as error:
        failure = as_failure(error)
        return [name, of_failure(failure.fault.name.removesuffix("_FAILED").lower(), failure)]
    await trio.aclose_forcefully(stream)
    took = f"{(trio.current_time() - began) * 1000:.0f} ms"
    secure = "TLS stands" if origin.scheme == "https" else "it is open, without TLS"
    return [name, Finding("connect", Verdict.GOOD, f"{origin.display}{way}: {secure} after {took}")]


async def _resolve(host: str, port: int, limit: float) -> Finding:
    advice = (
        "see whether the name is right and the resolver works; behind a proxy names need none: set proxyUrl"
    )
    try:
        with trio.fail_after(limit):
            rows = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except trio.TooSlowError:
        return Finding("dns", Verdict.BAD, f"{host}: no answer within {limit:g} s", advice)
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or "no name of a host"
        return Finding("dns", Verdict.BAD, f"{host}: {words}", advice)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
    return Finding("dns", Verdict.GOOD, f"{host} is {', '.join(addresses[:3])}")

"""The small calls of `kiro_trio.credentials`, over httpx; and what our client's exceptions are as faults."""

from dataclasses import dataclass

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallResponse
from kiro_trio.credentials.credential import Proxy
from kiro_trio.kiro.endpoint import Call
from kiro_trio.upstream.clients import Clients
from kiro_trio.upstream.errors import ConnectFailed, MalformedRequest, ProxyFailed, TLSFailed, UpstreamError

_FAULTS: tuple[tuple[type[UpstreamError], Fault], ...] = (
    (ConnectFailed, Fault.CONNECT_FAILED),
    (ProxyFailed, Fault.PROXY_FAILED),
    (TLSFailed, Fault.TLS_FAILED),
    (MalformedRequest, Fault.INTERNAL),  # a value that cannot stand in a header is not the network's fault
    (UpstreamError, Fault.CONNECTION_LOST),
)


def as_failure(error: UpstreamError) -> Failure:
    """Say what an exception of our HTTP client means."""
    return next(Failure(fault, str(error)) for kind, fault in _FAULTS if isinstance(error, kind))


@dataclass(frozen=True, slots=True)
class SmallCallsOver:
    """`kiro_trio.credentials.calls.SmallCalls` over these clients."""

    clients: Clients

    async def send(self, call: Call, proxy: Proxy | None) -> SmallResponse | Failure:
        """Send `call` and read its whole answer. When cancelled, the connection is closed."""
        try:
            answer = await self.clients.call(call.method, call.url, call.headers, call.body, proxy=proxy)
        except UpstreamError as error:
            return as_failure(error)
        return SmallResponse(answer.status, answer.headers, answer.body)

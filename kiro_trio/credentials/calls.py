"""The small calls that credentials need (renewal, profiles, usage), as an interface.

This room stands below `kiro_trio.upstream`, which speaks HTTP: it says here what it needs and is handed an object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.credential import Proxy
from kiro_trio.kiro.endpoint import Call


@dataclass(frozen=True, slots=True)
class SmallResponse:
    """A whole answer: the HTTP status, headers by lower-case name, and the body (it may hold tokens)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class SmallCalls(Protocol):
    """Sends one small call and brings its whole answer."""

    async def send(self, call: Call, proxy: Proxy | None) -> SmallResponse | Failure:
        """Send `call` through `proxy` (None: straight, whatever the environment says).

        Returns the answer, of any status, or a `Failure` if there was none (`CONNECT_FAILED`, `PROXY_FAILED`,
        `TLS_FAILED`, `CONNECTION_LOST`, `FIRST_BYTE_TIMEOUT`); it raises nothing but `trio.Cancelled`, and it does
        not take longer than a minute.
        """

"""The short way of the hot route: prompts whose heads are plain are answered without ASGI and the web framework.

hypercorn, quart and h11 together take half of a short request: a channel, two nurseries and three tasks, a context, a map
of routes, headers in four forms. For `POST .../messages` from a client whose key is good, with a head that
`kiro_trio.wire.http_heads` can read, the task that reads the connection collects the body itself, starts one task that
answers, and cancels it when the client leaves. Everything else (other routes, other heads, wrong keys, bodies that are
too large, HTTP/2, TLS) takes the libraries' way from its first byte on, and so does all with `fastPath: false`.

```
connection nursery (hypercorn, one per connection)
├── reads; cancels what answers when the client leaves
└── answers: the session's nursery, as in `kiro_trio.session.run`
```
"""

from secrets import token_hex

import trio
from hypercorn.config import Config

from kiro_trio.credentials.clock import wall_clock
from kiro_trio.dialects.anthropic.stream import HeldStream, MessageStream
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.keys import presented_keys
from kiro_trio.web.messages import HELD_PREFIXES, PREFIXES, Asker, Manner
from kiro_trio.wire.http_heads import RequestHead, read_request_head

MANNERS: dict[str, Manner] = {
    **{f"{prefix}/messages": MessageStream for prefix in PREFIXES},
    **{f"{prefix}/messages": HeldStream for prefix in HELD_PREFIXES},
}
"""By path: how a stream is told."""


class Exchange:
    """One request and its answer: the body as it comes, then the task that answers."""

    __slots__ = ("answering", "asker", "body", "headers", "manner", "missing", "over", "scope")

    def __init__(self, manner: Manner, asker: Asker, head: RequestHead) -> None:
        self.manner = manner
        self.asker = asker
        self.headers = head.headers
        self.missing = head.length
        self.body: list[bytes] = []
        self.answering = False
        self.scope = trio.CancelScope()
        self.over: trio.Event | None = None
        """Made by who waits for the end of the answer, set there."""

    def take(self, data: bytes) -> bytes:
        """Take what belongs to the body; return what came behind it."""
        piece = data[: self.missing]
        self.body.append(piece)
        self.missing -= len(piece)
        return data[len(piece) :]


class Direct:
    """Which requests go the short way; handed to the listener with its configuration."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.body_limit = gateway.settings.body_limit
        self.body_timeout = gateway.settings.body_timeout
        self._common: list[tuple[bytes, bytes]] = []
        self._second = 0

    def begin(self, data: bytes) -> tuple[Exchange, bytes] | None:
        """Begin with a request, if it is one for us: return it and what has come behind its head."""
        head = read_request_head(data)
        manner = None if head is None else MANNERS.get(head.target.partition("?")[0])
        if (
            head is None
            or manner is None
            or head.length > self.body_limit
            or "content-encoding" in head.headers
        ):
            return None
        client = self.gateway.books.clients.find(presented_keys(head.headers))
        if client is None or "origin" in head.headers:
            return None
        return Exchange(manner, _asker(head, client), head), data[head.size :]

    def common_headers(self, config: Config) -> list[tuple[bytes, bytes]]:
        """What hypercorn puts into each head; it changes once a second."""
        now = int(wall_clock())
        if now != self._second:
            self._second, self._common = now, config.response_headers("h11")
        return self._common


def _asker(head: RequestHead, client: str) -> Asker:
    hint = head.headers.get("x-claude-code-session-id", "")
    agent = head.headers.get("x-claude-code-agent-id", "")
    return Asker(f"req_{token_hex(12)}", client, hint, agent, head.target.partition("?")[0])

"""Counting tokens elsewhere: the owner's own address for it, asked for the `count_tokens` endpoint only.

Never for a message: its first byte would wait for a number that Kiro reports by itself a moment later.
"""

from dataclasses import dataclass, field
from typing import Literal

import msgspec
import trio

from kiro_trio.credentials.credential import Proxy
from kiro_trio.telemetry import get_logger
from kiro_trio.upstream.clients import Clients
from kiro_trio.upstream.errors import UpstreamError

log = get_logger("upstream")

ANTHROPIC_VERSION = "2023-06-01"

# Claude Code counts 27 times at once for its /context, and waits for it.
PATIENCE = 4.0

# After a failure nobody is kept waiting for the next: for so many seconds the answer is None at once.
PAUSE = 30.0


class _Answer(msgspec.Struct):
    input_tokens: int


@dataclass(slots=True)
class RemoteCount:
    """Asks `url` how many tokens a prompt has, as Anthropic's `count_tokens` does.

    `key` goes as `x-api-key` or, with `auth_type` `bearer`, as an authorization header; "" sends neither.
    """

    clients: Clients
    url: str = field(repr=False)
    key: str = field(repr=False)
    auth_type: Literal["x-api-key", "bearer"] = "x-api-key"
    proxy: Proxy | None = None
    _not_before: float = 0.0

    async def count(self, body: bytes, beta: str = "") -> int | None:
        """Pass the client's `body` on as it is, with its `anthropic-beta` header; None if there is no number to be had.

        Cancelling it closes the connection.
        """
        if trio.current_time() < self._not_before:
            return None
        found: int | str = f"nothing in {PATIENCE:g} s"
        with trio.move_on_after(PATIENCE):
            found = await self._ask(body, beta)
        if isinstance(found, int):
            return found
        self._give_up(found)
        return None

    async def _ask(self, body: bytes, beta: str) -> int | str:
        headers = [("content-type", "application/json"), ("anthropic-version", ANTHROPIC_VERSION)]
        if beta:
            headers.append(("anthropic-beta", beta))
        if self.key and self.auth_type == "bearer":
            headers.append(("authorization", f"Bearer {self.key}"))
        elif self.key:
            headers.append(("x-api-key", self.key))
        try:
            answer = await self.clients.call("POST", self.url, headers, body, proxy=self.proxy)
        except UpstreamError as error:
            return type(error).__name__
        if answer.status != 200:  # noqa: PLR2004
            return f"HTTP {answer.status}"
        try:
            tokens = msgspec.json.decode(answer.body, type=_Answer).input_tokens
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return "an answer without a number"
        return tokens if tokens >= 0 else "a negative number"

    def _give_up(self, why: str) -> None:
        # What one client sent wrong says nothing about the next; the rest is trouble at the other end.
        if why not in _CLIENTS_OWN:
            self._not_before = trio.current_time() + PAUSE
        log.warning("counting tokens elsewhere", problem=why)


_CLIENTS_OWN = frozenset({"HTTP 400", "HTTP 404", "HTTP 413", "HTTP 422"})

"""Our ASGI connection: lets a response drive `send` itself, and mends the lost close.

A stock response is a status, headers and an iterator of bytes, in that order: too early for a gateway that learns only
from upstream which status is true. A `Conducted` response is a coroutine function instead: it is given a door and
decides when to open it and with what.
"""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioResponse

from kiro_trio.session.outbox import Door, Headers

_closing: ContextVar[ExitStack] = ContextVar("closing")


def when_over(callback: Callable[[str], None], argument: str) -> None:
    """Call `callback` when the request that is being served here is over, however it ends."""
    _closing.get().callback(callback, argument)


class HttpDoor:
    """The door of one HTTP response: `kiro_trio.session.outbox.Door` over ASGI."""

    __slots__ = ("_send",)

    def __init__(self, send: ASGISendCallable) -> None:
        self._send = send

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers; they go out with the first of the body."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send some of the body; waits while the client does not read."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """Send the last of the body, and its end. Without this hypercorn closes the connection unfinished."""
        await self._send({"type": "http.response.body", "body": data, "more_body": False})


class Conducted(TrioResponse):
    """A response that conducts itself: `conduct(door)` is awaited in the request's nursery.

    Nothing may be opened before `conduct` runs: when the client leaves in between, it never does.
    """

    conduct: Callable[[Door], Awaitable[None]]

    def __init__(self, conduct: Callable[[Door], Awaitable[None]]) -> None:
        super().__init__(b"")
        self.conduct = conduct
        # Quart would cut a running stream after 60 s, without a word.
        self.timeout = None


class Connection(TrioASGIHTTPConnection):
    """One request and its response, in one nursery with the task that waits for the client's disconnect."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the request; cancelled by the client's disconnect.

        The last message of a response makes hypercorn recycle the connection inside that very `send`, and the first
        thing it does is to announce the disconnect, on which quart-trio cancels the nursery that `send` runs in. So
        the connection would be neither closed nor given its idle timer, for ever. Hence the shield round that one
        message; how long it may take is bounded in `kiro_trio.web.server`.
        """

        async def shielding_send(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.CancelScope(shield=True):
                    await send(message)
            else:
                await send(message)

        # As quart-trio does it, but for a task less: the request is served by the one that waits for it anyhow.
        request = self._create_request_from_scope(shielding_send)
        with ExitStack() as closing:
            _closing.set(closing)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.handle_messages, nursery, request, receive)
                await self.handle_request(nursery, request, shielding_send)

    async def _send_response(self, send: ASGISendCallable, response: Any) -> None:
        if isinstance(response, Conducted):
            await response.conduct(HttpDoor(send))
        else:
            await super()._send_response(send, response)

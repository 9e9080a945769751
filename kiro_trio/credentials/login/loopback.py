"""The port of this machine to which a browser comes back from a sign-in, once, with a code."""

import errno
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import h11
import trio

from kiro_trio.credentials.login.addresses import CALLBACK_PATH, NotOurCallback
from kiro_trio.credentials.login.desk import SignInFailed

_MAX_HEAD = 16384
_PATIENCE = 10.0

_HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("referrer-policy", "no-referrer"),
    ("connection", "close"),
)
_PAGE = (
    '<!doctype html><meta charset="utf-8"><title>kiro-trio</title>'
    '<body style="font: 18px sans-serif; margin: 15vh auto; max-width: 30em">'
)


class PortsTaken(SignInFailed):
    """Others listen on all ports to which a browser could come back."""


Read = Callable[[str], str]
"""Reads the code out of the address that was asked for; raises `NotOurCallback` or `SignInFailed`."""


@dataclass(slots=True)
class _Outcome:
    code: str = ""
    failure: SignInFailed | None = None


async def open_loopback(ports: Iterable[int]) -> list[trio.SocketListener]:
    """Listen on the first of these ports that is free, for this machine only.

    Raises:
        PortsTaken: none is.
    """
    tried = list(ports)
    for port in tried:
        try:
            return await trio.open_tcp_listeners(port, host="127.0.0.1")
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
    raise PortsTaken(f"port {', '.join(map(str, tried))} of this machine is taken")


async def receive_code(listeners: list[trio.SocketListener], read: Read) -> str:
    """Wait until the browser comes back, tell it that it may be closed, and close the port.

    Whatever else asks, or brings another sign-in's state, is sent away and changes nothing.

    Raises:
        SignInFailed: the provider says no.
    """
    outcome = _Outcome()
    async with trio.open_nursery() as nursery:
        handler = partial(_answer, read=read, outcome=outcome, scope=nursery.cancel_scope)
        nursery.start_soon(trio.serve_listeners, handler, listeners)
    if outcome.failure is not None:
        raise outcome.failure
    return outcome.code


async def _answer(
    stream: trio.SocketStream, *, read: Read, outcome: _Outcome, scope: trio.CancelScope
) -> None:
    async with stream:
        with trio.move_on_after(_PATIENCE):
            target = await _asked_for(stream)
            status, words = _judge(target, read, outcome)
            # The code is ours already: a browser that does not wait for its page does not lose it.
            with suppress(trio.BrokenResourceError):
                await stream.send_all(_response(status, words))
    if outcome.code or outcome.failure is not None:
        scope.cancel(reason="the browser has come back")


async def _asked_for(stream: trio.SocketStream) -> str:
    """The target of the request; "" if it is none that we answer."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
    try:
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                return event.target.decode("ascii", "replace") if event.method == b"GET" else ""
            if event is not h11.NEED_DATA:
                return ""
            parser.receive_data(bytes(await stream.receive_some(_MAX_HEAD)))
    except (h11.RemoteProtocolError, trio.BrokenResourceError):
        return ""


def _judge(target: str, read: Read, outcome: _Outcome) -> tuple[int, str]:
    if target.partition("?")[0] != CALLBACK_PATH:
        return 404, "There is nothing here."
    try:
        outcome.code = outcome.code or read(target)
    except NotOurCallback as problem:
        return 400, f"That did not work: {problem}."
    except SignInFailed as failure:
        outcome.failure = failure
        return 200, "The sign-in was refused. You may close this window; where you began it says more."
    return 200, "Signed in. You may close this window and go back to where you began."


def _response(status: int, words: str) -> bytes:
    body = f"{_PAGE}<p>{words}</p>".encode()
    connection = h11.Connection(h11.SERVER)
    head = h11.Response(status_code=status, headers=[*_HEADERS, ("content-length", str(len(body)))])
    parts = (connection.send(head), connection.send(h11.Data(body)), connection.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)

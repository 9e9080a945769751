"""Whatever bytes a server sends in whatever reads: the body that h11 reads, whole or not; else our own words and no leaked error.

A response is whole only if its framing says so, and only then is its connection used again. With our own chunks and with h11's.
"""

import h11
import trio
import trio.testing
from hypothesis import strategies as st

from fuzz.strategies import chunked_bodies, pieces
from fuzz.strategies.damage import damaged
from kiro_trio.upstream.errors import MalformedResponse, UpstreamError
from kiro_trio.upstream.http1 import Http1Client
from tests.upstream import peer

BOUNDED = 120

_HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\nX: %%\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Length: %d\r\n\r\n",
        b"HTTP/1.1 204 None\r\nX-Length: %d\r\n\r\n",
    ]
)
_PLAIN = st.builds(lambda head, body: head % len(body) + body, _HEADS, st.binary(max_size=60))
_CHUNKED = (chunked_bodies.bodies().map(lambda body: body[0]) | chunked_bodies.odd_bodies).map(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".__add__
)
_SENT = st.one_of(_PLAIN, _CHUNKED, damaged(_PLAIN | _CHUNKED, (b"\r\n", b"\0", b":", b" ", b"HTTP/1.1 ")))
EXAMPLES = st.tuples(_SENT, pieces.cuts, st.booleans())
"""What the server sends before it closes, in which reads, and whether we take the chunks apart."""


def bytes_of(example: tuple[bytes, list[int], bool]) -> bytes:
    return example[0]


def check(example: tuple[bytes, list[int], bool]) -> None:
    raw, cuts, by_hand = example
    clock = trio.testing.MockClock(autojump_threshold=0)
    body, state, idle = trio.run(_ask, pieces.cut(raw, cuts), by_hand, clock=clock)
    theirs, their_state, again, unused = _h11(raw)
    assert theirs.startswith(body)
    if state == "done":
        assert (body, their_state) == (theirs, "done")
    elif their_state == "done":  # we are stricter, with chunks only
        assert by_hand
        assert b"chunked" in raw
        assert state == "error"
    # What nobody asked for may come later than we look, and is then seen when the connection is wanted.
    assert idle == (state == "done" and again) or (unused and not idle)


def check_bytes(data: bytes) -> None:
    for by_hand in (False, True):
        check((data, [5, 40], by_hand))


async def _ask(parts: list[bytes], by_hand: bool) -> tuple[bytes, str, int]:
    """The body as far as it came, how it ended, and how many connections are kept."""
    near, far = trio.testing.memory_stream_pair()

    async def open_tcp(_host: str, _port: int) -> trio.abc.Stream:
        return near

    async def serve() -> None:
        for part in filter(None, parts):
            await far.send_all(part)
            await trio.testing.wait_all_tasks_blocked()
        await far.send_eof()

    client = Http1Client(peer.client_context(), open_tcp=open_tcp, by_hand=by_hand)
    body, state, told = b"", "done", "h:80"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            async with await client.request("GET", "http://h/") as response:
                while piece := await response.receive_some():
                    body += piece
        except UpstreamError as error:
            state, told = ("error" if isinstance(error, MalformedResponse) else "lost"), str(error)
        nursery.cancel_scope.cancel()
    assert told.isprintable()
    assert "h:80" in told
    return body, state, client.idle


def _h11(raw: bytes) -> tuple[bytes, str, bool, bytes]:
    """What h11 makes of it: the body, how it ended, whether the connection may be used again, and what came behind."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=65536)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    http.send(h11.EndOfMessage())
    http.receive_data(raw)
    body, ended, names = b"", False, set()
    while True:
        try:
            event = http.next_event()
        except h11.RemoteProtocolError:
            return body, "error", False, b""
        if isinstance(event, h11.Response):
            names = {name for name, _ in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            both = {b"content-length", b"transfer-encoding"} <= names  # somebody may be smuggling
            return body, "done", http.our_state is h11.DONE and not (ended or both), http.trailing_data[0]
        elif event is h11.NEED_DATA:
            if ended:
                return body, "error", False, b""
            ended = True
            http.receive_data(b"")
        elif isinstance(event, h11.ConnectionClosed):
            return body, "error", False, b""

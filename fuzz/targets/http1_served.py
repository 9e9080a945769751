"""What we frame by hand towards clients is read by h11 as what was sent: every answer of a connection, in any writes, none too many.

The fast path and hypercorn's own give the same answers; ours has the head in one write with the first of the body.
"""

from itertools import chain

import h11
import trio
from hypercorn.protocol.events import Body, EndBody, Response
from hypothesis import strategies as st

from kiro_trio.web.config import GatewayConfig
from kiro_trio.web.http1 import Http1Protocol

_BODIES = st.lists(st.binary(max_size=40) | st.just(b"data: \xc3\xa9\r\n\r\n" * 9), max_size=5)
_FRAMINGS = st.sampled_from(("chunked", "chunked", "length", "close"))
EXAMPLES = st.lists(
    st.tuples(
        _BODIES, _FRAMINGS, st.sampled_from((200, 400, 503)), st.sampled_from((b"1.1", b"1.1", b"1.0"))
    ),
    min_size=1,
    max_size=3,
)
"""Answers on one connection: their writes, how they are framed, their status, and the client's version of HTTP."""

_Answer = tuple[list[bytes], str, int, bytes]


def check(answers: list[_Answer]) -> None:
    fast, slow = (trio.run(_serve, answers, fast_path) for fast_path in (True, False))
    for (pieces, *_), writes in zip(answers, fast, strict=False):
        assert len(writes) <= 1 + len(pieces)
    assert _heard(answers, fast) == _heard(answers, slow)
    assert len(fast) == len(slow) >= 1


async def _serve(answers: list[_Answer], fast_path: bool) -> list[list[bytes]]:
    """The writes for each answer, up to the one behind which the connection is closed."""
    served: list[list[bytes]] = []
    protocol = Http1Protocol.__new__(Http1Protocol)  # no more of a server than frames answers
    protocol.config, protocol.keep_alive_requests = GatewayConfig(), 0
    protocol.config.fast_path = fast_path
    protocol.connection = h11.Connection(h11.SERVER)

    async def send(event) -> None:
        served[-1].append(bytes(event.data))

    protocol.send = send
    for pieces, framing, status, version in answers:
        protocol.connection.receive_data(b"GET / HTTP/%b\r\nHost: h\r\n\r\n" % version)
        while not isinstance(protocol.connection.next_event(), h11.EndOfMessage):
            pass
        served.append([])
        await protocol.stream_send(Response(1, _headers(pieces, framing), status))
        for piece in pieces:
            await protocol.stream_send(Body(1, piece))
        await protocol.stream_send(EndBody(1))
        if protocol.connection.our_state is not h11.DONE:
            break
        protocol.connection.start_next_cycle()
    return served


def _headers(pieces: list[bytes], framing: str) -> list[tuple[bytes, bytes]]:
    if framing == "length":
        return [(b"content-length", str(sum(map(len, pieces))).encode())]
    return [(b"connection", b"close")] if framing == "close" else []


def _heard(answers: list[_Answer], served: list[list[bytes]]) -> list[tuple[int, bytes]]:
    """Status and body of each answer, as a client of h11 reads them."""
    client, heard = h11.Connection(h11.CLIENT), []
    for (pieces, *_), writes in zip(answers, served, strict=False):
        client.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
        client.send(h11.EndOfMessage())
        status, body = 0, b""
        for data in chain(writes, [b""] if writes is served[-1] else []):
            client.receive_data(data)
            while (event := client.next_event()) is not h11.NEED_DATA and event is not h11.PAUSED:
                status = getattr(event, "status_code", status)
                body += bytes(event.data) if isinstance(event, h11.Data) else b""
                if isinstance(event, h11.ConnectionClosed):
                    break
        assert client.their_state in {h11.DONE, h11.MUST_CLOSE, h11.CLOSED}
        assert body == b"".join(pieces)
        heard.append((status, body))
        if client.their_state is h11.DONE and client.our_state is h11.DONE:
            client.start_next_cycle()
    return heard

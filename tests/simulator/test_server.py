"""The server over real loopback sockets, raw, and over memory streams under virtual time."""

import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11
import pytest
import trio
import trio.testing
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.simulator import Ending, Reply, Rule, Script, Simulator, handle_connection, stream_bytes
from kiro_trio.simulator.answering import Answering
from kiro_trio.simulator.endpoints import ROUTES, Request
from kiro_trio.simulator.script import (
    Break,
    Coalesce,
    Corrupt,
    Cut,
    Extra,
    Framing,
    Garbage,
    HangUp,
    Match,
    Pause,
    Say,
    Stall,
    Throw,
    Trickle,
)
from kiro_trio.simulator.seen import SECRET_FIELDS
from kiro_trio.wire import EventStreamDecoder, WireError
from tests.quickest import quickest
from tests.simulator.talk import ask, asks, events, hear, post, scripted, served, text_of, user

HELLO = Say(("Hel", "lo ", "there"))


async def connect(port: int) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", port)


async def connect_and_ask(port: int) -> None:
    async with await connect(port) as stream:
        await ask(stream)


@asynccontextmanager
async def over_memory(simulator: Simulator) -> AsyncIterator[trio.abc.Stream]:
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handle_connection, simulator, theirs)
        yield ours
        nursery.cancel_scope.cancel()


async def test_a_reply_is_one_chunk_per_frame_and_ends_with_a_terminator() -> None:
    simulator = Simulator(script=scripted(HELLO))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert heard.status == 200
    assert b"content-type: application/vnd.amazon.eventstream" in heard.head
    assert heard.wire.endswith(b"\r\n0\r\n\r\n")
    assert text_of(heard.body()) == "Hello there"
    assert [name for name, _ in events(heard.body())] == [
        "messageMetadataEvent",
        *["assistantResponseEvent"] * 3,
        "meteringEvent",
        "contextUsageEvent",
        "metadataEvent",
    ]
    exchange = simulator.seen[0]
    assert (exchange.ending, exchange.status, exchange.sent) == (Ending.COMPLETE, 200, len(heard.body()))


async def test_a_connection_carries_many_requests_also_pipelined_ones() -> None:
    simulator = Simulator(script=scripted(HELLO))
    async with served(simulator) as (_, port), await connect(port) as stream:
        await stream.send_all(post() + post())
        heard = await ask(stream)
    assert heard.wire.count(b"HTTP/1.1 200 OK") == 3
    assert simulator.figures.connections == 1
    assert simulator.figures.peak_active == 1


async def test_a_chunked_request_is_heard() -> None:
    chunked = (
        b"POST /refreshToken HTTP/1.1\r\nhost: k\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
    chunked += b'4\r\n{"re\r\n15\r\nfreshToken":"secret"}\r\n0\r\n\r\n'
    simulator = Simulator()
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream, chunked)
    assert heard.status == 200
    assert simulator.seen[0].body == {"refreshToken": "[hidden]"}


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on() -> None:
    head, blank, body = post(expect="100-continue", connection="close").partition(b"\r\n\r\n")
    async with served(Simulator()) as (_, port), await connect(port) as stream:
        await stream.send_all(head + blank)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 100 ")
        assert (await ask(stream, body)).status == 200


async def test_http_1_0_gets_a_body_that_ends_with_the_connection() -> None:
    async with served(Simulator(script=scripted(HELLO))) as (_, port), await connect(port) as stream:
        heard = await ask(stream, post(version="1.0"))
    assert b"transfer-encoding" not in heard.head
    assert text_of(heard.wire.partition(b"\r\n\r\n")[2]) == "Hello there"


async def test_nonsense_is_answered_with_400() -> None:
    simulator = Simulator()
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream, b"\x16\x03\x01 not HTTP\r\n\r\n")
    assert heard.status == 400
    assert not simulator.seen


async def test_tls_and_its_truncation() -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(ours)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    rules = (Rule(Match(nth=(2,)), Reply((HELLO,), misfortunes=(Cut(30, "close"),))), Rule())
    simulator = Simulator(script=Script(rules))
    async with served(simulator, ssl_context=theirs) as (base, port):
        assert base.startswith("https://")
        for expected_reset in (False, True):
            async with await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=ours) as stream:
                await stream.send_all(post(connection="close"))
                heard = await hear(stream)
            assert heard.reset is expected_reset  # for trio a FIN without close_notify is a broken stream
    assert [exchange.ending for exchange in simulator.seen] == [Ending.COMPLETE, Ending.BROKEN]


async def test_a_connection_with_tls_carries_many_requests_and_its_close_is_noticed() -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(ours)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    rules = (Rule(Match(nth=(3,)), Reply((HELLO, Pause()))), Rule(reply=Reply((HELLO,), bare=True)))
    simulator = Simulator(script=Script(rules))
    async with served(simulator, ssl_context=theirs) as (_, port):
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=ours)
        for _ in range(2):
            await stream.send_all(post())
            heard = b""
            while not heard.endswith(b"0\r\n\r\n"):
                heard += await stream.receive_some()
        await stream.send_all(post())
        await simulator.wait_until(lambda: len(simulator.seen) == 3 and simulator.seen[-1].sent > 0)
        await trio.aclose_forcefully(stream)
        with trio.fail_after(10):
            await simulator.seen[-1].ended.wait()
    assert simulator.figures.connections == 1
    assert [exchange.ending for exchange in simulator.seen] == [*[Ending.COMPLETE] * 2, Ending.CLIENT_CLOSED]


async def test_reset_before_the_headers() -> None:
    simulator = Simulator(script=scripted(fate=[Cut()]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert (heard.wire, heard.reset) == (b"", True)
    assert simulator.seen[0].ending is Ending.BROKEN


async def test_close_before_the_headers() -> None:
    simulator = Simulator(script=scripted(fate=[Cut(how="close")]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert (heard.wire, heard.reset) == (b"", False)


@pytest.mark.parametrize("how", ["reset", "close", "end"])
async def test_cut_after_some_bytes_of_the_body(how: str) -> None:
    whole = b"".join(stream_bytes(Reply((HELLO,), bare=True)))
    simulator = Simulator(script=scripted(HELLO, bare=True, fate=[Cut(200, how)]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert heard.reset is (how == "reset")
    assert simulator.seen[0].sent == 200
    if how == "end":
        assert heard.body() == whole[:200]
    else:
        with pytest.raises(h11.RemoteProtocolError):
            heard.body()


async def test_cut_at_every_byte_of_the_line() -> None:
    simulator = Simulator(script=scripted(Say("Hi"), bare=True))
    async with served(simulator) as (_, port):
        async with await connect(port) as stream:
            whole = (await ask(stream)).wire
        for at in range(0, len(whole), 3):
            simulator.script = scripted(Say("Hi"), bare=True, fate=[Cut(at, "close", of="wire")])
            async with await connect(port) as stream:
                heard = await ask(stream)
            assert len(heard.wire) == at
            assert simulator.seen[-1].ending is Ending.BROKEN


async def test_no_terminator() -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[Framing("noend")]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream, post())
    assert not heard.wire.endswith(b"0\r\n\r\n")
    with pytest.raises(h11.RemoteProtocolError):
        heard.body()


async def test_a_close_delimited_body() -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[Framing("close")]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream, post())
    assert b"transfer-encoding" not in heard.head
    assert b"content-length" not in heard.head
    assert text_of(heard.body()) == "Hello there"


async def test_a_length_that_lies() -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[Framing("length", lie=7)]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream, post())
    with pytest.raises(h11.RemoteProtocolError):
        heard.body()


async def test_a_flipped_bit_is_found_by_the_checksums() -> None:
    simulator = Simulator(script=scripted(HELLO, bare=True, fate=[Corrupt(frame=1, byte=-5, bit=3)]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    decoder = EventStreamDecoder()
    decoder.receive_data(heard.body())
    with pytest.raises(WireError):
        list(decoder.messages())


async def test_garbage_with_200() -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[Garbage("<html>Sign in</html>")]))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert heard.status == 200
    assert b"content-type: text/html" in heard.head
    assert heard.body() == b"<html>Sign in</html>"


async def test_extra_bytes_inside_the_body_and_behind_it() -> None:
    fate = [Extra(b"in"), Extra(b"HTTP/1.1 200 out", outside=True)]
    simulator = Simulator(script=scripted(HELLO, bare=True, fate=fate))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert heard.wire.endswith(b"2\r\nin\r\n0\r\n\r\nHTTP/1.1 200 out")


async def test_several_frames_in_a_chunk_and_several_chunks_in_a_write() -> None:
    pieces = Say(tuple("abcdefghij"))
    for fate, chunks in ((Coalesce(frames=5), 2), (Coalesce(frames=1, chunks=0), 10), (Coalesce(0), 1)):
        simulator = Simulator(script=scripted(pieces, bare=True, fate=[fate]))
        async with served(simulator) as (_, port), await connect(port) as stream:
            heard = await ask(stream)
        assert text_of(heard.body()) == "abcdefghij"
        bodies = heard.wire.partition(b"\r\n\r\n")[2]
        assert bodies.count(b"\r\n") == 2 * chunks + 2


async def test_a_trickle_brings_byte_by_byte(autojump_clock: trio.testing.MockClock) -> None:
    simulator = Simulator(script=scripted(HELLO, bare=True, fate=[Trickle(1, every=0.5)]))
    async with over_memory(simulator) as stream:
        heard = await ask(stream)
    assert {len(read) for read in heard.reads} == {1}
    assert text_of(heard.body()) == "Hello there"
    assert simulator.seen[0].ended_at - simulator.seen[0].at > 100  # type: ignore[operator]


async def test_a_stall_before_the_headers_ends_in_time(autojump_clock: trio.testing.MockClock) -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[Stall(seconds=45)]))
    async with over_memory(simulator) as stream:
        await stream.send_all(post())
        await stream.receive_some()
        assert trio.current_time() - simulator.seen[0].at == 45


async def test_a_stall_in_the_body_and_pauses_between_pieces(autojump_clock: trio.testing.MockClock) -> None:
    steps = (Say(("a", "b"), every=2), Pause(10), Say("c"))
    simulator = Simulator(script=scripted(*steps, bare=True, fate=[Stall(at=5, seconds=30)]))
    async with over_memory(simulator) as stream:
        heard = await ask(stream)
    assert text_of(heard.body()) == "abc"
    assert simulator.seen[0].ended_at - simulator.seen[0].at == 42  # type: ignore[operator]


@pytest.mark.parametrize("fate", [Stall(), Stall(at=0), Stall(at=77)])
@pytest.mark.parametrize("reset", [False, True])
async def test_the_clients_close_is_noticed_at_once_while_stalled(fate: Stall, reset: bool) -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[fate]))

    async def leave() -> float:
        asked = len(simulator.seen)
        stream = await connect(port)
        await stream.send_all(post())
        await simulator.wait_until(lambda: len(simulator.seen) > asked)
        exchange = simulator.seen[asked]
        await simulator.wait_until(lambda: exchange.sent == (fate.at or 0))
        if reset:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        closed = trio.current_time()
        await stream.aclose()
        with trio.fail_after(10):
            await exchange.ended.wait()
            await simulator.wait_until(lambda: simulator.figures.open_connections == 0)
        assert exchange.ending is Ending.CLIENT_CLOSED
        assert exchange.sent == (fate.at or 0)
        return exchange.closed_at - closed

    async with served(simulator) as (_, port):
        assert await quickest(leave, 0.05) < 0.05


async def test_the_clients_close_is_noticed_while_it_does_not_read() -> None:
    simulator = Simulator(script=scripted(Say("x" * 8_000_000)))
    async with served(simulator) as (_, port):
        stream = await connect(port)
        await stream.send_all(post())
        await simulator.wait_until(lambda: bool(simulator.seen))
        await trio.testing.wait_all_tasks_blocked(0.05)
        await stream.aclose()
        with trio.fail_after(10):
            await simulator.seen[0].ended.wait()
    assert simulator.seen[0].ending is Ending.CLIENT_CLOSED


async def test_a_break_inside_the_reply() -> None:
    simulator = Simulator(script=scripted(Say("half"), Break("close"), Say("never"), bare=True))
    async with served(simulator) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert b"half" in heard.wire
    assert b"never" not in heard.wire
    assert not heard.wire.endswith(b"0\r\n\r\n")


async def test_a_connection_that_goes_stale(autojump_clock: trio.testing.MockClock) -> None:
    simulator = Simulator(script=scripted(HELLO, fate=[HangUp(after=20)]))
    async with over_memory(simulator) as stream:
        heard = await ask(stream, post())
        assert b"connection: close" not in heard.head
        assert text_of(heard.body()) == "Hello there"
        assert trio.current_time() - simulator.seen[0].at == 20


async def test_idle_connections_are_closed_when_they_should(autojump_clock: trio.testing.MockClock) -> None:
    simulator = Simulator(keep_alive=60)
    async with over_memory(simulator) as stream:
        began = trio.current_time()
        assert await stream.receive_some() == b""
        assert trio.current_time() - began == 60


async def test_misfortunes_come_over_plain_answers_too() -> None:
    reply = Reply(status="throttled", misfortunes=(Cut(10, "close"),))
    async with (
        served(Simulator(script=Script((Rule(reply=reply),)))) as (_, port),
        await connect(port) as stream,
    ):
        heard = await ask(stream)
    assert heard.status == 429
    assert heard.wire.endswith(b'\r\n\r\n{"message"')


async def test_an_exception_may_be_the_first_frame() -> None:
    throw = Throw("ThrottlingException", "slow down", "INSUFFICIENT_MODEL_CAPACITY")
    async with served(Simulator(script=scripted(throw))) as (_, port), await connect(port) as stream:
        heard = await ask(stream)
    assert events(heard.body()) == [
        ("exception", {"message": "slow down", "reason": "INSUFFICIENT_MODEL_CAPACITY"})
    ]


async def test_figures_count_what_happens_at_the_same_time() -> None:
    simulator = Simulator(script=scripted(fate=[Stall()]))
    async with served(simulator) as (_, port), trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(connect_and_ask, port)
        await simulator.wait_until(lambda: simulator.figures.active == 5)
        assert simulator.figures.peak_connections == 5
        assert simulator.guest.peak_active == 5
        nursery.cancel_scope.cancel()
    assert {exchange.ending for exchange in simulator.seen} <= {Ending.CLIENT_CLOSED, Ending.CANCELLED}


async def test_stopping_ends_what_is_under_way(autojump_clock: trio.testing.MockClock) -> None:
    simulator = Simulator(script=scripted(fate=[Stall()]))
    async with over_memory(simulator) as stream:
        await stream.send_all(post())
        await trio.testing.wait_all_tasks_blocked()
    assert simulator.seen[0].ending is Ending.CANCELLED
    assert simulator.figures.active == simulator.figures.open_connections == 0


async def test_seen_is_bounded_and_holds_no_secrets() -> None:
    simulator = Simulator(seen_limit=2)
    async with served(simulator) as (_, port), await connect(port) as stream:
        wrong = post(asks(user("hello"), profileArn="arn:aws:x"), authorization="Bearer aoaVERYSECRET")
        await ask(
            stream, wrong * 3 + post(b'{"refreshToken":"aorVERYSECRET"}', "/refreshToken", connection="close")
        )
    assert len(simulator.seen) == 2
    assert simulator.figures.calls == {"chat": 3, "refresh": 1}
    assert "VERYSECRET" not in repr(simulator.seen)
    assert simulator.seen[0].headers["authorization"] == "Bearer [hidden]"


calls = sorted({*ROUTES, ("POST", "/"), ("GET", "//[")})
odd = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)
fields = st.sampled_from(sorted(SECRET_FIELDS | {"params", "method", "grantType", "clientId", "profileArn"}))
values = (
    st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=1) | st.just({"query": 1})
)


@given(
    call=st.sampled_from(calls),
    query=odd,
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-amz-target", "content-type", "tokentype", "host"]),
        odd | st.sampled_from(["Bearer t", "a.GetUsageLimits", "application/x-amz-json-1.0"]),
    ),
    body=st.dictionaries(fields, values).map(lambda body: json.dumps(body).encode()) | st.binary(max_size=9),
)
@settings(max_examples=150)
def test_no_request_makes_it_stumble(
    call: tuple[str, str], query: str, headers: dict[str, str], body: bytes
) -> None:
    simulator = Simulator()
    request = Request(call[0], f"{call[1]}?{query}", headers, body)
    answering = Answering(simulator, request, 0.0, 1)
    assert answering.exchange.status == answering.delivery.status
    assert simulator.figures.calls.total() == 1


@given(
    fates=st.lists(
        st.one_of(
            st.builds(Cut, at=st.integers(0, 900), how=st.sampled_from(["reset", "close", "end"])),
            st.builds(Stall, at=st.integers(0, 900) | st.none(), seconds=st.floats(0, 100)),
            st.builds(Coalesce, frames=st.integers(0, 3), chunks=st.integers(0, 3)),
            st.builds(Trickle, size=st.integers(1, 50), every=st.floats(0, 1)),
            st.builds(Framing, body=st.sampled_from(["chunked", "length", "close", "noend"])),
            st.builds(Extra, data=st.binary(max_size=5), outside=st.booleans()),
        ),
        max_size=4,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_mixture_of_misfortunes_comes_to_an_end(fates: list[object]) -> None:
    simulator = Simulator(script=scripted(HELLO, fate=fates))  # type: ignore[arg-type]

    async def main() -> None:
        async with over_memory(simulator) as stream:
            await ask(stream)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert simulator.seen[0].ending in {Ending.COMPLETE, Ending.BROKEN}
    assert simulator.figures.open_connections == simulator.figures.active == 0

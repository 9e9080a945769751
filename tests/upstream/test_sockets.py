"""Plain sockets read and written directly: the same bytes as through trio's own way, and nobody else's."""

import errno
import os
import socket as stdlib
import struct

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.upstream.sockets import READ_SIZE, Reader, write_at_once

ways = pytest.mark.parametrize("directly", [True, False])


def connected() -> tuple[trio.SocketStream, stdlib.socket]:
    """A stream, and the other end of it as a plain socket that never waits."""
    with stdlib.create_server(("127.0.0.1", 0)) as server:
        far = stdlib.create_connection(server.getsockname())
        near, _ = server.accept()
    far.setblocking(False)  # noqa: FBT003 - the name of it has no keyword
    return trio.SocketStream(trio.socket.from_stdlib_socket(near)), far


@ways
@given(pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=8))
def test_what_comes_in_any_pieces_is_read_in_order_to_the_end(directly, pieces):
    async def read() -> bytes:
        stream, far = connected()
        async with stream:
            reader, heard = Reader(stream, directly=directly), b""
            for piece in pieces:
                far.send(piece)
                heard += await reader.receive_some()
            far.close()
            while data := await reader.receive_some():
                heard += data
            assert await reader.receive_some() == b""
            return heard

    assert trio.run(read) == b"".join(pieces)


@ways
async def test_of_much_that_has_come_much_is_read_at_once(directly):
    stream, far = connected()
    async with stream:
        said = b"x" * 200_000
        far.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_SNDBUF, 1 << 20)
        sent = far.send(said)
        reader, sizes = Reader(stream, directly=directly), []
        while sum(sizes) < sent:
            sizes.append(len(await reader.receive_some()))
        assert max(sizes) <= READ_SIZE
        assert len(sizes) <= 2 + 2 * sent / READ_SIZE + 2
        far.send(b"one")
        assert await reader.receive_some() == b"one"
        far.close()


@ways
async def test_a_cancelled_read_loses_nothing(directly):
    stream, far = connected()
    async with stream:
        reader = Reader(stream, directly=directly)
        with trio.CancelScope() as scope:
            scope.cancel()
            await reader.receive_some()
        assert scope.cancelled_caught
        far.send(b"before")
        with trio.CancelScope() as scope:
            scope.cancel()  # although there is something to be read
            await reader.receive_some()
        assert scope.cancelled_caught
        far.send(b" after")
        assert await reader.receive_some() == b"before after"
        far.close()


@ways
async def test_a_reset_is_a_broken_connection_and_not_an_end(directly):
    stream, far = connected()
    async with stream:
        reader = Reader(stream, directly=directly)
        far.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await reader.receive_some()
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ECONNRESET


@ways
async def test_a_closed_stream_says_so_before_and_while_it_is_read(directly):
    stream, far = connected()
    reader = Reader(stream, directly=directly)
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await reader.receive_some()

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()
    await read()
    far.close()


async def test_the_descriptor_of_a_closed_stream_may_be_anothers_and_is_left_alone():
    """Two tasks wake up together; one closes the other's stream, whose number goes to a new socket that has news."""
    ends = []
    for _ in range(32):  # trio wakes tasks up in any order
        stream, far = connected()
        signal, ring = connected()

        async def read(reader: Reader = Reader(stream, directly=True)) -> None:  # noqa: B008 - one for each round
            try:
                ends.append(await reader.receive_some())
            except trio.ClosedResourceError:
                ends.append(b"closed")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            nursery.start_soon(take_over, signal, stream)
            await trio.testing.wait_all_tasks_blocked()
            far.send(b"mine")
            ring.send(b"!")
        for one in (far, ring):
            one.close()
        await signal.aclose()
    assert set(ends) == {b"mine", b"closed"}


async def take_over(signal: trio.SocketStream, stream: trio.SocketStream) -> None:
    await signal.receive_some()
    number = stream.socket.fileno()
    ours, theirs = stdlib.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - see above
    with ours, theirs:
        stream.socket.close()
        os.dup2(ours.fileno(), number)
        theirs.send(b"another's")
        await trio.lowlevel.checkpoint()
        os.close(number)
        assert ours.recv(100) == b"another's"


async def test_what_a_socket_takes_is_written_at_once_and_the_rest_is_given_back():
    stream, far = connected()
    async with stream:
        said = b"0123456789" * 2_000_000
        rest = write_at_once(stream, said)
        heard = bytearray()
        while len(heard) < len(said) - len(rest):
            heard += far.recv(READ_SIZE)
        assert 0 < len(rest) < len(said)
        assert bytes(heard + rest) == said
        far.close()
    assert write_at_once(stream, b"closed") == b"closed"

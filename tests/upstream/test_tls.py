import ssl

import pytest
import trio
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from kiro_trio.upstream import tls
from kiro_trio.upstream.errors import CertificateFileError
from kiro_trio.upstream.tls import TLSStream
from tests.upstream import peer


async def connected(name="localhost", context=None):
    """A client's TLSStream and the server's trio.SSLStream, shaken hands, over memory streams."""
    near, far = memory_stream_pair()
    server = trio.SSLStream(far, peer.server_context(), server_side=True)
    client = TLSStream(near, context or peer.client_context(), name)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        await client.do_handshake()
    return client, server


async def test_every_record_that_has_arrived_comes_at_once():
    client, server = await connected()
    for number in range(50):
        await server.send_all(b"event %2d;" % number)
    assert await client.receive_some() == b"".join(b"event %2d;" % number for number in range(50))


@peer.virtual_time
async def test_a_record_that_arrives_in_pieces_comes_when_it_is_whole():
    client, server = await connected()
    received = []
    far = server.transport_stream
    near = client.transport_stream
    await server.send_all(b"first")
    await server.send_all(b"second")
    wire = await near.receive_some()

    async def read():
        while sum(map(len, received)) < 11:
            received.append(await client.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for byte in wire:
            await far.send_all(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()
    assert received == [b"first", b"second"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40_000), max_size=6), st.lists(st.integers(1, 30_000), min_size=1, max_size=5))
def test_sizes_of_reads_do_not_matter(writes, reads):
    @peer.virtual_time
    async def main():
        client, server = await connected()
        sent = b"".join(bytes([65 + number]) * size for number, size in enumerate(writes))
        async with trio.open_nursery() as nursery:

            async def write():
                for number, size in enumerate(writes):
                    await server.send_all(bytes([65 + number]) * size)
                await server.aclose()

            nursery.start_soon(write)
            received, turn = b"", 0
            while data := await client.receive_some(reads[turn % len(reads)]):
                assert len(data) <= reads[turn % len(reads)]
                received += data
                turn += 1
        assert received == sent

    main()


async def test_close_notify_is_an_end_and_its_absence_is_not():
    client, server = await connected()
    await server.send_all(b"all")
    await server.aclose()
    assert [await client.receive_some() for _ in range(3)] == [b"all", b"", b""]

    client, server = await connected()
    await server.send_all(b"cut")
    await server.transport_stream.aclose()
    assert await client.receive_some() == b"cut"
    for _ in range(2):
        with pytest.raises(trio.BrokenResourceError) as caught:
            await client.receive_some()
        assert isinstance(caught.value.__cause__, ssl.SSLEOFError)


async def test_damaged_records_come_after_the_whole_ones():
    client, server = await connected()
    await server.send_all(b"whole")
    await server.transport_stream.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert await client.receive_some() == b"whole"
    with pytest.raises(trio.BrokenResourceError) as caught:
        await client.receive_some()
    assert isinstance(caught.value.__cause__, ssl.SSLError)


@peer.virtual_time
async def test_send_and_receive_at_the_same_time_with_small_buffers():
    near, far = trio.testing.lockstep_stream_pair()  # every byte waits for its reader
    server = trio.SSLStream(far, peer.server_context(), server_side=True)
    client = TLSStream(near, peer.client_context(), "localhost")
    size = 400_000
    got = {}

    async def read(stream, name):
        data = b""
        while len(data) < size:
            data += await stream.receive_some(65536)
        got[name] = data

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.do_handshake)
            await client.do_handshake()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, client, "client")
            nursery.start_soon(read, server, "server")
            nursery.start_soon(client.send_all, b"c" * size)
            nursery.start_soon(server.send_all, b"s" * size)
    assert got == {"client": b"s" * size, "server": b"c" * size}


async def test_two_senders_do_not_mix_their_records():
    client, server = await connected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, b"a" * 300_000)
        nursery.start_soon(client.send_all, memoryview(b"b" * 300_000))
    await client.send_all(b"")
    data = b""
    while len(data) < 600_000:
        data += await server.receive_some()
    assert sorted(data) == sorted(b"a" * 300_000 + b"b" * 300_000)


@peer.virtual_time
async def test_a_cancelled_receive_loses_nothing():
    client, server = await connected()
    received = b""

    async def write():
        for number in range(200):
            await server.send_all(b"%03d," % number)
            await trio.sleep(0.01)
        await server.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        cancelled = 0
        while True:
            with trio.move_on_after(0.003) as scope:
                if not (data := await client.receive_some()):
                    break
                received += data
            cancelled += scope.cancelled_caught
    assert received == b"".join(b"%03d," % number for number in range(200))
    assert cancelled > 200


@peer.virtual_time
async def test_after_a_cancelled_send_one_can_read_but_not_send():
    near, far = trio.testing.lockstep_stream_pair()
    server = trio.SSLStream(far, peer.server_context(), server_side=True)
    client = TLSStream(near, peer.client_context(), "localhost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.do_handshake)
        await client.do_handshake()
    with trio.move_on_after(1) as scope:
        await client.send_all(bytes(100_000))
    assert scope.cancelled_caught
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"more")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.send_all, b"refused")
        assert await client.receive_some() == b"refused"


async def test_a_large_body_is_encrypted_piece_by_piece():
    client, server = await connected()
    writes = []
    transport = client.transport_stream

    class Counting:
        async def send_all(self, data):
            writes.append(len(data))
            await transport.send_all(data)

    client.transport_stream = Counting()
    await client.send_all(bytes(1_000_000))
    assert len(writes) > 5
    assert max(writes) < 200_000
    received = 0
    while received < 1_000_000:
        received += len(await server.receive_some())


@pytest.mark.parametrize("case", ["unknown authority", "other name", "not TLS"])
async def test_handshakes_that_fail(case):
    near, far = memory_stream_pair()
    context = ssl.create_default_context() if case == "unknown authority" else peer.client_context()
    client = TLSStream(near, context, "elsewhere.example" if case == "other name" else "localhost")
    server = trio.SSLStream(far, peer.server_context(), server_side=True)
    told = []

    async def serve():
        if case == "not TLS":
            await far.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        try:
            await server.do_handshake()
            await server.receive_some()
        except trio.BrokenResourceError as error:
            told.append(str(error.__cause__))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(ssl.SSLError) as caught:
            await client.do_handshake()
        await near.aclose()
    if case == "not TLS":
        assert "WRONG_VERSION" in str(caught.value)
    else:
        assert isinstance(caught.value, ssl.SSLCertVerificationError)
        assert "ALERT" in told[0].upper()


async def test_quiet_means_that_nothing_is_left():
    client, server = await connected()
    await server.send_all(b"12345")
    assert await client.receive_some(3) == b"123"
    assert not client.quiet
    assert await client.receive_some() == b"45"
    assert client.quiet
    await server.send_all(b"last")
    await server.aclose()
    assert await client.receive_some() == b"last"
    assert not client.quiet


def test_both_stores_and_the_own_file_are_trusted(tmp_path):
    context = tls.client_context()
    subjects = {str(cert["subject"]) for cert in context.get_ca_certs()}
    certifi_only = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certifi_only.load_verify_locations(tls.certifi.where())
    assert {str(cert["subject"]) for cert in certifi_only.get_ca_certs()} <= subjects

    own = trustme.CA(organization_name="Our Company")
    own.cert_pem.write_to_path(str(tmp_path / "own.pem"))
    more = {str(cert["subject"]) for cert in tls.client_context(tmp_path / "own.pem").get_ca_certs()}
    assert subjects < more
    assert "Our Company" in str(more - subjects)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_systems_store_is_found_where_it_stands(tmp_path, monkeypatch):
    trustme.CA(organization_name="Corporate Proxy").cert_pem.write_to_path(str(tmp_path / "bundle.pem"))
    monkeypatch.setattr(tls, "_SYSTEM_BUNDLES", (str(tmp_path / "absent"), str(tmp_path / "bundle.pem")))
    assert "Corporate Proxy" in str(tls.client_context().get_ca_certs())
    (tmp_path / "bundle.pem").write_text("rubbish")
    assert "Corporate Proxy" not in str(tls.client_context().get_ca_certs())


async def test_an_own_authority_is_enough(tmp_path):
    peer.authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client, server = await connected(context=tls.client_context(tmp_path / "ca.pem"))
    await server.send_all(b"hello")
    assert await client.receive_some() == b"hello"


@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"directory", b"key"])
def test_a_file_that_cannot_be_used_is_named(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content == b"directory":
        file.mkdir()
    elif content == b"key":
        peer.authority().issue_cert("x").private_key_pem.write_to_path(str(file))
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(CertificateFileError) as caught:
        tls.client_context(file)
    assert str(file) in str(caught.value)
    assert "_ssl.c" not in str(caught.value)
    assert len(str(caught.value)) > len(str(file)) + 10

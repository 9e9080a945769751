import json
import socket
import time

import pytest
import trio

from kiro_trio.web.config import GatewayConfig
from kiro_trio.web.listener import cut_stuck_writes
from tests.quickest import quickest
from tests.web.served import LARGE, Served, Small, eventually, get, read_all, served


def raw(path: str, more: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n"


async def still_serves(here: Served) -> bool:
    async with await here.connect() as stream:
        return await get(stream, "/plain") == (200, b"plain")


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("path", ["/plain", "/stream"])
async def test_a_client_that_asks_for_the_close_gets_it(path: str, fast_path: bool) -> None:
    async with served(Small(), fast_path=fast_path) as here:
        answer = await here.ask(raw(path, "connection: close\r\n"))
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("path", ["/plain", "/stream"])
async def test_a_client_of_http_1_0_sees_the_end(path: str, fast_path: bool) -> None:
    async with served(Small(), fast_path=fast_path) as here:
        answer = await here.ask(f"GET {path} HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"plain" if path == "/plain" else b"0;1;2;")


@pytest.mark.parametrize("fast_path", [True, False])
@pytest.mark.parametrize("path", ["/plain", "/stream"])
async def test_an_idle_connection_that_has_been_served_is_closed(path: str, fast_path: bool) -> None:
    async with served(Small(), keep_alive_timeout=0.5, fast_path=fast_path) as here:
        answer = await here.ask(raw(path))
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_connection_serves_many_requests(fast_path: bool) -> None:
    async with served(Small(), fast_path=fast_path) as here, await here.connect() as stream:
        for _ in range(3):
            assert await get(stream, "/plain") == (200, b"plain")


async def test_the_head_goes_out_with_the_first_of_the_body() -> None:
    async with served(Small()) as here, await here.connect() as stream:
        await stream.send_all(raw("/stream").encode())
        with trio.fail_after(5):
            first = await stream.receive_some(65536)
    assert first.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\n2\r\n0;\r\n" in first


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with served(Small(), keep_alive_timeout=0.1) as here:
        assert await here.ask("") == b""
        assert await here.ask("GET / HT") == b""


async def test_a_request_may_take_longer_than_a_connection_may_be_idle() -> None:
    app = Small()
    async with served(app, keep_alive_timeout=0.5) as here, await here.connect() as stream:
        await stream.send_all(raw("/held").encode())
        await app.entered.wait()
        await trio.sleep(1.0)
        app.go_on.set()
        assert (await read_all(stream)).endswith(b"whole\r\n0\r\n\r\n")


async def test_a_connection_that_becomes_idle_during_a_stop_is_closed() -> None:
    app = Small()
    async with served(app) as here, await here.connect() as stream:
        await stream.send_all(raw("/held").encode())
        await app.entered.wait()
        here.stop.set()
        await trio.sleep(0.05)
        app.go_on.set()
        assert (await read_all(stream)).endswith(b"whole\r\n0\r\n\r\n")


async def test_http2_with_prior_knowledge_is_refused_and_ends_nothing() -> None:
    async with served(Small()) as here:
        answer = await here.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 505")
        assert await still_serves(here)
        assert here.errors == []


async def test_an_upgrade_to_http2_is_not_taken() -> None:
    async with served(Small()) as here:
        more = [
            ("connection", "upgrade, http2-settings"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQCAAAA"),
        ]
        async with await here.connect() as stream:
            assert await get(stream, "/plain", more) == (200, b"plain")


@pytest.mark.parametrize(
    "rubbish",
    [
        "\x16\x03\x01\x02\x00\x01",
        "GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "hello\r\n\r\n",
    ],
    ids=["TLS", "not ASCII", "no host", "no HTTP"],
)
async def test_rubbish_is_answered_in_the_usual_shape(rubbish: str) -> None:
    async with served(Small()) as here:
        answer = await here.ask(rubbish + "\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        error = json.loads(body)
        assert error["error"]["type"] == "invalid_request_error"
        assert f"request-id: {error['request_id']}".encode() in head
        assert error["request_id"].startswith("req_")
        assert await still_serves(here)


@pytest.mark.parametrize("fast_path", [True, False])
async def test_an_error_after_the_start_breaks_that_connection_only(fast_path: bool) -> None:
    async with served(Small(), fast_path=fast_path) as here:
        answer = await here.ask(raw("/bug"))
        assert b"begun" in answer
        assert not answer.endswith(b"0\r\n\r\n")
        assert await still_serves(here)


async def test_an_error_of_a_connection_does_not_reach_the_others(monkeypatch) -> None:
    from kiro_trio.web import listener  # noqa: PLC0415

    async def broken(_self, _event) -> None:
        raise KeyError(7)

    async with served(Small()) as here, await here.connect() as good:
        with monkeypatch.context() as patch:
            patch.setattr(listener.Http1Protocol, "handle", broken)
            await here.ask(raw("/plain"))
        assert [type(error) for error in here.errors] != []
        assert await get(good, "/plain") == (200, b"plain")


@pytest.mark.parametrize("fast_path", [True, False])
async def test_an_answer_that_was_not_ended_is_seen_to_be_cut(fast_path: bool) -> None:
    async with served(Small(), fast_path=fast_path) as here:
        answer = await here.ask(raw("/unfinished"))
    assert answer.endswith(b"half\r\n")


async def test_a_client_that_leaves_cancels_its_request_at_once() -> None:
    app = Small()

    async def leave() -> float:
        app.entered, app.left = trio.Event(), []
        stream = await here.connect()
        await stream.send_all(raw("/held").encode())
        await app.entered.wait()
        await stream.aclose()
        return await eventually(lambda: app.left == ["cancelled"])

    async with served(app) as here:
        assert await quickest(leave, 0.05) < 0.05


async def test_a_client_that_sent_stray_bytes_and_left_is_noticed_at_the_next_write() -> None:
    app = Small()
    async with served(app) as here:
        stream = await here.connect()
        await stream.send_all((raw("/held") + raw("/plain")).encode())
        await app.entered.wait()
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        await stream.aclose()
        app.go_on.set()
        await eventually(lambda: app.left != [])


@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_client_that_does_not_read_holds_up_the_writer_and_no_memory(fast_path: bool) -> None:
    app = Small()
    async with served(app, fast_path=fast_path) as here:
        stream = await here.connect()
        await stream.send_all(raw("/endless").encode())
        await app.entered.wait()
        await eventually(lambda: time.monotonic() - app.last_written > 0.2)
        assert app.written < 16 * 1024 * 1024  # what the kernel's buffers take
        assert app.left == []
        await stream.aclose()


async def test_a_client_that_does_not_read_is_dropped_in_time() -> None:
    app = Small()
    async with served(app, send_timeout=0.3) as here:
        stream = await here.connect()
        await stream.send_all(raw("/endless").encode())
        await app.entered.wait()
        await eventually(lambda: app.left == ["over"])
        await stream.aclose()


async def test_a_client_that_does_not_read_cannot_hold_a_stop() -> None:
    app = Small()
    async with served(app, send_timeout=60.0, graceful_timeout=0.5) as here:
        stream = await here.connect()
        await stream.send_all(raw("/endless").encode())
        await app.entered.wait()
        await eventually(lambda: time.monotonic() - app.last_written > 0.2)
        here.stop.set()
        await trio.sleep(0.1)
        cut_stuck_writes()
        with trio.fail_after(10):
            await here.stopped.wait()
        await stream.aclose()


@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_stop_lets_running_requests_finish_and_closes_idle_connections(fast_path: bool) -> None:
    app = Small()
    async with (
        served(app, fast_path=fast_path) as here,
        await here.connect() as busy,
        await here.connect() as idle,
    ):
        await busy.send_all(raw("/held").encode())
        assert await get(idle, "/plain") == (200, b"plain")
        await app.entered.wait()
        here.stop.set()
        assert await read_all(idle) == b""
        with pytest.raises(OSError, match="all attempts to connect"):
            await here.connect()
        app.go_on.set()
        assert (await read_all(busy)).endswith(b"whole\r\n0\r\n\r\n")
        with trio.fail_after(10):
            await here.stopped.wait()


@pytest.mark.parametrize("fast_path", [True, False])
async def test_a_slow_reader_gets_every_byte_in_order(fast_path: bool) -> None:
    async with served(Small(), fast_path=fast_path) as here, await here.connect() as stream:
        await stream.send_all(raw("/large", "connection: close\r\n").encode())
        received = bytearray()
        with trio.fail_after(10):
            while data := await stream.receive_some(50_000):
                received += data
                await trio.sleep(0.0005)
    assert bytes(received.partition(b"\r\n\r\n")[2]) == LARGE


def test_accepted_sockets_give_up_on_peers_that_vanish() -> None:
    config = GatewayConfig()
    config.bind = ["127.0.0.1:0"]
    config.send_timeout = 3
    sockets = config.create_sockets().insecure_sockets
    assert [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) for sock in sockets] == [13_000]
    for sock in sockets:
        sock.close()

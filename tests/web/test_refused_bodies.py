"""A request that is refused before its body was wanted leaves a connection that serves the next one."""

import json

import trio

from tests.admin.owner import Pieces
from tests.end_to_end.house import KEY, house
from tests.web.served import get


async def refused_then_served(port: int, line: str, headers: str, body: bytes) -> tuple[bytes, int]:
    """Send the head, then after a moment the body; return the answer's first line and the next answer's status."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        head = f"{line} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        await stream.send_all(head.encode())
        await trio.sleep(0.1)
        await stream.send_all(body)
        answer = b""
        with trio.fail_after(5):
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                data = await stream.receive_some(65536)
                assert data, answer
                answer += data
        status, _ = await get(stream, "/v1/models", [("x-api-key", KEY)])
    return answer.split(b"\r\n")[0], status


async def test_a_wrong_key_and_a_wrong_path(tmp_path) -> None:
    body = b"x" * 100_000
    async with house(tmp_path, admin_api_key="sk-owner") as here:
        for line, headers, status in (
            ("POST /v1/messages", "x-api-key: wrong\r\n", b"403"),
            ("POST /api/event_logging/batch", "", b"404"),
            ("POST /api/admin/credentials", "x-api-key: wrong\r\n", b"401"),
        ):
            first, after = await refused_then_served(here.port, line, headers, body)
            assert status in first
            assert after == 200


async def test_a_websocket_is_refused_like_everything_else(tmp_path) -> None:
    upgrade = (
        "host: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with house(tmp_path) as here:
        for path in ("/v1/messages", "/", "/nowhere"):
            async with await trio.open_tcp_stream("127.0.0.1", here.port) as stream:
                await stream.send_all(f"GET {path} HTTP/1.1\r\n{upgrade}".encode())
                answer = b""
                with trio.fail_after(5):
                    while data := await stream.receive_some(65536):
                        answer += data
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            error = json.loads(body)
            assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
            assert f"request-id: {error['request_id']}".encode() in head


async def test_whoever_sent_too_much_is_told_that_the_connection_closes(tmp_path) -> None:
    """Else its next request goes into a connection that is just being closed."""
    large = b"x" * (4 * 1024 * 1024)
    async with house(tmp_path, admin_api_key="sk-owner", body_limit=1024 * 1024) as here:
        for path, key, status in (
            ("/v1/messages", KEY, 413),
            ("/api/admin/credentials", "sk-owner", 413),
            ("/nowhere", KEY, 404),
        ):
            request = here.http.build_request("POST", path, content=large, headers={"x-api-key": key})
            request.stream = Pieces(large)
            answer = await here.http.send(request)
            assert (answer.status_code, answer.headers["connection"]) == (status, "close")
            small = await here.http.get("/healthz")
            assert (small.status_code, small.headers.get("connection")) == (200, None)

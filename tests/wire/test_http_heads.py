"""Heads that are read by hand are read as h11 reads them; all others are left to h11."""

import h11
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from kiro_trio.wire.http_heads import (
    read_request_head,
    read_response_head,
    write_request_head,
    write_response_head,
)

REQUEST = (
    b"POST /v1/messages?beta=true HTTP/1.1\r\nhost: localhost:8080\r\nConnection: keep-alive\r\n"
    b"x-api-key: sk-test\r\nAccept: */*\r\nContent-Length: 5\r\nX-Empty:\r\nuser-agent: claude-cli/2.1 (external, cli)\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n"
    b"x-amzn-RequestId:  8a2f \r\nConnection: keep-alive\r\n\r\n"
)

# What makes heads special: each of these once made some server read something else than the proxy before it.
SPECIAL = [
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\x80", b"\xff", b":", b",", b";"),
    *(b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:\tchunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
    *(b"content-length: 5\r\n", b"Content-Length: +5\r\n", b"content-length: 5, 5\r\n", b"Content-Length : 5\r\n"),
    *(b"connection: close\r\n", b"Connection: upgrade\r\n", b"upgrade: h2c\r\n", b"expect: 100-continue\r\n"),
    *(b"host: other\r\n", b" folded\r\n", b"GET ", b"POST ", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"//", b"%2f", b"?"),
    *(b"100", b"204", b"304", b"500", b"5", b"0", b"-1", b"0x5", b"99999999999999999999999"),
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """A head in which some places were replaced by something special, doubled or taken out."""
    data = seed
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 20])))
        data = data[:start] + draw(st.sampled_from([*SPECIAL, b"", data[start:end] * 2])) + data[end:]
    return data


def by_h11(role: type[h11.CLIENT] | type[h11.SERVER], data: bytes) -> h11.Request | h11.Response:
    connection = h11.Connection(role)
    if role is h11.CLIENT:
        connection.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Request | h11.Response)
    return event


def texts(event: h11.Request | h11.Response) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in event.headers]


def is_read_alike(data: bytes) -> bool:
    """Whether a request's head is read by hand; fails if h11 reads it differently."""
    head = read_request_head(data)
    if head is None:
        return False
    event = by_h11(h11.SERVER, data[: head.size] + b"x" * head.length)
    assert isinstance(event, h11.Request)
    assert (event.method, event.target, event.http_version) == (b"POST", head.target.encode(), b"1.1")
    assert texts(event) == list(head.headers.items())
    assert [value for name, value in texts(event) if name == "content-length"] == [str(head.length)] or (
        int(head.headers["content-length"]) == head.length
    )
    return True


@given(mutated(REQUEST))
def test_a_request_that_is_read_is_read_as_h11_reads_it(data: bytes) -> None:
    is_read_alike(data)


@given(st.integers(0, len(REQUEST) - 1), st.binary(max_size=3))
def test_a_request_that_is_not_whole_is_not_read(cut: int, more: bytes) -> None:
    assert read_request_head(REQUEST[:cut]) is None
    assert read_request_head(REQUEST + more) == read_request_head(REQUEST)


def test_a_plain_request_is_read() -> None:
    head = read_request_head(REQUEST + b"12345rest")
    assert head is not None
    assert (head.target, head.length, head.size) == ("/v1/messages?beta=true", 5, len(REQUEST))
    assert head.headers["x-api-key"] == "sk-test"
    assert head.headers["x-empty"] == ""
    assert is_read_alike(REQUEST)
    assert "sk-test" not in repr(head)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST", b"GET"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"keep-alive", b"close"),
        (b"keep-alive", b"keep-alive, upgrade"),
        (b"Accept: */*", b"Expect: 100-continue"),
        (b"Accept: */*", b"Upgrade: websocket"),
        (b"Accept: */*", b"Transfer-Encoding: chunked"),
        (b"Accept: */*", b"content-length: 5"),
        (b"Accept: */*", b"Host: other"),
        (b"Accept: */*", b"X-API-Key: another"),
        (b"Accept: */*", b"accept : */*"),
        (b"Accept: */*\r\n", b"Accept: text/html,\r\n */*\r\n"),
        (b"Accept: */*", b"Accept: \xe4"),
        (b"host:", b"hosts:"),
        (b"Content-Length: 5", b"Content-Length: 5, 5"),
        (b"Content-Length: 5", b"Content-Length: -5"),
        (b"Content-Length: 5", b"Content-Length: 5000000000000000"),
        (b"\r\n\r\n", b"\n\n"),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_h11(old: bytes, new: bytes) -> None:
    assert REQUEST.replace(old, new, 1) != REQUEST
    assert read_request_head(REQUEST.replace(old, new, 1)) is None


@given(mutated(RESPONSE))
def test_a_response_that_is_read_is_read_as_h11_reads_it(data: bytes) -> None:
    head = read_response_head(data)
    if head is None:
        return
    event = by_h11(h11.CLIENT, data[: head.size])
    assert isinstance(event, h11.Response)
    assert (event.status_code, event.http_version) == (head.status, b"1.1")
    assert texts(event) == list(head.headers.items())
    assert (b"transfer-encoding", b"chunked") in list(event.headers)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"200", b"100"),
        (b"200", b"204"),
        (b"200", b"20"),
        (b"keep-alive", b"close"),
        (b"chunked", b"gzip, chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        (b"x-amzn-RequestId:", b"Content-Length:"),
        (b"x-amzn-RequestId:", b"Content-Type:"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_a_response_that_is_not_plain_is_left_to_h11(old: bytes, new: bytes) -> None:
    assert read_response_head(RESPONSE) is not None
    assert read_response_head(RESPONSE.replace(old, new, 1)) is None


names = st.text(st.sampled_from("aZ0-_!\r\n: \xe4"), min_size=1, max_size=5)
values = st.text(st.sampled_from("aZ0 \t\r\n:\x00\x7f\xe4,;="), max_size=8)


@given(
    st.sampled_from(["/", "/a?b=c", "/a b", "/\r\n", "/\xe4", ""]),
    st.lists(st.tuples(names, values), max_size=3),
)
def test_a_request_that_is_written_is_written_as_h11_writes_it(
    target: str, more: list[tuple[str, str]]
) -> None:
    headers = [("Host", "x"), *more, ("Content-Length", "3")]
    written = write_request_head("POST", target, headers)
    if written is not None:
        request = h11.Request(method="POST", target=target, headers=headers)
        assert h11.Connection(h11.CLIENT).send(request) == written


@given(st.integers(200, 599), st.lists(st.tuples(names, values), max_size=3))
def test_a_response_that_is_written_is_written_as_h11_writes_it(
    status: int, more: list[tuple[str, str]]
) -> None:
    headers = [
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in more),
        (b"Transfer-Encoding", b"chunked"),
    ]
    try:
        written = write_response_head(status, headers)
    except ValueError:
        reject()
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    connection.next_event()
    if not {name.lower() for name, _ in headers[:-1]} & {
        b"connection",
        b"content-length",
        b"transfer-encoding",
    }:
        expected = connection.send(h11.Response(status_code=status, headers=headers))
        assert written.replace(b"Transfer-Encoding: chunked\r\n", b"") == expected.replace(
            b"Transfer-Encoding: chunked\r\n", b""
        )


def test_plain_heads_are_written() -> None:
    assert write_request_head("POST", "/a", [("Host", "x"), ("Empty", "")]) == (
        b"POST /a HTTP/1.1\r\nHost: x\r\nEmpty: \r\n\r\n"
    )
    assert write_response_head(429, [(b"retry-after", b"10")]) == b"HTTP/1.1 429 \r\nretry-after: 10\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", " a", "a ", "\xe4", "\0", "\n0\0"])
def test_nothing_is_smuggled_into_a_head(value: str) -> None:
    assert write_request_head("POST", "/", [("a", value)]) is None
    with pytest.raises(ValueError, match="cannot be sent"):
        write_response_head(200, [(b"a", value.encode("latin-1"))])

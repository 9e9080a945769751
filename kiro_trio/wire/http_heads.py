"""The heads of plain HTTP/1.1 messages, as nearly all that meet us are: read by two regular expressions, written by hand.

h11 takes 60 to 90 us for a head, most of them for what almost never comes. Here only what is plain is read: one line per
field, printable ASCII, no field twice, a body whose length or chunks are beyond doubt, nothing about the connection but
that it stays. For everything else the answer is None, which means: ask h11, from the first byte on. What is read here, h11
reads in the same way (`tests/wire/test_http_heads.py`).

Source: RFC 9112, 2 to 6
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_NAME = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
_FIELDS = rb"((?:" + _NAME + rb":[ -~]*+\r\n)++)\r\n"
_REQUEST = re.compile(rb"POST (/[!-~]*+) HTTP/1\.1\r\n" + _FIELDS)
_RESPONSE = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [ -~]*+)?\r\n" + _FIELDS)
_FIELD = re.compile(rf"({_NAME.decode()}):([ -~]*+)\r\n")
_LENGTH = re.compile(r"[0-9]{1,15}")

_TARGET = re.compile(r"[!-~]++")
# Checked with NUL for the colon and LF for the end of a line: neither may be in a name or a value, and with as many lines
# as there are fields none is.
_WRITABLE = re.compile(r"(?:" + _NAME.decode() + r"\x00(?:[!-~](?:[ -~]*[!-~])?)?\n)*+")

# With one of these a request wants more than an answer.
_DEMANDS = ("transfer-encoding", "expect", "upgrade")


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A POST whose body has `length` bytes. Header names are in lower case; the head itself took `size` bytes."""

    target: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    length: int
    size: int


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A final response whose body comes in chunks. Header names are in lower case; the head took `size` bytes."""

    status: int
    headers: dict[str, str] = field(repr=False)
    size: int


def read_request_head(data: bytes) -> RequestHead | None:
    """Read the head that `data` begins with; None if it is not whole or not plain."""
    found = _REQUEST.match(data)
    headers = _fields(found[2]) if found else None
    if found is None or headers is None or "host" not in headers:
        return None
    length = headers.get("content-length", "")
    if not _LENGTH.fullmatch(length) or any(name in headers for name in _DEMANDS):
        return None
    return RequestHead(found[1].decode("ascii"), headers, int(length), found.end())


def read_response_head(data: bytes) -> ResponseHead | None:
    """Read the head that `data` begins with; None if it is not whole or not plain, or the body is not chunked."""
    found = _RESPONSE.match(data)
    headers = _fields(found[2]) if found else None
    if found is None or headers is None:
        return None
    status = int(found[1])
    if headers.get("transfer-encoding", "").lower() != "chunked" or status in {204, 304}:
        return None
    return None if "content-length" in headers else ResponseHead(status, headers, found.end())


def _fields(block: bytes) -> dict[str, str] | None:
    pairs = _FIELD.findall(block.decode("ascii"))
    headers = {name.lower(): value.strip(" ") for name, value in pairs}
    if len(headers) < len(pairs) or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return headers


def write_request_head(method: str, target: str, headers: Sequence[tuple[str, str]]) -> bytes | None:
    """Write the head of a request; None if something in it is not plain. `method` is trusted."""
    fields = "".join([f"{name}\0{value}\n" for name, value in headers])
    if not (_TARGET.fullmatch(target) and _writable(fields, len(headers))):
        return None
    return f"{method} {target} HTTP/1.1\r\n{_lines(fields)}\r\n".encode("ascii")


def write_response_head(status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Write the head of a response.

    Raises:
        ValueError: a header cannot be sent; the text does not show it.
    """
    fields = b"".join([b"%b\0%b\n" % pair for pair in headers]).decode("latin-1")
    if not _writable(fields, len(headers)):
        raise ValueError("a header of the answer cannot be sent as HTTP/1.1")
    return f"HTTP/1.1 {status} \r\n{_lines(fields)}\r\n".encode("ascii")


def _writable(fields: str, count: int) -> bool:
    return fields.count("\n") == count and _WRITABLE.fullmatch(fields) is not None


def _lines(fields: str) -> str:
    return fields.replace("\0", ": ").replace("\n", "\r\n")

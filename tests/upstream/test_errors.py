import errno
import socket
import ssl

import pytest
import trio

from kiro_trio.upstream import errors
from kiro_trio.upstream.errors import ConnectionLost, MalformedResponse, UpstreamError, explain


def caused(top, *below):
    error = top
    for cause in below:
        error.__cause__ = cause
        error = cause
    return top


def refused():
    return OSError(errno.ECONNREFUSED, "Error connecting to ('192.0.2.1', 1): Connection refused")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (refused(), "Connection refused (ConnectionRefusedError)"),
        (ValueError("secret"), "ValueError"),
        (OSError("secret"), "OSError"),
        (caused(trio.BrokenResourceError("x"), refused()), "Connection refused (ConnectionRefusedError)"),
        (
            caused(OSError("x"), ExceptionGroup("x", [refused(), refused()])),
            "Connection refused (ConnectionRefusedError)",
        ),
        (
            ExceptionGroup("x", [refused(), OSError(errno.ENETUNREACH, "x"), KeyError("secret"), EOFError()]),
            "Connection refused (ConnectionRefusedError); Network is unreachable (OSError); KeyError",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "Name or service not known (gaierror)",
        ),
    ],
)
def test_what_lies_at_the_bottom(error, text):
    assert explain(error) == text


def test_openssl_speaks_plainly():
    client = ssl.create_default_context().wrap_bio(
        incoming := ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="h"
    )
    incoming.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        client.do_handshake()
    error = caused(trio.BrokenResourceError(), caught.value)
    assert explain(error) == "wrong version number (SSLError)"


def test_one_tree():
    tree = {
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, UpstreamError)
    }
    assert len(tree) == 7
    assert issubclass(MalformedResponse, ConnectionLost)

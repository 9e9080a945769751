"""What can go wrong on the way to Kiro and back: one tree, whose texts may be logged.

A text names the place (`host:port`, or the proxy as it may be shown) and the cause at the bottom of the chain. It
never holds a header, a body, a URL's path or a password: those of h11 and httpx do, so theirs are never passed on.
"""

import os
import ssl
from collections.abc import Iterator

_MAX_CAUSES = 3


class UpstreamError(Exception):
    """A call of ours did not bring a whole response; `str()` is fit for a log."""


class ConnectFailed(UpstreamError):
    """The name has no address, nobody listens there, or nobody answered in time."""


class TLSFailed(UpstreamError):
    """TCP stands, but the TLS handshake with the host failed; the cause at the bottom may be a bad certificate."""


class ProxyFailed(UpstreamError):
    """The proxy cannot be reached, does not speak its protocol, refused us, or cannot reach the host."""


class ConnectionLost(UpstreamError):
    """The connection was made, and broke before the response was whole."""


class MalformedResponse(ConnectionLost):
    """The response is not HTTP/1.1 as we accept it, or exceeds a limit; the connection is of no further use."""


class MalformedRequest(UpstreamError):
    """What we were asked to send cannot be written as HTTP/1.1; nothing was sent."""


class CertificateFileError(ValueError):
    """A file of CA certificates cannot be used; the text names the file and why."""


def explain(error: BaseException) -> str:
    """Say in one line what lies at the bottom of an error.

    Args:
        error: Any exception; its `__cause__`s and the members of groups are followed downwards.

    Returns:
        Such as `Connection refused (ConnectionRefusedError)`. Only texts that the system or OpenSSL wrote are
        shown; of every other exception just the class, for its text may hold what must not be logged.
    """
    lines = dict.fromkeys(_line(cause) for cause in _bottom(error))
    return "; ".join(list(lines)[:_MAX_CAUSES])


def _bottom(error: BaseException) -> Iterator[BaseException]:
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _bottom(member)
    else:
        yield error


def _line(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"the certificate is not accepted: {error.verify_message}"
    elif isinstance(error, ssl.SSLError):
        text = (error.reason or "").replace("_", " ").lower()
    elif isinstance(error, OSError):
        # trio puts addresses before the system's words; a name that is not found has a negative number of its own.
        text = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or ""
    else:
        text = ""
    return f"{text} ({name})" if text else name

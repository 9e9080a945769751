"""Where a URL leads: the origin, which a connection belongs to, and the target, which the request line names."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from kiro_trio.upstream.errors import MalformedRequest

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme (`http` or `https`), host (an IPv6 address without brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def display(self) -> str:
        """`host:port`, as it stands in messages and in a CONNECT request."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_header(self) -> str:
        """The value of `Host`: without the port where it is the scheme's own."""
        return self.display.rpartition(":")[0] if self.port == _PORTS[self.scheme] else self.display


@lru_cache(64)
def split_url(url: str) -> tuple[Origin, str]:
    """Split an absolute `http` or `https` URL into its origin and its target (path and query).

    Raises:
        MalformedRequest: It is not such a URL, or it carries a user: who we are goes into headers. The text does
            not show the URL, whose path and query may name an account.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or host.startswith(".") or not host.isascii() or port == 0:
        raise MalformedRequest("the URL is not an absolute http or https URL with an ASCII host")
    if "@" in parts.netloc:
        raise MalformedRequest(f"the URL of {host} carries a user or a password")
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return Origin(parts.scheme, host, port or _PORTS[parts.scheme]), target

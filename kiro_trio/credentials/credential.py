"""Who we are to Kiro: the credential, and what follows from it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way to Kiro: `scheme` is `http`, `https`, `socks5` or `socks5h`."""

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def display(self) -> str:
        """The proxy as it may be shown: scheme, host and port, never the user nor the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

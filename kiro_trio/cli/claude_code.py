"""What to set so that Claude Code talks to the gateway."""

from urllib.parse import urlsplit


def claude_code_lines(url: str, key: str) -> str:
    """The lines to paste into a shell; `url` is where the gateway listens, `key` what it asks for."""
    return "\n".join(
        (
            f"export ANTHROPIC_BASE_URL={_reachable(url)}",
            f"export ANTHROPIC_AUTH_TOKEN={key}",
            "claude",
        )
    )


def _reachable(url: str) -> str:
    """Who listens on every address is called by that of the machine itself."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
    parts = urlsplit(url)
    host = everywhere.get(parts.hostname or "")
    return f"{parts.scheme}://{host}:{parts.port}" if host else url

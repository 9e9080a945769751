"""How secrets are shown to their owner. The one place for it."""

import hashlib
from datetime import UTC, datetime

_LONG_ENOUGH = 16


def masked(secret: str) -> str | None:
    """The ends of a secret that is long enough to have some, `***` for others, None for none."""
    if not secret:
        return None
    if secret.isascii() and len(secret) > _LONG_ENOUGH:
        return f"{secret[:4]}...{secret[-4:]}"
    return "***"


def hashed(secret: str) -> str | None:
    """The SHA-256 of a secret, by which a page recognises what it has already; None for none."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest() if secret else None


def moment(seconds: float | None) -> str | None:
    """Epoch seconds as RFC 3339 in UTC, None for none and for what no calendar has."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None

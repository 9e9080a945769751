"""Who may talk to the gateway: client keys, compared in constant time."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

Digest = bytes


def digest_key(key: str) -> Digest:
    """Return what is kept of a key: comparing digests gives away neither its characters nor its length."""
    return hashlib.sha256(key.encode()).digest()


class Headers(Protocol):
    """Request headers, by name in any case."""

    def get(self, name: str, default: str, /) -> str:
        """Return the value of a header, or `default`."""


def presented_keys(headers: Headers) -> list[str]:
    """Return the keys that a request shows: `x-api-key` and `Authorization: Bearer`, which may differ.

    Claude Code sends both when both of its variables are set; either one right is enough.
    """
    keys = []
    if api_key := headers.get("x-api-key", "").strip():
        keys.append(api_key)
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        keys.append(token.strip())
    return keys


def find_key(presented: list[str], known: Mapping[str, Digest]) -> str | None:
    """Return the name of the first known key among `presented`; all are compared whatever comes first."""
    found: str | None = None
    for key in presented:
        digest = digest_key(key)
        for name, expected in known.items():
            if hmac.compare_digest(digest, expected) and found is None:
                found = name
    return found

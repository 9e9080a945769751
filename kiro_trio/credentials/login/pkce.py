"""Proof key for code exchange (RFC 7636): who finishes a sign-in in a browser is who began it. Pure."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Proof:
    """The secret `verifier`, and the `state` by which the browser's answer is known to be ours."""

    verifier: str = field(repr=False)
    state: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """What the provider is told in advance: the SHA-256 of the verifier."""
        return _base64url(hashlib.sha256(self.verifier.encode("ascii")).digest())


def make_proof(random: Callable[[int], bytes]) -> Proof:
    """A new proof; `random(n)` gives n bytes that nobody can guess (`secrets.token_bytes`)."""
    return Proof(verifier=_base64url(random(32)), state=_base64url(random(24)))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

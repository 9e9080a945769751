"""The owner's sessions in a browser: a cookie that no script can read, and a token that no other site knows."""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from kiro_trio.gateway.keys import Digest, digest_key

COOKIE = "kiro_trio_admin"
CSRF_HEADER = "x-csrf-token"

LIFETIME = 12 * 3600.0
"""Seconds without a request after which the key must be shown again."""

_MOST = 64


@dataclass(slots=True)
class Session:
    """One browser's session; `expires_at` is epoch seconds."""

    csrf_token: str
    expires_at: float
    key: Digest


class Sessions:
    """All sessions, in memory only: a restart ends them. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sessions: OrderedDict[Digest, Session] = OrderedDict()

    def begin(self, admin_key: str) -> tuple[str, Session]:
        """Begin a session for somebody who has shown the key; the first of the pair is the cookie's value."""
        cookie = token_urlsafe(32)
        session = Session(token_urlsafe(32), self._clock() + LIFETIME, digest_key(admin_key))
        self._sessions[digest_key(cookie)] = session
        while len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        return cookie, session

    def find(self, cookie: str, admin_key: str) -> Session | None:
        """The session of a cookie, prolonged; None if there is none, or the key is another one by now."""
        name = digest_key(cookie)
        session = self._sessions.get(name)
        if session is None:
            return None
        now = self._clock()
        if session.expires_at <= now or not hmac.compare_digest(session.key, digest_key(admin_key)):
            del self._sessions[name]
            return None
        session.expires_at = now + LIFETIME
        return session

    def end(self, cookie: str) -> None:
        """Forget a session."""
        self._sessions.pop(digest_key(cookie), None)

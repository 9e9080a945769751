"""The waiting of a device code (RFC 8628) as a state machine: when to ask, and what an answer means. Pure.

Times are seconds of any clock that goes forward. Source: docs/wire.md, "Sign-in".
"""

from kiro_trio.credentials.login.desk import NoAnswer, Refused, SignInFailed

SLOWER = 5.0
"""Seconds more between two questions after `slow_down`."""

_LONGEST_PAUSE = 30.0

_OVER = {
    "access_denied": "the sign-in was refused in the browser",
    "expired_token": "the code has expired before anybody confirmed it: begin again",
}


class Polling:
    """When to ask whether the person has confirmed. `interval` and `lifetime` are as the service said, in seconds."""

    def __init__(self, interval: float, lifetime: float, now: float) -> None:
        self.deadline = now + lifetime
        self.next_at = now + interval
        self._interval = interval
        self._pause = interval

    def left(self, now: float) -> float:
        """Seconds until the code expires, never below 0."""
        return max(0.0, self.deadline - now)

    def answered(self, problem: Refused | NoAnswer, now: float) -> None:
        """Take in an answer without tokens: afterwards `next_at` says when to ask again.

        Raises:
            SignInFailed: asking again is no use.
        """
        if isinstance(problem, NoAnswer):
            # The network is away for a while; asking harder brings it back no sooner.
            self._pause = min(2 * self._pause, max(self._interval, _LONGEST_PAUSE))
        elif problem.code == "slow_down":
            self._interval += SLOWER
            self._pause = self._interval
        elif problem.code == "authorization_pending":
            self._pause = self._interval
        elif problem.code in _OVER:
            raise SignInFailed(_OVER[problem.code]) from None
        else:
            raise problem
        self.next_at = now + self._pause
        if self.next_at >= self.deadline:
            raise SignInFailed(_OVER["expired_token"]) from None

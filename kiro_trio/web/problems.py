"""What the front tells clients by itself, without a session: in Anthropic's shape for errors."""

from dataclasses import dataclass

from kiro_trio.dialects.anthropic.errors import error_body


@dataclass(frozen=True, slots=True)
class Problem:
    """A status, and what is said with it."""

    status: int
    error_type: str
    message: str

    def body(self, request_id: str) -> bytes:
        """The JSON answer to this request."""
        return error_body(self.error_type, self.message, request_id)


LONGEST_WHY = 200
"""Characters of a reason that the log shows."""

TOO_SLOW = Problem(408, "timeout_error", "the request body did not arrive in time")
BUG = Problem(500, "api_error", "The gateway has a bug; its log says more.")

"""What the owner's API answers when it cannot do what was asked: a kind for each, never found by its text."""

from enum import Enum

from kiro_trio.conversation.faults import Failure, Fault


class Kind(Enum):
    """Error types with their HTTP statuses."""

    INVALID_REQUEST = "invalid_request", 400
    AUTHENTICATION = "authentication_error", 401
    FORBIDDEN = "permission_error", 403
    NOT_FOUND = "not_found", 404
    METHOD = "method_not_allowed", 405
    TOO_LARGE = "request_too_large", 413
    RATE_LIMITED = "rate_limit_error", 429
    INTERNAL = "internal_error", 500
    UPSTREAM = "api_error", 502
    UNAVAILABLE = "unavailable", 503

    def __init__(self, word: str, status: int) -> None:
        self.word = word
        self.status = status


class Problem(Exception):
    """An answer that says why not. The message holds no secret; `retry_after` is in seconds."""

    def __init__(self, kind: Kind, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after


def invalid(message: str) -> Problem:
    """What was asked cannot be done, whoever asks."""
    return Problem(Kind.INVALID_REQUEST, message)


def no_account(credential_id: int) -> Problem:
    """There is no such account."""
    return Problem(Kind.NOT_FOUND, f"credential {credential_id} does not exist")


_KINDS = {
    Fault.NO_CREDENTIAL: Kind.NOT_FOUND,
    Fault.SHUTTING_DOWN: Kind.UNAVAILABLE,
}


def failed(failure: Failure) -> Problem:
    """Kiro, or the way to it, did not do what was asked."""
    said = f" ({failure.reason})" if failure.reason else ""
    detail = f": {failure.detail}" if failure.detail else ""
    return Problem(
        _KINDS.get(failure.fault, Kind.UPSTREAM), f"{failure.fault.value}{said}{detail}", failure.retry_after
    )

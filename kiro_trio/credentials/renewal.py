"""One renewal of one access token: the call, and what its answer means, as tables.

Whether the account is lost, suspected or merely unlucky is decided by the parsed JSON and the status, never by words in
a body. Source: docs/wire.md, "Tokens and renewal".
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import msgspec

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallCalls, SmallResponse, Wire, caller_of, preset_of
from kiro_trio.credentials.credential import AuthMethod, Credential, Defaults, effective_proxy
from kiro_trio.credentials.entry import PROFILE_ARN
from kiro_trio.credentials.expiry import DEFAULT_LIFETIME, format_expiry, parse_expiry
from kiro_trio.credentials.standing import Penalty
from kiro_trio.kiro.endpoint import Call, oidc_token_call, social_refresh_call
from kiro_trio.kiro.faults import classify


class Verdict(Enum):
    """What a failed renewal says about the account."""

    UNLUCKY = "nothing: try again later, without a strike"
    SUSPECT = "perhaps something: a strike"
    REVOKED = "somebody has to sign in again"
    SUSPENDED = "the account is suspended"


VERDICTS: Mapping[str, Verdict] = {
    "invalid_grant": Verdict.REVOKED,
    "refresh_token_reused": Verdict.REVOKED,
    "refresh_token_revoked": Verdict.REVOKED,
    "revoked": Verdict.REVOKED,
    "revoked_token": Verdict.REVOKED,
    "expired_token": Verdict.REVOKED,
    "access_denied": Verdict.REVOKED,
    # The registration of the client lives 90 days and ends with it the sign-in that was made through it.
    "invalid_client": Verdict.REVOKED,
    "unauthorized_client": Verdict.REVOKED,
    "slow_down": Verdict.UNLUCKY,
    "too_many_requests": Verdict.UNLUCKY,
    "throttling": Verdict.UNLUCKY,
    "temporarily_unavailable": Verdict.UNLUCKY,
    "server_error": Verdict.UNLUCKY,
    "internal_server": Verdict.UNLUCKY,
}
"""By the error's code in the JSON body (`error`, or the exception's name in snake case)."""

_PENALTIES: Mapping[Verdict, Penalty] = {
    Verdict.UNLUCKY: Penalty.NONE,
    Verdict.SUSPECT: Penalty.RENEWAL_STRIKE,
    Verdict.REVOKED: Penalty.REVOKED,
    Verdict.SUSPENDED: Penalty.SUSPENDED,
}
_FAULTS: Mapping[Verdict, Fault] = {
    Verdict.UNLUCKY: Fault.RENEWAL_FAILED,
    Verdict.SUSPECT: Fault.RENEWAL_FAILED,
    Verdict.REVOKED: Fault.RENEWAL_REFUSED,
    Verdict.SUSPENDED: Fault.SUSPENDED,
}

# These say something about the moment, whatever is in the body.
_UNLUCKY_STATUSES = {408, 425, 429}

# A renewed token that is said to live longer than a year is not believed to.
_LONGEST_LIFE = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Renewed:
    """New tokens. `changes` are the keys of the entry that change with them."""

    changes: Mapping[str, Any] = field(repr=False)
    lifetime: float


@dataclass(frozen=True, slots=True)
class NotRenewed:
    """Why there are none."""

    verdict: Verdict
    failure: Failure

    @property
    def penalty(self) -> Penalty:
        """What the account suffers."""
        return _PENALTIES[self.verdict]


async def renew(
    credential: Credential, defaults: Defaults, wire: Wire, calls: SmallCalls, clock: Callable[[], float]
) -> Renewed | NotRenewed:
    """Exchange the refresh token for new tokens; `clock` gives epoch seconds.

    Cancelled after the call was sent, this may lose a rotated token: whoever calls it shields it and stores the result.
    """
    call = _call(credential, defaults, wire)
    answer = await calls.send(call, effective_proxy(credential, defaults))
    if isinstance(answer, Failure):
        return _not_renewed(Verdict.UNLUCKY, f"{answer.fault.value} ({answer.detail})", answer.retry_after)
    return read_answer(answer, credential, clock())


def _call(credential: Credential, defaults: Defaults, wire: Wire) -> Call:
    idc = credential.auth_method is AuthMethod.IDC
    make = oidc_token_call if idc else social_refresh_call
    body = {"refreshToken": credential.refresh_token}
    if idc:
        client = {"clientId": credential.client_id, "clientSecret": credential.client_secret}
        body = {**client, **body, "grantType": "refresh_token"}
    caller = caller_of(credential, defaults, wire)
    call = make(preset_of(credential, defaults, wire), caller, str(uuid.uuid4()), wire.base)
    return replace(call, body=msgspec.json.encode(body))


def read_answer(answer: SmallResponse, credential: Credential, now: float) -> Renewed | NotRenewed:
    """Say what an answer means; pure."""
    fields = _fields(answer.body)
    if answer.status // 100 == 2:  # noqa: PLR2004 - a class of statuses
        return _read_tokens(fields, credential, now)
    kiro = classify(answer.status, answer.headers, answer.body, now=now)
    code = _code(fields)
    detail = f"HTTP {answer.status}" + (f", {code}" if code in VERDICTS else "")
    return _not_renewed(_verdict(answer.status, code, kiro.fault), detail, kiro.retry_after, answer.status)


def _read_tokens(fields: Mapping[str, Any], credential: Credential, now: float) -> Renewed | NotRenewed:
    access, refresh, arn = (_token(fields.get(key)) for key in ("accessToken", "refreshToken", "profileArn"))
    if not access:
        # Something between us and the service has answered in its place.
        return _not_renewed(Verdict.UNLUCKY, "the answer has no access token")
    expires_at = _expiry(fields, now)
    changes: dict[str, Any] = {"accessToken": access, "expiresAt": format_expiry(expires_at)}
    if refresh and refresh != credential.refresh_token:
        changes["refreshToken"] = refresh
    if PROFILE_ARN.fullmatch(arn) and arn != credential.profile_arn:
        changes["profileArn"] = arn
    return Renewed(changes, expires_at - now)


def _expiry(fields: Mapping[str, Any], now: float) -> float:
    seconds = fields.get("expiresIn")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds <= _LONGEST_LIFE:
        return now + seconds
    moment = parse_expiry(fields.get("expiresAt"))
    return moment if moment is not None and now < moment <= now + _LONGEST_LIFE else now + DEFAULT_LIFETIME


def _verdict(status: int, code: str, kiro: Fault) -> Verdict:
    if status in _UNLUCKY_STATUSES or not 400 <= status < 500:  # noqa: PLR2004 - a class of statuses
        return Verdict.UNLUCKY
    if kiro is Fault.SUSPENDED:
        return Verdict.SUSPENDED
    return VERDICTS.get(code, Verdict.SUSPECT)


def _not_renewed(
    verdict: Verdict, detail: str, retry_after: float | None = None, status: int | None = None
) -> NotRenewed:
    return NotRenewed(verdict, Failure(_FAULTS[verdict], detail, retry_after, status))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _code(fields: Mapping[str, Any]) -> str:
    """`invalid_grant` from `{"error": "invalid_grant"}` and from `{"__type": "...#InvalidGrantException"}` alike."""
    error = fields.get("error")
    name = error if isinstance(error, str) else fields.get("__type") or fields.get("code")
    if not isinstance(name, str):
        return ""
    bare = re.sub(r"(Exception|Error)$", "", name.rpartition("#")[2].partition(":")[0])
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare).lower()


def _token(value: Any) -> str:
    """A string that can stand in a header, else ""."""
    return (
        value
        if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
        else ""
    )

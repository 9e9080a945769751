"""Which profile ARN an account has: what it is told by `ListAvailableProfiles`.

Social accounts are given theirs with the token and a Builder ID has none of its own; only the accounts of an organisation
have to ask. Source: docs/wire.md, "Profile ARN".
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.calls import SmallCalls, SmallResponse, Wire, caller_of, preset_of
from kiro_trio.credentials.credential import (
    AccountKind,
    Credential,
    Defaults,
    auth_region,
    effective_proxy,
)
from kiro_trio.credentials.entry import PROFILE_ARN
from kiro_trio.kiro.endpoint import profiles_call
from kiro_trio.kiro.faults import classify

PROFILE_REGIONS = ("us-east-1", "eu-central-1")
"""Where profiles live, whatever region people sign in to."""

_NOT_FOR_BUILDER_ID = "builder id is not supported"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account turned out to be, and its profile ARN ("" if it has none)."""

    kind: AccountKind
    arn: str = field(default="", repr=False)


async def find_profile(
    credential: Credential, defaults: Defaults, wire: Wire, calls: SmallCalls
) -> Profile | Failure:
    """Ask for the account's profile, region by region, until there is one; the access token must be good.

    Returns a `Failure` if there is none yet but one of `PROFILE_REGIONS` gave no answer. Cancelling it has no
    consequence.
    """
    failure: Failure | None = None
    for region in _regions(credential, defaults):
        answer = await _ask(credential, defaults, wire, calls, region)
        if isinstance(answer, Failure):
            # The region of the sign-in may have no such service at all.
            failure = answer if region in PROFILE_REGIONS else failure
        elif answer.arn or answer.kind is AccountKind.BUILDER_ID:
            return answer
    return failure or Profile(AccountKind.ORGANISATION)


def _regions(credential: Credential, defaults: Defaults) -> Iterator[str]:
    yield from dict.fromkeys((auth_region(credential, defaults), *PROFILE_REGIONS))


async def _ask(
    credential: Credential, defaults: Defaults, wire: Wire, calls: SmallCalls, region: str
) -> Profile | Failure:
    caller = caller_of(credential, defaults, wire, region=region)
    call = profiles_call(preset_of(credential, defaults, wire), caller, str(uuid.uuid4()), wire.base)
    answer = await calls.send(call, effective_proxy(credential, defaults))
    return answer if isinstance(answer, Failure) else _read(answer)


def _read(answer: SmallResponse) -> Profile | Failure:
    try:
        fields = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = {}
    if answer.status == 403 and _NOT_FOR_BUILDER_ID in str(fields.get("message")).lower():  # noqa: PLR2004
        return Profile(AccountKind.BUILDER_ID)
    profiles = fields.get("profiles")
    if answer.status != 200 or not isinstance(profiles, list):  # noqa: PLR2004
        return classify(answer.status, answer.headers, answer.body)
    rows = [row for row in profiles if isinstance(row, dict) and PROFILE_ARN.fullmatch(str(row.get("arn")))]
    active = [row for row in rows if row.get("status", "ACTIVE") == "ACTIVE"] or rows
    return Profile(AccountKind.ORGANISATION, active[0]["arn"] if active else "")

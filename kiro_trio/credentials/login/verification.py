"""What Kiro says of an account: its profile, its plan, what is left, and whose it is.

Source: docs/wire.md, "Profile ARN" and "Usage limits".
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallCalls, SmallResponse, Wire, caller_of, preset_of
from kiro_trio.credentials.credential import (
    AccountKind,
    ArnMode,
    Credential,
    Defaults,
    effective_arn,
    effective_proxy,
)
from kiro_trio.credentials.profiles import find_profile
from kiro_trio.kiro.endpoint import Call, usage_call
from kiro_trio.kiro.faults import classify
from kiro_trio.kiro.usage import UsageLimits, UsageUnreadable, parse_usage_limits

UsageAndUser = tuple[UsageLimits, str]
"""What is left, and Kiro's id of the user ("" if it says none)."""

_ORGANISATIONS = frozenset({AccountKind.ORGANISATION, AccountKind.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Verified:
    """What was learned. `failure` says why there is no `usage`; `problem` is a sentence for the owner, "" if all is well."""

    kind: AccountKind
    profile_arn: str = field(default="", repr=False)
    usage: UsageLimits | None = None
    user_id: str = field(default="", repr=False)
    failure: Failure | None = None
    problem: str = ""

    def changes(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of `entry` that are to be changed to what was learned."""
        usage = self.usage
        learned = {
            "profileArn": self.profile_arn,
            "email": usage.email if usage else "",
            "subscriptionTitle": usage.title if usage else "",
            "userId": self.user_id,
        }
        return {key: value for key, value in learned.items() if value and value != entry.get(key)}


async def verify(credential: Credential, defaults: Defaults, wire: Wire, calls: SmallCalls) -> Verified:
    """Ask Kiro about the account; its access token must be good. Cancelling it has no consequence."""
    kind, found_arn, problem = credential.kind, "", ""
    if kind in _ORGANISATIONS and not credential.profile_arn:
        profile = await find_profile(credential, defaults, wire, calls)
        if isinstance(profile, Failure):
            problem = f"its profile could not be found ({sentence(profile)})"
        else:
            kind, found_arn = profile.kind, profile.arn
            if kind is AccountKind.ORGANISATION and not found_arn:
                problem = "its organisation has given it no Kiro profile: ask the administrator for a Kiro subscription"
    credential = replace(credential, profile_arn=found_arn or credential.profile_arn)
    answer = await usage_of(credential, kind, defaults, wire, calls)
    if isinstance(answer, Failure):
        return Verified(kind, found_arn, failure=answer, problem=problem or sentence(answer))
    usage, user_id = answer
    return Verified(kind, found_arn, usage, user_id, problem=problem)


def sentence(failure: Failure) -> str:
    """A failure in words, with the detail that has no secret."""
    return failure.fault.value + (f" ({failure.detail})" if failure.detail else "")


async def usage_of(
    credential: Credential, kind: AccountKind, defaults: Defaults, wire: Wire, calls: SmallCalls
) -> UsageAndUser | Failure:
    """Ask what is left, with the account's profile ARN or without, and the other way if Kiro wants that.

    The access token must be good. Cancelling it has no consequence.
    """
    arn = effective_arn(credential, kind, defaults)
    forms = [arn, ""] if arn else [""]
    if credential.arn_mode is ArnMode.WITHOUT:
        forms = [""]
    first: Failure | None = None
    for form in forms:
        answer = await _ask(credential, form, defaults, wire, calls)
        if not isinstance(answer, Failure):
            return answer
        first = first or answer
        if answer.fault is not Fault.PROFILE_REFUSED:
            break
    return first or Failure(Fault.INTERNAL)


async def _ask(
    credential: Credential, arn: str, defaults: Defaults, wire: Wire, calls: SmallCalls
) -> UsageAndUser | Failure:
    caller = caller_of(credential, defaults, wire, profile_arn=arn or None)
    call = usage_call(preset_of(credential, defaults, wire), caller, str(uuid.uuid4()), wire.base)
    answer = await calls.send(_with_email(call), effective_proxy(credential, defaults))
    if isinstance(answer, Failure):
        return answer
    if answer.status != 200:  # noqa: PLR2004
        return classify(answer.status, answer.headers, answer.body)
    try:
        return parse_usage_limits(answer.body), _user_id(answer)
    except UsageUnreadable:
        return Failure(Fault.UNEXPECTED_STATUS, "the usage limits are unreadable", status=answer.status)


def _with_email(call: Call) -> Call:
    """The call that also asks whose account it is: the presets leave that out where the official client does."""
    if call.body:
        fields = msgspec.json.decode(call.body, type=dict[str, Any])
        return replace(call, body=msgspec.json.encode({**fields, "isEmailRequired": True}))
    if "isEmailRequired=" in call.url:
        return call
    return replace(call, url=f"{call.url}{'&' if '?' in call.url else '?'}isEmailRequired=true")


def _user_id(answer: SmallResponse) -> str:
    user = msgspec.json.decode(answer.body, type=dict[str, Any]).get("userInfo")
    name = user.get("userId") if isinstance(user, dict) else None
    return name if isinstance(name, str) and name.isprintable() else ""

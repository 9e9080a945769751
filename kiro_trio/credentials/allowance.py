"""What an account has left: one call of getUsageLimits. Source: docs/wire.md, "Usage limits"."""

import uuid

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallCalls, Wire, caller_of, preset_of
from kiro_trio.credentials.credential import Credential, Defaults, effective_proxy
from kiro_trio.kiro.endpoint import usage_call
from kiro_trio.kiro.faults import classify
from kiro_trio.kiro.usage import UsageLimits, UsageUnreadable, parse_usage_limits


async def ask_usage(
    credential: Credential, profile_arn: str | None, defaults: Defaults, wire: Wire, calls: SmallCalls
) -> UsageLimits | Failure:
    """Ask for the account's usage limits; the access token must be good. Cancelling it has no consequence."""
    caller = caller_of(credential, defaults, wire, profile_arn=profile_arn)
    call = usage_call(preset_of(credential, defaults, wire), caller, str(uuid.uuid4()), wire.base)
    answer = await calls.send(call, effective_proxy(credential, defaults))
    if isinstance(answer, Failure):
        return answer
    if answer.status != 200:  # noqa: PLR2004
        return classify(answer.status, answer.headers, answer.body)
    try:
        return parse_usage_limits(answer.body)
    except UsageUnreadable:
        return Failure(Fault.UNEXPECTED_STATUS, "the usage limits are unreadable", status=answer.status)

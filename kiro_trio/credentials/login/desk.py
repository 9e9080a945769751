"""The calls of a sign-in, and how they fail. Above `SmallCalls`, below the flows."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.calls import SmallCalls, SmallResponse, Wire
from kiro_trio.credentials.credential import Defaults, Proxy
from kiro_trio.kiro.endpoint import Call, Caller, oidc_token_call, social_refresh_call

_CODE = re.compile(r"[a-z0-9_]{1,60}")


class SignInFailed(Exception):
    """There is no account to show for it; the message is a sentence for the person at the terminal, without secrets."""


class NoAnswer(SignInFailed):
    """The service could not be reached, or something else answered in its place."""


class Refused(SignInFailed):
    """The service says no: `code` is its word for why (such as `slow_down`), "" if it has none."""

    def __init__(self, what: str, status: int, code: str) -> None:
        super().__init__(f"{what} was refused: HTTP {status}" + (f", {code}" if code else ""))
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a sign-in is made: how calls go out, as which machine, and what time it is (`clock`: epoch seconds)."""

    calls: SmallCalls
    wire: Wire
    defaults: Defaults
    clock: Callable[[], float]
    machine_id: str = field(repr=False)
    proxy: Proxy | None = None

    def oidc(self, region: str, path: str) -> Call:
        """A call of AWS's sign-in service in `region`, still without a body."""
        return self._call(oidc_token_call, region, path)

    def social(self, region: str, path: str) -> Call:
        """A call of Kiro's own sign-in service, still without a body."""
        return self._call(social_refresh_call, region, path)

    async def post(self, what: str, call: Call, body: Mapping[str, Any]) -> SmallResponse:
        """Make the call. Cancelling it abandons it.

        Raises:
            NoAnswer: nobody answered.
            Refused: the answer is a refusal; `what` says in its message of what.
        """
        answer = await self.calls.send(replace(call, body=msgspec.json.encode(body)), self.proxy)
        if isinstance(answer, Failure):
            raise NoAnswer(f"{what} failed: {answer.fault.value}" + _in_brackets(answer.detail))
        if answer.status // 100 == 2:  # noqa: PLR2004 - a class of statuses
            return answer
        code = _error_code(fields_of(answer))
        if answer.status >= 500 and not code:  # noqa: PLR2004 - a class of statuses
            raise NoAnswer(f"{what} failed: HTTP {answer.status}")
        raise Refused(what, answer.status, code)

    def _call(self, make: Callable[..., Call], region: str, path: str) -> Call:
        """The preset knows host and headers of one path of the service; the others stand beside it."""
        caller = Caller(
            region=region,
            auth_region=region,
            token="",
            machine_id=self.machine_id,
            versions=self.wire.versions,
        )
        preset = self.wire.presets[self.defaults.endpoint]
        call = make(preset, caller, str(uuid.uuid4()), self.wire.base)
        return replace(call, url=call.url.rpartition("/")[0] + path)


def fields_of(answer: SmallResponse) -> Mapping[str, Any]:
    """The JSON object of an answer; empty if it is none."""
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """A field that is text fit for a header or a terminal, else ""."""
    value = answer.get(name)
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _error_code(found: Mapping[str, Any]) -> str:
    """`slow_down`, also from `{"__type": "...#SlowDownException"}`; whatever has another shape is not repeated."""
    name = text_of(found, "error") or text_of(found, "__type")
    bare = re.sub(r"(Exception|Error)$", "", name.rpartition("#")[2])
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare).lower()
    return code if _CODE.fullmatch(code) else ""


def _in_brackets(detail: str) -> str:
    return f" ({detail})" if detail else ""

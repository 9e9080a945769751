"""The models that Kiro itself lists: asked in the name of any account that works. Source: docs/wire.md, "Models"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.credential import Lease
from kiro_trio.credentials.keeper import Keeper
from kiro_trio.credentials.standing import Penalty
from kiro_trio.kiro.endpoint import models_call
from kiro_trio.telemetry import get_logger
from kiro_trio.upstream.attempt import caller_of

log = get_logger("upstream")

_MOST_ACCOUNTS = 3
_MOST_PAGES = 5

# Whatever comes of it says nothing of how the account serves requests.
_NOT_A_REQUEST = Failure(Fault.CANCELLED_BY_OWNER, "only the list of models was asked for")


@dataclass(frozen=True, slots=True)
class ModelList:
    """Asks for the list. It is worth nobody's trouble: an account that cannot be asked suffers nothing."""

    keeper: Keeper
    calls: SmallCalls
    wire: Wire

    async def ask(self) -> list[bytes]:
        """The pages of the list, from the first account that gives one; [] if none of three does."""
        asked: set[int] = set()
        why = "no account"
        while len(asked) < _MOST_ACCOUNTS:
            lease = await self.keeper.lease(model_id="", session="", avoid=asked)
            if isinstance(lease, Failure):
                break
            try:
                pages = await self._pages(lease)
            finally:
                self.keeper.settle(lease, _NOT_A_REQUEST, Penalty.NONE)
            if isinstance(pages, list):
                return pages
            asked.add(lease.credential_id)
            why = pages
        log.info("models not listed", why=why)
        return []

    async def _pages(self, lease: Lease) -> list[bytes] | str:
        """All pages that this account gets, or why there is none."""
        pages: list[bytes] = []
        token = ""
        while len(pages) < _MOST_PAGES:
            caller = caller_of(lease, self.wire.versions)
            call = models_call(self.wire.presets[lease.endpoint], caller, str(uuid4()), self.wire.base, token)
            answer = await self.calls.send(call, lease.proxy)
            if isinstance(answer, Failure):
                return pages or answer.fault.value
            if answer.status != 200:  # noqa: PLR2004
                return pages or f"HTTP {answer.status}"
            pages.append(answer.body)
            token = _next_token(answer.body)
            if not token:
                break
        return pages


def _next_token(body: bytes) -> str:
    try:
        answer: Mapping[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    token = answer.get("nextToken")
    return token if isinstance(token, str) else ""

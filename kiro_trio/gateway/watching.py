"""Watching a session from outside: the accounts it asks for, its attempts and the small calls, as they pass by.

A session is handed its accounts and its way to Kiro as objects, so nothing in it has to know that somebody looks.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.reply import ReplyEvent
from kiro_trio.credentials.calls import SmallCalls, SmallResponse
from kiro_trio.credentials.credential import Lease, Proxy
from kiro_trio.credentials.standing import Penalty
from kiro_trio.gateway.live import LiveAttempt, LiveRequest, Phase
from kiro_trio.gateway.metrics import Metrics
from kiro_trio.kiro.endpoint import Call
from kiro_trio.kiro.request import KiroRequest
from kiro_trio.session.run import Attempt, Deliver, Leases

_CALLS = {
    "refreshtoken": "renewal",
    "token": "renewal",
    "getusagelimits": "usage",
    "listavailablemodels": "models",
    "listavailableprofiles": "profiles",
    "mcp": "search",
    "invokemcp": "search",
}
"""What a small call is for, by the last word of its path or of its `x-amz-target`, in lower case."""


@dataclass(frozen=True, slots=True)
class WatchedLeases:
    """`kiro_trio.session.run.Leases` of one request."""

    leases: Leases
    request: LiveRequest

    async def lease(
        self, *, model_id: str, session: str, avoid: AbstractSet[int] = frozenset()
    ) -> Lease | Failure:
        """As the leases do it."""
        self.request.enter(Phase.WAITING)
        try:
            return await self.leases.lease(model_id=model_id, session=session, avoid=frozenset(avoid))
        finally:
            self.request.enter(Phase.BETWEEN)

    async def renew(self, lease: Lease) -> Lease | Failure:
        """As the leases do it."""
        self.request.enter(Phase.RENEWING)
        try:
            return await self.leases.renew(lease)
        finally:
            self.request.enter(Phase.BETWEEN)

    def rebind(self, lease: Lease) -> Lease | None:
        """As the leases do it."""
        return self.leases.rebind(lease)

    def settle(self, lease: Lease, failure: Failure | None, penalty: Penalty) -> None:
        """As the leases do it."""
        self.leases.settle(lease, failure, penalty)

    def outlook(self, model_id: str) -> float | None:
        """As the leases do it."""
        return self.leases.outlook(model_id)


@dataclass(frozen=True, slots=True)
class WatchedAttempts:
    """`kiro_trio.session.run.Attempt` of one request."""

    attempt: Attempt
    request: LiveRequest
    metrics: Metrics

    async def __call__(self, request: KiroRequest, lease: Lease, deliver: Deliver, patience: float) -> Ended:
        """Make one try, and note when its words come."""
        entry, metrics, now = self.request, self.metrics, trio.lowlevel.current_clock().current_time
        note_silence = metrics.silences.note
        entry.enter(Phase.ASKED)
        mine = LiveAttempt(lease.credential_id, entry.since)
        entry.attempts.append(mine)
        if entry.recording is not None:
            entry.recording.begin()
        waiting_since = mine.started

        async def watched(events: Sequence[ReplyEvent]) -> None:
            nonlocal waiting_since
            gap = now() - waiting_since  # without the time that the client took for what came before
            if mine.first is None:
                mine.first = waiting_since + gap
                entry.enter(Phase.ANSWERING)
                metrics.first_byte.observe(gap)
            else:
                note_silence(gap)
            mine.batches += 1
            await deliver(events)
            waiting_since = now()

        mine.fault = Fault.CLIENT_GONE
        try:
            ended = await self.attempt(request, lease, watched, patience)
            mine.fault = None if ended.failure is None else ended.failure.fault
            return ended
        finally:
            entry.enter(Phase.BETWEEN)
            mine.ended = entry.since


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """`kiro_trio.credentials.calls.SmallCalls` that tells `note` what each call was for and whether it was answered.

    `purpose` is what all of them are for, "" if each says it itself.
    """

    calls: SmallCalls
    note: Callable[[str, str], None]
    purpose: str = ""

    async def send(self, call: Call, proxy: Proxy | None) -> SmallResponse | Failure:
        """As the calls do it."""
        answer = await self.calls.send(call, proxy)
        told = answer.fault.name.lower() if isinstance(answer, Failure) else f"{answer.status // 100}xx"
        self.note(self.purpose or purpose_of(call), told)
        return answer


def purpose_of(call: Call) -> str:
    """What a small call is for: `renewal`, `usage`, `models`, `profiles`, `search` or `other`."""
    target = dict(call.headers).get("x-amz-target", "") or call.url.partition("?")[0]
    word = target.rstrip("/").replace(".", "/").rpartition("/")[2]
    return _CALLS.get(word.lower(), "other")

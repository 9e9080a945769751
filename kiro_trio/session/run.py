"""Session: one client request from its first attempt to its one ending.

```
session nursery
├── keep_alive    a ping whenever the outbox has been quiet
├── drain_watch   the server is being stopped: say so, instead of vanishing
└── relay         attempts, one after another, until a reply is whole or the plan says to give up
```

Nothing is opened before `Session.run` starts and nothing is left open when it returns, however it returns: cancelling
it (the client left) closes Kiro's socket, frees the credential's slot and sends nothing more.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.reply import Finished, ReplyEvent, Usage
from kiro_trio.credentials.credential import Lease
from kiro_trio.credentials.standing import Penalty
from kiro_trio.kiro.faults import UNEXPLAINED
from kiro_trio.kiro.request import KiroRequest
from kiro_trio.session.outbox import Outbox
from kiro_trio.session.plan import (
    SAME_CREDENTIAL,
    Next,
    Progress,
    Tries,
    Verdict,
    client_error,
    judge,
    promised,
)

# The part of the window from which on a prompt that Kiro calls malformed is taken for one that is too long. Estimates of
# code are up to a third too low. Taken wrongly, the client shortens its conversation once and then hears the truth; the
# other way round the conversation would be stuck.
_SUSPECT = 0.7

Deliver = Callable[[Sequence[ReplyEvent]], Awaitable[None]]
Attempt = Callable[[KiroRequest, Lease, Deliver, float], Awaitable[Ended]]
"""One try: (request, lease, deliver, patience) -> how it ended. `patience` is the longest wait, in seconds, for the
first byte; `deliver` is awaited with the reply events that one socket read brought."""


class Translator(Protocol):
    """Turns the reply events of one attempt into a client's own words."""

    @property
    def closed_tool(self) -> bool:
        """A tool call has been passed on whole: the client may already be running it."""

    def translate(self, events: Iterable[ReplyEvent]) -> bytes:
        """Return what to send for these events now; may hold them back and return nothing."""

    def keepalive(self) -> bytes:
        """Return a sign of life that fits where the reply stands now."""

    def error(self, error_type: str, message: str) -> bytes:
        """Return the one event that says that the reply broke off."""

    def result(self) -> bytes:
        """Return the last bytes of a whole reply (of an answer in one piece: all of it)."""


class Leases(Protocol):
    """Where credentials come from: `kiro_trio.credentials.keeper.Keeper`."""

    async def lease(self, *, model_id: str, session: str, avoid: frozenset[int] = ...) -> Lease | Failure:
        """Pick a credential that is not in `avoid`, wait for its slot, renew its token if need be."""

    async def renew(self, lease: Lease) -> Lease | Failure:
        """Renew the token although it looks valid; the slot is kept."""

    def rebind(self, lease: Lease) -> Lease | None:
        """Switch to the other form of profile ARN, if it is untried; the slot is kept."""

    def settle(self, lease: Lease, failure: Failure | None, penalty: Penalty) -> None:
        """Give the slot back, exactly once per lease, and say how it went."""

    def outlook(self, model_id: str) -> float | None:
        """In how many seconds a credential can take such a request: 0.0 for now, None if time does not tell."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a session waits, in seconds.

    `grace`: how long a real HTTP status is still possible while Kiro is silent; then the 200 opens with a ping.
    `ping`: the longest silence towards the client after that. `deadline`: all tries together, before content.
    """

    grace: float = 20.0
    ping: float = 10.0
    deadline: float = 280.0


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as it went, for the log and the owner's view. `failure` is None when the reply was whole."""

    credential_id: int
    seconds: float
    failure: Failure | None


@dataclass(slots=True)
class Outcome:
    """How a session went. `failure` is None when the client has the whole reply."""

    failure: Failure | None = None
    attempts: list[AttemptRecord] = field(default_factory=list)
    usage: Usage | None = None
    first_content: float | None = None
    """Seconds from the start to the first content that was sent."""
    bug: BaseException | None = None
    """What went wrong in our own code, with its traceback; the client was told `api_error`."""


class Session:
    """One request, its attempts and its one answer.

    Args:
        request: what to ask, ready to be said to Kiro.
        session_key: groups the requests of one conversation (soft credential affinity).
        estimate: our estimate of the prompt's tokens, told to the client when the prompt is too long.
        new_translator: called once per attempt, so that no words of two attempts are ever mixed.
        live: the client reads along (False: the answer comes in one piece, and nothing is sent before it is whole).
        leases, attempt: where credentials come from, and how one try is made.
        closing: set when the server is being stopped and running sessions should end now.
        jitter: returns random numbers from 0 to 1.
    """

    def __init__(  # noqa: PLR0913 - a session is where everything meets, once
        self,
        *,
        request: KiroRequest,
        session_key: str,
        estimate: int,
        new_translator: Callable[[], Translator],
        live: bool,
        leases: Leases,
        attempt: Attempt,
        patience: Patience,
        closing: trio.Event,
        jitter: Callable[[], float],
    ) -> None:
        self.outcome = Outcome()
        self._request = request
        self._session_key = session_key
        self._estimate = estimate
        self._new_translator = new_translator
        self._translator = new_translator()
        self._live = live
        self._leases = leases
        self._attempt = attempt
        self._patience = patience
        self._closing = closing
        self._jitter = jitter
        self._started = 0.0
        self._tries = Tries()
        self._cancel_scope: trio.CancelScope | None = None
        self._stopped_by: Failure | None = None
        self._told = False  # the client has the last event of a whole reply

    async def run(self, outbox: Outbox) -> Outcome:
        """Answer through `outbox`, exactly once, and return how it went.

        Never raises for anything that Kiro or the network do. Cancellation is not caught: it closes what is open and
        leaves the answer unfinished, which the client sees as a broken connection.
        """
        self._started = trio.current_time()
        self.outcome.failure = Failure(Fault.CLIENT_GONE)
        failure = await self._pursue(outbox)
        if self._told:
            failure = None  # what comes behind the end is nothing to the client
        if failure is None:
            await outbox.finish(self._translator.result())
        else:
            failure = self._measured(promised(failure, self._leases.outlook(self._request.model_id)))
            error = client_error(failure)
            # The last translator may have ended a reply whose end was not sent any more.
            await outbox.refuse(error, self._new_translator().error(error.error_type, error.message))
        self.outcome.failure = failure
        return self.outcome

    def stop(self, fault: Fault) -> None:
        """End the session from outside with `fault`, as an error that the client is told."""
        self._stopped_by = self._stopped_by or Failure(fault)
        if self._cancel_scope is not None:
            self._cancel_scope.cancel(reason=fault.value)

    async def _pursue(self, outbox: Outbox) -> Failure | None:
        """Run the tasks of the session until one of them knows how it ends."""
        ended: list[Failure | None] = []
        try:
            async with trio.open_nursery() as nursery:
                self._cancel_scope = nursery.cancel_scope
                if self._live:
                    nursery.start_soon(self._keep_alive, outbox)
                nursery.start_soon(self._drain_watch, outbox)
                ended.append(await self._relay(outbox))
                async with outbox.settled():  # a ping may be on its way just now
                    nursery.cancel_scope.cancel(reason="the relay is done")
        except ExceptionGroup as bug:  # ours: whatever Kiro and the network do is a value by now
            self.outcome.bug = bug
            return Failure(Fault.INTERNAL, type(bug.exceptions[0]).__name__)
        return ended[0] if ended else self._stopped_by

    async def _keep_alive(self, outbox: Outbox) -> None:
        ping = self._patience.ping
        while True:
            now = trio.current_time()
            due = outbox.quiet_since + (self._patience.grace if outbox.progress is Progress.SILENT else ping)
            if now < due:
                # Never longer than a ping's time: the first content may come meanwhile, and shortens the patience.
                await trio.sleep_until(min(due, now + ping))
            else:
                await outbox.ping(self._translator.keepalive())
                await trio.sleep(ping / 10)  # if a write is stuck, look again soon, not at once

    async def _drain_watch(self, outbox: Outbox) -> None:
        await self._closing.wait()
        async with outbox.settled():  # not in the middle of a write
            self.stop(Fault.SHUTTING_DOWN)

    async def _relay(self, outbox: Outbox) -> Failure | None:
        """Make attempts until the reply is whole (None) or there is nothing left to try."""
        avoid: set[int] = set()
        last: Failure | None = None
        while True:
            lease = await self._lease(frozenset(avoid))
            if isinstance(lease, Failure):
                return (
                    lease if last is None else last
                )  # why the last one failed says more than that none is left
            last, verdict = await self._use(lease, outbox)
            if last is None or verdict.next is Next.GIVE_UP:
                return last
            if trio.current_time() >= self._started + self._patience.deadline:
                return last
            avoid.add(lease.credential_id)

    async def _lease(self, avoid: frozenset[int]) -> Lease | Failure:
        with trio.move_on_at(self._started + self._patience.deadline):
            return await self._leases.lease(
                model_id=self._request.model_id, session=self._session_key, avoid=avoid
            )
        return Failure(Fault.DEADLINE, "while waiting for an account")

    async def _use(self, lease: Lease, outbox: Outbox) -> tuple[Failure | None, Verdict]:
        """Use one credential until the reply is whole or the plan says to leave it; settle it in any case."""
        failure, verdict = _LEFT
        try:
            while True:
                failure, verdict = _LEFT  # what it is if we are cancelled in the next line: nobody's fault
                failure = await self._try_once(lease, outbox)
                if failure is None:
                    return None, verdict
                verdict = self._judge(failure, lease, outbox)
                if verdict.next not in SAME_CREDENTIAL:
                    return failure, verdict
                better = await self._prepare(verdict, lease, failure.fault)
                if isinstance(better, Failure):
                    failure, verdict = better, self._judge(better, lease, outbox)
                if not isinstance(better, Lease):
                    return failure, _elsewhere(verdict)
                lease = better
        finally:
            self._leases.settle(lease, None if self._told else failure, verdict.penalty)

    def _judge(self, failure: Failure, lease: Lease, outbox: Outbox) -> Verdict:
        self._tries.note(lease.credential_id, failure.fault)
        return judge(failure.fault, outbox.progress, self._tries, lease.credential_id, jitter=self._jitter())

    async def _prepare(self, verdict: Verdict, lease: Lease, fault: Fault) -> Lease | Failure | None:
        """Make ready for another try with the same credential; None if there is no such way."""
        match verdict.next:
            case Next.RENEW:
                with trio.move_on_at(self._started + self._patience.deadline):
                    return await self._leases.renew(lease)
                return Failure(Fault.DEADLINE, "while a token was renewed")
            case Next.REBIND:
                return self._leases.rebind(lease)
            case Next.SIMPLIFY:
                simpler = self._request.simpler(fault)
                if simpler is None:
                    return None
                self._request = simpler
                return lease
            case _:
                await trio.sleep(verdict.pause)
                return lease

    async def _try_once(self, lease: Lease, outbox: Outbox) -> Failure | None:
        self._translator = self._new_translator()
        began = trio.current_time()
        failure: Failure | None = Failure(Fault.CLIENT_GONE)

        async def deliver(events: Sequence[ReplyEvent]) -> None:
            data = self._translator.translate(events)
            if isinstance(events[-1], Finished):
                self.outcome.usage = next((event for event in events if isinstance(event, Usage)), None)
            if data:
                if self.outcome.first_content is None:
                    self.outcome.first_content = trio.current_time() - self._started
                await outbox.say(data, Progress.ACTED if self._translator.closed_tool else Progress.SPOKEN)
                if isinstance(events[-1], Finished):
                    self._told, self.outcome.failure = True, None

        try:
            patience = max(1.0, self._started + self._patience.deadline - began)
            ended = await self._attempt(self._request, lease, deliver, patience)
            failure = ended.failure
            if ended.unsaid and outbox.progress >= Progress.SPOKEN:
                await deliver(ended.unsaid)
        finally:
            seconds = trio.current_time() - began
            failure = None if self._told else failure
            self.outcome.attempts.append(AttemptRecord(lease.credential_id, seconds, failure))
        return failure

    def _measured(self, failure: Failure) -> Failure:
        """See the failure in the light of the prompt's size, which only here meets the model's window.

        An overflow gets the numbers that Kiro did not give, so that they say what is true: too many. Some models call a
        prompt that is too long just malformed: then its size tells. Source: docs/wire.md, "Limits".
        """
        window = self._request.window
        if failure.fault is Fault.BAD_REQUEST and failure.detail.endswith(UNEXPLAINED):
            if not window or self._estimate < window * _SUSPECT:
                return failure
            failure = replace(failure, fault=Fault.CONTEXT_OVERFLOW)
        if failure.fault is not Fault.CONTEXT_OVERFLOW:
            return failure
        limit = failure.limit or window
        return replace(failure, limit=limit, tokens=failure.tokens or max(self._estimate, limit + 1))


_LEFT: tuple[Failure | None, Verdict] = (Failure(Fault.CLIENT_GONE), Verdict(Next.GIVE_UP, Penalty.NONE))


def _elsewhere(verdict: Verdict) -> Verdict:
    """The verdict if this credential cannot be used again."""
    return replace(verdict, next=verdict.otherwise) if verdict.next in SAME_CREDENTIAL else verdict

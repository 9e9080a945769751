"""Errands: work that many tasks may want at the same moment, that is done once, and that nobody's leaving stops.

A refresh token that was exchanged and not stored is lost, and its account with it. So renewals run here, in a nursery of
their own and shielded, and those who want the result only wait for it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.telemetry import get_logger

Work = Callable[[], Awaitable[Failure | None]]
"""What is to be done; returns None when it is, or why it is not."""

_LOG = get_logger("credentials")


@contextmanager
def survived(what: str) -> Iterator[None]:
    """Let a bug in `what`, which is done again and again, be logged and no more: every account still works."""
    try:
        yield
    except Exception:  # noqa: BLE001 - see the docstring
        _LOG.exception("a task failed", task=what)


@dataclass(slots=True)
class _Errand:
    done: trio.Event = field(default_factory=trio.Event)
    failure: Failure | None = None


class Errands:
    """One kind of errand, one at a time per credential.

    `limit` seconds are the longest that one may take, `grace` what is left of it when the gateway stops. One that takes
    too long or has a bug ends in a `Failure` with `fault`.
    """

    def __init__(self, name: str, fault: Fault, *, limit: float, grace: float = 10.0) -> None:
        self._name = name
        self._fault = fault
        self._limit = limit
        self._grace = grace
        self._nursery: trio.Nursery | None = None
        self._errands: dict[int, _Errand] = {}
        self._scopes: set[trio.CancelScope] = set()

    def __contains__(self, credential_id: int) -> bool:
        return credential_id in self._errands

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Make errands possible until cancelled; those under way have `grace` seconds left then."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None
                for scope in self._scopes:
                    scope.deadline = min(scope.deadline, trio.current_time() + self._grace)

    def start(self, credential_id: int, work: Work) -> _Errand | None:
        """Begin the errand, unless it is under way already; None if the gateway is being stopped."""
        errand = self._errands.get(credential_id)
        if errand is None and self._nursery is not None:
            errand = self._errands[credential_id] = _Errand()
            self._nursery.start_soon(self._do, credential_id, work, errand)
        return errand

    async def wait(self, credential_id: int, work: Work) -> Failure | None:
        """Wait for the errand, which is begun if it is not under way. Cancelling the wait leaves it alone."""
        errand = self.start(credential_id, work)
        if errand is None:
            await trio.lowlevel.checkpoint()
            return Failure(Fault.SHUTTING_DOWN, f"no {self._name} any more")
        await errand.done.wait()
        return errand.failure

    async def _do(self, credential_id: int, work: Work, errand: _Errand) -> None:
        left = self._grace if self._nursery is None else self._limit
        scope = trio.CancelScope(deadline=trio.current_time() + left, shield=True)
        self._scopes.add(scope)
        try:
            with scope:
                errand.failure = await work()
            if scope.cancelled_caught:
                errand.failure = Failure(self._fault, f"the {self._name} took too long")
        except Exception as error:  # noqa: BLE001
            # A bug here must not stop the gateway: every other account still works.
            _LOG.exception("an errand failed", errand=self._name, credential=credential_id)
            errand.failure = Failure(self._fault, f"a bug of the gateway ({type(error).__name__})")
        finally:
            self._scopes.discard(scope)
            self._errands.pop(credential_id, None)
            errand.done.set()

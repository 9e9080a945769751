"""The books of the gateway: what is kept of requests, who its clients are, and what accounts have left."""

from dataclasses import dataclass

import trio

from kiro_trio.gateway.balances import Balances
from kiro_trio.gateway.clients import Clients
from kiro_trio.gateway.history import History
from kiro_trio.gateway.settled import SettledRequest


@dataclass(frozen=True, slots=True)
class Books:
    """History, client keys and balances; `clients` have been opened, `run` keeps all of them up to date."""

    history: History
    clients: Clients
    balances: Balances

    def note(self, request: SettledRequest) -> None:
        """Enter a request that is over."""
        self.history.note(request)
        self.clients.limits.charge(request)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write and follow until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.history.run)
            await nursery.start(self.clients.run)
            nursery.start_soon(self.balances.run)
            task_status.started()

    @property
    def problems(self) -> tuple[str, ...]:
        """What the owner should mend."""
        return tuple(filter(None, (self.history.problem, self.clients.problem)))

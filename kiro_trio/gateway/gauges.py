"""What can be looked up at any moment, as gauges for Prometheus: requests, the queue, and how accounts stand."""

from collections.abc import Iterator
from typing import Protocol

import trio
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kiro_trio.credentials.status import AccountStatus
from kiro_trio.gateway.balances import Balances
from kiro_trio.gateway.live import Live, Phase


class Source(Protocol):
    """Where the gauges look: `kiro_trio.credentials.keeper.Keeper`."""

    def standings(self) -> list[AccountStatus]:
        """All accounts as they are now."""

    def waiting(self) -> int:
        """How many requests wait for an account."""


class Gauges(Collector):
    """The gauges of one gateway. An account has one state at a time, and a row for that one only."""

    def __init__(self, source: Source, live: Live, balances: Balances) -> None:
        self._source = source
        self._live = live
        self._balances = balances

    def collect(self) -> Iterator[Metric]:
        """Look."""
        phases = GaugeMetricFamily(
            "kiro_trio_in_flight", "Requests for a message that run now, by what they do.", labels=("phase",)
        )
        doing = [request.phase for request in self._live]
        for phase in Phase:
            phases.add_metric([phase.name.lower()], doing.count(phase))
        yield phases
        yield GaugeMetricFamily(
            "kiro_trio_queue", "Requests that wait for an account.", value=self._source.waiting()
        )
        yield GaugeMetricFamily(
            "kiro_trio_tasks",
            "Tasks of the whole process: a few, and a handful per connection that is being served.",
            value=trio.lowlevel.current_statistics().tasks_living,
        )
        yield from self._accounts()
        left = GaugeMetricFamily(
            "kiro_trio_account_credits_remaining",
            "Credits that an account had left when somebody asked last.",
            labels=("credential",),
        )
        for credential_id, balance in self._balances.known():
            left.add_metric([str(credential_id)], balance.limits.remaining)
        yield left

    def _accounts(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "kiro_trio_account_state", "1 for how an account stands now.", labels=("credential", "state")
        )
        busy = GaugeMetricFamily(
            "kiro_trio_account_in_flight", "Requests that an account serves now.", labels=("credential",)
        )
        until = GaugeMetricFamily(
            "kiro_trio_account_out_until_seconds",
            "When an account that is out is back by itself, as epoch seconds.",
            labels=("credential",),
        )
        standings = self._source.standings()
        for account in standings:
            name = str(account.id)
            state.add_metric([name, account.standing.name.lower()], 1)
            busy.add_metric([name], account.in_flight)
            if account.until is not None:
                until.add_metric([name], account.until)
        yield GaugeMetricFamily(
            "kiro_trio_accounts_available",
            "Accounts that take requests now.",
            value=sum(account.standing.name == "READY" for account in standings),
        )
        yield from (state, busy, until)

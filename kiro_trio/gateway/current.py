"""Which account is the one in use. Pure but for the look at the accounts that it is handed."""

from collections.abc import Iterable

from kiro_trio.credentials.standing import Standing
from kiro_trio.credentials.status import AccountStatus
from kiro_trio.gateway.gateway import Gateway


def current_id(gateway: Gateway, statuses: Iterable[AccountStatus]) -> int:
    """The account that would take the next request (in balanced mode: that took the last one), 0 if there is none."""
    ready = [status for status in statuses if status.standing is Standing.READY]
    if not ready:
        return 0
    if gateway.settings.load_balancing_mode == "balanced":
        return max(ready, key=lambda status: status.last_used_at or 0.0).id
    free = [status for status in ready if status.in_flight < status.limit]
    return min(free or ready, key=lambda status: (status.priority, status.id)).id

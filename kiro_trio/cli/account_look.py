"""How an account looks to its owner at the terminal: one row, as text and as JSON."""

from dataclasses import dataclass
from typing import Any

from kiro_trio.cli.figures import amount
from kiro_trio.cli.terminal import printable
from kiro_trio.cli.words import day, until
from kiro_trio.credentials.expiry import format_expiry
from kiro_trio.credentials.standing import Standing
from kiro_trio.credentials.status import AccountStatus
from kiro_trio.kiro.usage import UsageLimits


@dataclass(frozen=True, slots=True)
class Look:
    """An account with what Kiro says it has left, None if nobody could be asked. `now` is epoch seconds."""

    status: AccountStatus
    usage: UsageLimits | None
    now: float

    @property
    def ready(self) -> bool:
        """Whether it takes requests."""
        return self.status.standing is Standing.READY

    def cells(self) -> tuple[str, ...]:
        """The row of the table: id, mail, kind, plan, remaining, state, expiry."""
        status = self.status
        return (
            str(status.id),
            printable(status.email) or ("(KIRO_API_KEY)" if status.from_environment else "-"),
            status.kind,
            printable(self.usage.title if self.usage else status.subscription_title) or "-",
            f"{amount(self.usage.remaining)} of {amount(self.usage.limit)}" if self.usage else "?",
            self._state(),
            self._expiry(),
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs; moments are RFC 3339."""
        status, usage = self.status, self.usage
        return {
            "id": status.id,
            "email": status.email or None,
            "kind": status.kind,
            "authMethod": status.auth_method,
            "plan": (usage.title if usage else status.subscription_title) or None,
            "remaining": usage.remaining if usage else None,
            "limit": usage.limit if usage else None,
            "used": usage.used if usage else None,
            "resetsAt": _moment(usage.next_reset if usage else status.resets_at),
            "state": status.standing.name.lower(),
            "sentence": status.sentence,
            "reason": status.reason or None,
            "until": _moment(status.until),
            "expiresAt": _moment(status.expires_at),
            "priority": status.priority,
            "disabled": status.disabled,
            "endpoint": status.endpoint,
            "authRegion": status.auth_region,
            "apiRegion": status.api_region,
            "proxy": status.proxy or None,
            "lastUsedAt": _moment(status.last_used_at),
            "fromEnvironment": status.from_environment,
        }

    def _state(self) -> str:
        status = self.status
        if self.ready:
            return "ready"
        back = "" if status.until is None else f" (back in {until(status.until, self.now)})"
        return printable(status.sentence) + back

    def _expiry(self) -> str:
        if self.status.auth_method == "api_key":
            return "never"
        expires_at = self.status.expires_at
        if expires_at is None or expires_at <= self.now:
            return "renewed when used"
        return f"in {until(expires_at, self.now)}" if expires_at < self.now + 86_400 else day(expires_at)


def _moment(moment: float | None) -> str | None:
    return None if moment is None else format_expiry(moment)

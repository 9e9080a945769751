"""`GET /v1/kiro-trio/usage`: what a client may know of its own use, for status lines. Nobody else's, and no secret."""

import re
from contextlib import suppress

import msgspec
from quart import Response, g, request

from kiro_trio.credentials.status import AccountStatus
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.gateway.current import current_id
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.history import HistoryUnavailable
from kiro_trio.gateway.rows import SessionRow
from kiro_trio.gateway.settled import session_digest

# A status line is shown while somebody types; what Kiro has not said by then is in the next one.
_PATIENCE = 1.0
_SESSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Key(msgspec.Struct, rename="camel"):
    """The client's own key, and the limit that the owner gave it (None: none)."""

    name: str
    credits_this_month: float
    credits_per_month: float | None


class InUse(msgspec.Struct, rename="camel"):
    """The account of the session's last try, else the one that would be next. Credits are None until Kiro has told.

    `email` is masked, `standing` as the owner's API has it, `resets_at` and `told_at` are epoch seconds.
    """

    id: int
    email: str
    plan: str
    standing: str
    remaining: float | None
    limit: float | None
    resets_at: float | None
    told_at: float | None


class Usage(msgspec.Struct, rename="camel"):
    """The whole answer; `account` is None if there is none, `session` if none was asked for or nothing is known of it."""

    key: Key
    account: InUse | None
    session: SessionRow | None


async def show_usage(gateway: Gateway) -> Response:
    """Say what the asking client has used, in one session (`?session=UUID`) and this month, and what is left."""
    named = request.args.get("session", "").lower()
    if named and not _SESSION.fullmatch(named):
        raise InvalidRequest("session: must be a UUID")
    session = await _session(gateway, g.client, named) if named else None
    content = Usage(_key(gateway, g.client), await _account(gateway, session), session)
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(content), 200, headers, content_type="application/json")


def masked_email(email: str) -> str:
    """Enough of an address to tell one's own accounts apart."""
    name, at, domain = email.rpartition("@")
    return f"{name[:1]}***{at}{domain}" if name else email[:1] + "***" * bool(email)


async def _session(gateway: Gateway, client: str, named: str) -> SessionRow | None:
    with suppress(HistoryUnavailable):
        return await gateway.books.history.session(session_digest(f"{client}:{named}"))
    return None


def _key(gateway: Gateway, name: str) -> Key:
    clients = gateway.books.clients
    limit = next((key.credits_per_month for key in clients.keys if key.name == name), None)
    return Key(name, clients.limits.spent(name), limit)


async def _account(gateway: Gateway, session: SessionRow | None) -> InUse | None:
    statuses = {status.id: status for status in gateway.keeper.standings()}
    last = statuses.get(-1 if session is None or session.credential is None else session.credential)
    status = last or statuses.get(current_id(gateway, statuses.values()))
    if status is None and len(statuses) == 1:
        (status,) = statuses.values()  # the only one, and out: its standing says why
    return None if status is None else await _in_use(gateway, status)


async def _in_use(gateway: Gateway, status: AccountStatus) -> InUse:
    told = await gateway.books.balances.glance(status.id, _PATIENCE)
    limits = None if told is None else told.limits
    return InUse(
        id=status.id,
        email=masked_email(status.email or (limits.email if limits else "")),
        plan=(limits.title if limits else "") or status.subscription_title,
        standing=status.standing.name.lower(),
        remaining=limits.remaining if limits else None,
        limit=limits.limit if limits else None,
        resets_at=limits.next_reset if limits else status.resets_at,
        told_at=told.at if told else None,
    )

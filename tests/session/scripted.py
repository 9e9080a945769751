"""A session's neighbours, by script: attempts that say and fail what a test tells them, and a client that records."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.reply import ReplyEvent
from kiro_trio.credentials.credential import Lease
from kiro_trio.credentials.standing import Penalty
from kiro_trio.dialects.anthropic.stream import MessageStream
from kiro_trio.session.outbox import Headers, Outbox
from kiro_trio.session.plan import ClientError
from kiro_trio.session.run import Outcome, Patience, Session


@dataclass
class Say:
    """One read of Kiro's socket brings these events."""

    events: list[ReplyEvent]


@dataclass
class Pause:
    seconds: float


@dataclass
class Script:
    """What one attempt does; `failure` None: the reply is whole."""

    steps: list[Say | Pause] = field(default_factory=list)
    failure: Failure | None = None


class ScriptedKiro:
    """Attempts by script, the last script for ever; remembers how each was left."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = scripts
        self.calls: list[tuple[object, int]] = []
        self.left: list[str] = []

    async def __call__(self, request, lease: Lease, deliver, patience: float) -> Ended:
        script = self.scripts[min(len(self.calls), len(self.scripts) - 1)]
        self.calls.append((request, lease.credential_id))
        self.left.append("cancelled")
        for step in script.steps:
            if isinstance(step, Say):
                await deliver(step.events)
            else:
                with trio.move_on_after(patience) as scope:
                    await trio.sleep(step.seconds)
                if scope.cancelled_caught:
                    self.left[-1] = "ended"
                    return Ended(Failure(Fault.FIRST_BYTE_TIMEOUT))
        self.left[-1] = "ended"
        return Ended(script.failure)


@dataclass
class ScriptedLeases:
    """Accounts 1..n; leases the first that is not avoided."""

    accounts: int = 3
    open: dict[int, Lease] = field(default_factory=dict)
    settled: list[tuple[int, Failure | None, Penalty]] = field(default_factory=list)
    renewals: int = 0
    rebinds: int = 0
    renewal_failure: Failure | None = None
    renewal_time: float = 0.1
    outlooks: float | None = None
    _tickets: itertools.count = field(default_factory=itertools.count)

    async def lease(
        self, *, model_id: str, session: str, avoid: frozenset[int] = frozenset()
    ) -> Lease | Failure:
        await trio.lowlevel.checkpoint()
        for account in range(1, self.accounts + 1):
            if account not in avoid:
                lease = make_lease(account, next(self._tickets))
                self.open[lease.ticket] = lease
                return lease
        return Failure(Fault.NO_CREDENTIAL, retry_after=33.0)

    async def renew(self, lease: Lease) -> Lease | Failure:
        self.renewals += 1
        await trio.sleep(self.renewal_time)
        return self.renewal_failure or lease

    def rebind(self, lease: Lease) -> Lease | None:
        self.rebinds += 1
        return lease if self.rebinds == 1 else None

    def settle(self, lease: Lease, failure: Failure | None, penalty: Penalty) -> None:
        del self.open[lease.ticket]
        self.settled.append((lease.credential_id, failure, penalty))

    def outlook(self, model_id: str) -> float | None:
        return self.outlooks


def make_lease(account: int, ticket: int = 0) -> Lease:
    return Lease(
        credential_id=account,
        access_token=f"token-{account}",
        api_key=False,
        api_region="us-east-1",
        auth_region="us-east-1",
        endpoint="ide",
        profile_arn=None,
        machine_id="0" * 64,
        proxy=None,
        ticket=ticket,
    )


@dataclass
class ScriptedRequest:
    model_id: str = "claude-sonnet-4.5"
    window: int = 200_000
    plainer: "ScriptedRequest | None" = None

    def simpler(self, fault: Fault) -> "ScriptedRequest | None":
        return self.plainer


class RecordingDoor:
    """A client that reads, and takes `delay` seconds for a write; each is kept with its time. `blocked` holds writes up."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.status: int | None = None
        self.headers: Headers = ()
        self.writes: list[tuple[float, bytes]] = []
        self.ended = 0
        self.opened_at: float | None = None
        self.blocked: trio.Event | None = None

    async def start(self, status: int, headers: Headers) -> None:
        await trio.lowlevel.checkpoint()
        assert self.status is None
        self.status, self.headers, self.opened_at = status, headers, trio.current_time()

    async def write(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.blocked is not None:
            await self.blocked.wait()
        if self.delay:
            await trio.sleep(self.delay)
        assert self.status is not None
        assert not self.ended
        self.writes.append((trio.current_time(), data))

    async def end(self, data: bytes = b"") -> None:
        if data:
            await self.write(data)
        await trio.lowlevel.checkpoint()
        self.ended += 1

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.writes)

    def events(self) -> list[tuple[str, dict]]:
        parsed = []
        for block in self.body.decode().split("\n\n"):
            if block:
                name, data = block.split("\n", 1)
                parsed.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return parsed

    def names(self) -> list[str]:
        return [name for name, _ in self.events()]

    def text(self) -> str:
        return "".join(
            data["delta"].get("text", "") for name, data in self.events() if name == "content_block_delta"
        )


class PlainDialect:
    """Anthropic's error body without its ornaments."""

    def open_headers(self, content_length: int | None) -> Headers:
        return [] if content_length is None else [(b"content-length", str(content_length).encode())]

    def refuse(self, error: ClientError) -> tuple[Headers, bytes]:
        body = {"type": "error", "error": {"type": error.error_type, "message": error.message}}
        headers = (
            [] if error.retry_after is None else [(b"retry-after", str(int(error.retry_after)).encode())]
        )
        return headers, json.dumps(body).encode()


@dataclass
class Stage:
    """One session on its stage."""

    kiro: ScriptedKiro
    leases: ScriptedLeases = field(default_factory=ScriptedLeases)
    door: RecordingDoor = field(default_factory=RecordingDoor)
    patience: Patience = field(default_factory=Patience)
    live: bool = True
    estimate: int = 123
    request: ScriptedRequest = field(default_factory=ScriptedRequest)
    translator: object = partial(MessageStream, "msg_1", "claude-sonnet-4-5", 7)
    closing: trio.Event = field(default_factory=trio.Event)
    session_type: type[Session] = Session
    outbox_type: type[Outbox] = Outbox
    session: Session = field(init=False)
    outbox: Outbox = field(init=False)

    async def play(self) -> Outcome:
        self.session = self.session_type(
            request=self.request,
            session_key="s",
            estimate=self.estimate,
            new_translator=self.translator,
            live=self.live,
            leases=self.leases,
            attempt=self.kiro,
            patience=self.patience,
            closing=self.closing,
            jitter=lambda: 0.5,
        )
        self.outbox = self.outbox_type(self.door, PlainDialect())
        return await self.session.run(self.outbox)

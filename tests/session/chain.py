"""The whole chain below HTTP in virtual time: session, attempt, client and simulator, over memory streams."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import trio
import trio.testing

from kiro_trio.conversation.prompt import Prompt, Text, Tool, Turn
from kiro_trio.credentials.calls import Wire
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.stream import MessageStream
from kiro_trio.kiro.request import KiroRequest, build_request
from kiro_trio.session.outbox import Outbox
from kiro_trio.session.run import Outcome, Patience, Session
from kiro_trio.simulator.script import Match, Misfortunes, Reply, Rule, Script, Steps
from kiro_trio.simulator.server import handle_connection
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.upstream.attempt import Attempts, Limits
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.tls import client_context
from tests.session.scripted import PlainDialect, RecordingDoor, ScriptedLeases

BASH = Tool("Bash", "Run a command", {"type": "object", "properties": {"command": {"type": "string"}}})
PROMPT = Prompt(model="claude-sonnet-4-5", turns=(Turn("user", (Text("Hello"),)),), tools=(BASH,))
TLS = client_context()


def request_for(prompt: Prompt = PROMPT) -> KiroRequest:
    ids = "11111111-1111-4111-8111-111111111111"
    return build_request(prompt, conversation_id=ids, continuation_id=ids)


@dataclass
class Chain:
    """One session over a simulator; `play` it inside `trio.run(..., clock=MockClock(autojump_threshold=0))`."""

    simulator: Simulator
    live: bool = True
    leases: ScriptedLeases = field(default_factory=lambda: ScriptedLeases(accounts=2))
    door: RecordingDoor = field(default_factory=RecordingDoor)
    patience: Patience = field(default_factory=Patience)
    limits: Limits = field(default_factory=Limits)
    request: KiroRequest = field(default_factory=request_for)
    streams: list[trio.abc.Stream] = field(default_factory=list)
    closers: set[tuple[str, str]] = field(default_factory=set)
    outcome: Outcome | None = None

    async def play(self) -> Outcome:
        async with trio.open_nursery() as nursery:

            async def open_memory(_host: str, _port: int) -> trio.abc.Stream:
                ours, theirs = trio.testing.memory_stream_pair()
                self.streams.append(ours)
                nursery.start_soon(handle_connection, self.simulator, theirs)
                return ours

            client = Http1Client(TLS, open_tcp=open_memory)
            attempt = Attempts(
                client=client,
                wire=Wire(base="http://kiro.test"),
                limits=self.limits,
                max_message_size=16 * 1024 * 1024,
                wall=lambda: 1.8e9,
                closers=self.closers,
            )
            manner = MessageStream if self.live else MessageFold
            session = Session(
                request=self.request,
                session_key="",
                estimate=10,
                new_translator=partial(manner, "msg_1", "claude-sonnet-4-5", 10),
                live=self.live,
                leases=self.leases,
                attempt=attempt,
                patience=self.patience,
                closing=trio.Event(),
                jitter=lambda: 0.0,
            )
            self.outcome = await session.run(Outbox(self.door, PlainDialect()))
            await client.aclose()
            nursery.cancel_scope.cancel()
        return self.outcome

    def run(self) -> Outcome:
        return trio.run(self.play, clock=trio.testing.MockClock(autojump_threshold=0))


def replying(*replies: Reply) -> Simulator:
    """A simulator that gives these replies in turn, the last one for ever."""
    rules = [
        Rule(Match(nth=(1,)), reply) for reply in replies[:-1]
    ]  # each fires once, then the next one is reached
    return Simulator(script=Script((*rules, Rule(Match(), replies[-1]))))


def reply(
    *steps: Steps, misfortunes: Sequence[Misfortunes] = (), status: str | None = None, bare: bool = False
) -> Reply:
    return Reply(steps=steps or None, misfortunes=tuple(misfortunes), status=status, bare=bare)

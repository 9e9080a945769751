"""The requests that are running, as the tree they are: request, session, attempts. Read by the owner's live view.

Nobody is asked for it and nothing is copied while a request runs: it writes down a number now and then, and whoever
looks makes the picture.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

import trio

from kiro_trio.captures.recording import Recording
from kiro_trio.conversation.faults import Fault
from kiro_trio.session.outbox import Outbox
from kiro_trio.session.run import Session

# A client that does not read holds the write that an error event would have to wait for.
_CANCEL_PATIENCE = 1.0


class Phase(Enum):
    """What a running request is doing, as far as it can be seen from outside."""

    WAITING = "waits for an account"
    RENEWING = "waits for a new token"
    ASKED = "waits for Kiro"
    ANSWERING = "answers"
    BETWEEN = "rests between two tries"


@dataclass(slots=True, eq=False)
class LiveAttempt:
    """One try. Times are trio's; `first` is when the first events came, `batches` how many reads brought some.

    `ended` stays None while it runs; `fault` is then what became of it, None for a whole reply.
    """

    credential_id: int
    started: float
    first: float | None = None
    batches: int = 0
    ended: float | None = None
    fault: Fault | None = None


@dataclass(slots=True, eq=False)
class LiveRequest:
    """A request from the moment it is understood. `at` is epoch seconds; the other times are trio's.

    `client` is the name of the client's key, `model` Kiro's name of the model, `estimate` our count of the prompt's
    tokens. `conversation` names the conversation, "" if the client does not tell.
    """

    id: str
    at: float
    client: str
    model: str
    stream: bool
    estimate: int = 0
    prefix_hash: str = ""
    conversation: str = field(default="", repr=False)
    started: float = field(default_factory=trio.current_time)
    phase: Phase = Phase.WAITING
    since: float = field(default_factory=trio.current_time)
    attempts: list[LiveAttempt] = field(default_factory=list)
    session: Session | None = field(default=None, repr=False)
    outbox: Outbox | None = field(default=None, repr=False)
    recording: Recording | None = field(default=None, repr=False)

    def enter(self, phase: Phase) -> None:
        """Begin something else."""
        self.phase = phase
        self.since = trio.current_time()

    async def cancel(self) -> None:
        """End the request on its owner's behalf: the client is told, Kiro's socket is closed.

        Waits a moment for the write that is under way, so that the client hears a whole error event.
        """
        if self.session is None or self.outbox is None:
            return
        with trio.move_on_after(_CANCEL_PATIENCE):
            async with self.outbox.settled():
                self.session.stop(Fault.CANCELLED_BY_OWNER)
                return
        self.session.stop(Fault.CANCELLED_BY_OWNER)


class Live:
    """All running requests, the oldest first."""

    def __init__(self) -> None:
        self._requests: dict[str, LiveRequest] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[LiveRequest]:
        return iter(self._requests.values())

    def get(self, request_id: str) -> LiveRequest | None:
        """The request of that id, while it runs."""
        return self._requests.get(request_id)

    @contextmanager
    def present(self, request: LiveRequest, session: Session, outbox: Outbox) -> Iterator[None]:
        """Keep a request in the list while the context is open."""
        request.session, request.outbox = session, outbox
        self._requests[request.id] = request
        try:
            yield
        finally:
            del self._requests[request.id]

"""One sign-in as its owner follows it: what is to be opened, how far it is, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import trio

from kiro_trio.credentials.login.completion import Completed
from kiro_trio.credentials.login.desk import SignInFailed
from kiro_trio.credentials.login.providers import Provider

Read = Callable[[str], str]
"""Reads the code out of the address at which a browser ended; raises `NotOurCallback` or `SignInFailed`."""


class State(Enum):
    """How far a sign-in is; the last three are its ends."""

    WAITING = "waiting"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NeedsNoAddress(Exception):
    """The sign-in does not wait for an address; the message says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What sign-in is wanted.

    `browser`: in a browser that is sent back, and not with a code; `listen`: it runs on this machine, so that a port of
    ours can hear it come back. `settings` are keys that the owner wants in the account's entry.
    """

    provider: Provider
    start_url: str = ""
    region: str = ""
    browser: bool = False
    listen: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(slots=True, eq=False)
class SignIn:
    """A sign-in. Times are epoch seconds; `url` is "" until there is something to open, which `shown` says.

    `message` is a sentence for the person. `completed` is what was stored and learned, None unless it is done. `ended`
    is set when nothing of it runs any more.
    """

    id: str
    wish: Wish
    started_at: float
    expires_at: float
    state: State = State.WAITING
    message: str = "The sign-in service is being asked."
    url: str = field(default="", repr=False)
    user_code: str = ""
    redirect_uri: str = ""
    completed: Completed | None = None
    ended_at: float | None = None
    shown: trio.Event = field(default_factory=trio.Event, repr=False)
    ended: trio.Event = field(default_factory=trio.Event, repr=False)
    answered: trio.Event = field(default_factory=trio.Event, repr=False)
    answer: str | SignInFailed = field(default="", repr=False)
    _read: Read | None = field(default=None, repr=False)
    _scope: trio.CancelScope = field(default_factory=trio.CancelScope, repr=False)

    @property
    def needs_address(self) -> bool:
        """Whether the address at which the browser ended would finish it."""
        return self._read is not None and self.state is State.WAITING and not self.answered.is_set()

    def show(self, url: str, expires_at: float, *, user_code: str = "") -> None:
        """There is something to open, until `expires_at`."""
        self.url, self.expires_at, self.user_code = url, expires_at, user_code
        self.message = "Open the page and sign in."
        self.shown.set()

    def expect(self, read: Read, redirect_uri: str) -> None:
        """A browser will come back to `redirect_uri`, with an address out of which `read` gets the code."""
        self._read, self.redirect_uri = read, redirect_uri

    def bring(self, address: str) -> None:
        """Take the address at which the browser ended; the sign-in goes on, or ends, with what stands in it.

        Raises:
            NeedsNoAddress: it waits for none.
            NotOurCallback: the address does not finish this sign-in; it waits on.
        """
        if self._read is None:
            raise NeedsNoAddress("this sign-in is confirmed with its code and needs no address")
        if not self.needs_address:
            raise NeedsNoAddress("this sign-in waits for no address any more")
        try:
            self.take(self._read(address))
        except SignInFailed as refusal:
            self.take(refusal)

    def take(self, answer: str | SignInFailed) -> None:
        """The browser is back, with a code or with a no; only the first answer counts."""
        if not self.answered.is_set():
            self.answer = answer
            self.answered.set()
            if isinstance(answer, str):
                self.finish()

    def finish(self) -> None:
        """The person has done their part."""
        self.state, self.message = State.FINISHING, "Signed in. Kiro is being asked about the account."

    def end(self, state: State, message: str, now: float) -> None:
        """It is over; what comes after the first end changes nothing."""
        if self.ended_at is None:
            self.state, self.message, self.ended_at = state, message, now
            self.shown.set()

    async def run(self, work: Callable[[], Any]) -> None:
        """Do the work of the sign-in until it is done or `cancel` is called."""
        with self._scope:
            await work()

    async def cancel(self) -> None:
        """End it and wait until nothing of it runs; one that is being stored is stored."""
        self._scope.cancel(reason="the owner gives the sign-in up")
        await self.ended.wait()

"""What the handlers of the owner's API have at hand."""

from dataclasses import dataclass, field

import trio

from kiro_trio.admin.guesses import Guesses
from kiro_trio.admin.sessions import Sessions
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.gateway.gateway import Gateway


@dataclass(slots=True, eq=False)
class Place:
    """The gateway, and the owner's sessions. `feeds` counts the live views that are open, `began` is epoch seconds."""

    gateway: Gateway
    sessions: Sessions = field(default_factory=lambda: Sessions(wall_clock))
    guesses: Guesses = field(default_factory=lambda: Guesses(trio.current_time))
    began: float = field(default_factory=wall_clock)
    feeds: int = 0

"""What is noted of one request while it runs: references and counts; all work is left for later."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiro_trio.captures.capture import Ending


@dataclass(slots=True)
class Call:
    """One call to Kiro as it goes; see `kiro_trio.captures.capture.Exchange`. `said` is the body."""

    endpoint: str
    said: bytes = field(repr=False)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    framed: bool = True
    body: bytearray = field(default_factory=bytearray, repr=False)
    size: int = 0
    ending: Ending = "left"


class Recording:
    """One request; it is a `kiro_trio.upstream.attempt.Witness` of its attempts.

    Args:
        path: What was asked for, such as `/v1/messages`.
        headers: The client's, with names in lower case.
        body: As the client sent it.
        limit: How many bytes are kept: of the client's body, and of all answers of Kiro together.
    """

    __slots__ = ("_room", "asked", "headers", "path", "size", "tries")

    def __init__(self, path: str, headers: Mapping[str, str], body: bytes, limit: int) -> None:
        self.path = path
        self.headers = headers
        self.size = len(body)
        self.asked = body if len(body) <= limit else None
        self.tries: list[list[Call]] = []
        self._room = limit

    def begin(self) -> None:
        """Another try begins."""
        self.tries.append([])

    def said(self, endpoint: str, body: bytes) -> None:
        """Kiro is asked."""
        known = next((call.said for calls in self.tries for call in calls if call.said == body), body)
        self.tries[-1].append(Call(endpoint, known))

    def answered(self, status: int, headers: Mapping[str, str], *, framed: bool) -> None:
        """The head of the answer is there."""
        call = self._call
        call.status, call.headers, call.framed = status, headers, framed

    def heard(self, data: bytes) -> None:
        """Some of the answer's body has come."""
        call = self._call
        call.size += len(data)
        if self._room > 0:
            call.body += data[: self._room]
            self._room -= len(data)

    def ended(self, ending: Ending) -> None:
        """The answer is over; without a word about it, it was we who left."""
        self._call.ending = ending

    def fell_silent(self, number: int) -> None:
        """Kiro kept the try of this number waiting for too long."""
        if number < len(self.tries) and self.tries[number]:
            self.tries[number][-1].ending = "silent"

    @property
    def _call(self) -> Call:
        return self.tries[-1][-1]

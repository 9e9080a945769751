"""A capture: one exchange as a JSON file that `kiro-trio replay` reads. The format is told in docs/replay.md."""

import json
from typing import Annotated, Any, Literal

import msgspec

FORMAT = "kiro-trio capture"
VERSION = 1

Ending = Literal["whole", "broken", "silent", "left"]
"""How Kiro's answer ended: by itself; with the connection; in silence; or it was we who stopped listening."""

Prose = Literal["filler", "words"]


class NotACapture(ValueError):
    """What was read is no capture of ours; the message says why."""


class Piece(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A part of a capture."""


class Asked(Piece, frozen=True, kw_only=True):
    """What the client asked: `body` is its JSON, None if it was too large to be kept; `size` in bytes."""

    path: str
    headers: dict[str, str]
    size: int
    body: Any = None


class Exchange(Piece, frozen=True, kw_only=True):
    """One call and its answer.

    `said` is the number of the body in the capture's list, None if it is not kept. `status` is None if no answer began.
    `body` is the beginning of the answer's body, of `size` bytes. `framed`: it said itself where it ends.
    """

    endpoint: str
    said: int | None
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    headers: dict[str, str] = {}
    framed: bool = True
    body: bytes = b""
    size: int = 0
    ending: Ending = "left"


class Try(Piece, frozen=True, kw_only=True):
    """One attempt: `outcome` is `whole` or a fault's name, `account` the number of the account."""

    account: int
    seconds: float
    outcome: str
    status: int | None = None
    reason: str | None = None
    detail: str = ""
    exchanges: tuple[Exchange, ...] = ()


class Answer(Piece, frozen=True, kw_only=True):
    """How the client's answer ended; `status` is None when none had begun."""

    outcome: str
    status: int | None
    error_type: str = ""
    message: str = ""
    bytes: int = 0
    seconds: float = 0.0


class Capture(Piece, frozen=True, kw_only=True):
    """All of it. `at` is epoch seconds, `settings` those that change what is said to Kiro, `omitted` what is too large."""

    format: str = FORMAT
    version: int = VERSION
    gateway: str
    id: str
    at: float
    prose: Prose
    settings: dict[str, Any] = {}
    asked: Asked
    said: tuple[Any, ...] = ()
    tries: tuple[Try, ...] = ()
    answer: Answer
    omitted: tuple[str, ...] = ()


def encode_capture(capture: Capture, limit: int) -> bytes:
    """The file, of at most `limit` bytes: what is too large is left out, the easiest to spare first.

    Raises:
        ValueError: even what is left is larger.
    """
    data = _encoded(capture)
    for spared in (_without_said, _without_replies, _without_body):
        if len(data) <= limit:
            return data
        capture = spared(capture)
        data = _encoded(capture)
    if len(data) > limit:
        raise ValueError(f"a capture of {len(data)} bytes is larger than {limit}")
    return data


def is_capture(content: Any) -> bool:
    """Whether parsed JSON means to be a capture, of whatever version."""
    return isinstance(content, dict) and content.get("format") == FORMAT


def decode_capture(content: Any) -> Capture:
    """Read a capture from its parsed JSON.

    Raises:
        NotACapture: it is none, or one of another version, or damaged.
    """
    if not is_capture(content):
        raise NotACapture("is not a capture")
    if content.get("version") != VERSION:
        raise NotACapture(f"is a capture of version {content.get('version')!r}; this program reads {VERSION}")
    try:
        return msgspec.convert(content, Capture)
    except msgspec.ValidationError as error:
        raise NotACapture(f"is a damaged capture: {error}") from None


def _encoded(capture: Capture) -> bytes:
    # Half of a surrogate pair is no UTF-8, but it is a JSON escape.
    return json.dumps(msgspec.to_builtins(capture), indent=1).encode("ascii")


def _without_said(capture: Capture) -> Capture:
    tries = _tries(capture, said=None)
    return _omitting(capture, "said", said=(), tries=tries)


def _without_replies(capture: Capture) -> Capture:
    return _omitting(capture, "replies", tries=_tries(capture, body=b""))


def _without_body(capture: Capture) -> Capture:
    return _omitting(capture, "body", asked=msgspec.structs.replace(capture.asked, body=None))


def _omitting(capture: Capture, what: str, **changes: Any) -> Capture:
    return msgspec.structs.replace(capture, omitted=(*capture.omitted, what), **changes)


def _tries(capture: Capture, **changes: Any) -> tuple[Try, ...]:
    replace = msgspec.structs.replace
    return tuple(
        replace(one, exchanges=tuple(replace(exchange, **changes) for exchange in one.exchanges))
        for one in capture.tries
    )

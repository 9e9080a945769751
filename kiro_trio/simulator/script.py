"""What the simulator says and how it misbehaves, as frozen data that also loads from JSON or TOML text.

A `Script` is a list of rules; the first rule whose `Match` fits a request gives the `Reply`. A reply is made of
steps (what is said, in Kiro's own events) and misfortunes (what goes wrong with it, below and above HTTP). Every
misfortune goes with every reply, and with every other misfortune.
"""

import re
import tomllib
from typing import Any, Literal

import msgspec

from kiro_trio.simulator.refusals import REFUSALS, Status


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


How = Literal["reset", "close", "end"]
"""How a connection breaks: RST; FIN without the terminator of the body; or a clean end of a body cut short."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag=_kebab):
    """One thing the model does. In JSON the field `do` names it: `{"do": "say", "text": "Hi"}`, `call-tool`."""


class Say(Step, frozen=True):
    """Words of the answer. A list is sent as it is, one event each; a text in events of `piece` characters.

    `piece` 0 sends a text in one event. `every` is the pause between two events, in seconds.
    """

    text: str | tuple[str, ...]
    piece: int = 0
    every: float = 0.0


class Think(Step, frozen=True):
    """Thinking: natively as `reasoningContentEvent`, or between `<thinking>` tags in the text (`tags`).

    A native thought may carry a `signature`, or be only an opaque `redacted` text.
    """

    text: str | tuple[str, ...] = ""
    signature: str = ""
    redacted: str = ""
    tags: bool = False
    piece: int = 0
    every: float = 0.0


class CallTool(Step, frozen=True):
    """A tool call. A dict is sent as JSON text, a str as it is (so it may be broken JSON).

    Without `id` one is made up. `piece` cuts the input into events of so many characters, 0 sends it in one.
    `stop` False leaves out the closing event; `whole` sends the input as a JSON object instead of text.
    """

    name: str
    input: dict[str, Any] | str = {}
    id: str = ""
    piece: int = 0
    every: float = 0.0
    stop: bool = True
    whole: bool = False


class Began(Step, frozen=True):
    """`messageMetadataEvent`: the ids of conversation and utterance; comes first unless a reply is `bare`."""


class Metering(Step, frozen=True):
    """`meteringEvent`: what the reply cost."""

    credits: float = 0.05


class ContextUsage(Step, frozen=True):
    """`contextUsageEvent`; without a `percentage` it is computed from the request, the reply and the window."""

    percentage: float | None = None


class Metadata(Step, frozen=True):
    """`metadataEvent`: the stop reason (computed when empty) and, if given, `usage` as Kiro's `tokenUsage`."""

    stop: str = ""
    usage: dict[str, float] | None = None


class Event(Step, frozen=True):
    """Any event by name, also one that nobody knows."""

    name: str
    payload: Any = {}


class Throw(Step, frozen=True):
    """An exception frame."""

    type: str
    message: str = ""
    reason: str | None = None


class Error(Step, frozen=True):
    """An error frame: `:error-code` and `:error-message`."""

    code: str
    message: str = ""


class Raw(Step, frozen=True):
    """Bytes that stand where a frame should (base64 in JSON)."""

    data: bytes


class Pause(Step, frozen=True):
    """Silence of so many seconds, or for ever."""

    seconds: float | None = None


class Break(Step, frozen=True):
    """The connection breaks here."""

    how: How = "reset"


Steps = (
    Say
    | Think
    | CallTool
    | Began
    | Metering
    | ContextUsage
    | Metadata
    | Event
    | Throw
    | Error
    | Raw
    | Pause
    | Break
)


class Misfortune(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=_kebab):
    """One thing that goes wrong on the way. In JSON the field `kind` names it: `{"kind": "hang-up", "after": 1}`."""


class Corrupt(Misfortune, frozen=True):
    """Flip one bit: of the byte `byte` of the frame `frame` (from 0; negative numbers count from the end)."""

    frame: int = 0
    byte: int = 0
    bit: int = 0


class Garbage(Misfortune, frozen=True):
    """The status stays, the body is this text instead."""

    text: str = "<html><body>It works!</body></html>"
    content_type: str = "text/html"


class Extra(Misfortune, frozen=True):
    """More bytes (base64 in JSON): at the end of the body, or behind it on the connection (`outside`)."""

    data: bytes = b"\r\n"
    outside: bool = False


class Coalesce(Misfortune, frozen=True):
    """Several frames in one HTTP chunk, several chunks in one write to the socket; 0 means all that can be."""

    frames: int = 1
    chunks: int = 1


class Stall(Misfortune, frozen=True):
    """Silence before the headers, or after `at` bytes of the body; for ever, or for so many seconds."""

    at: int | None = None
    seconds: float | None = None


class Cut(Misfortune, frozen=True):
    """The connection breaks before the headers, or after `at` bytes.

    The bytes are those of the body, or of the whole answer as it goes over the line (`of="wire"`: head, chunk
    sizes and all). `end` needs `of="body"`.
    """

    at: int | None = None
    how: How = "reset"
    of: Literal["body", "wire"] = "body"


class Trickle(Misfortune, frozen=True):
    """Every write to the socket is of this many bytes; `every` is the pause between two, in seconds."""

    size: int = 1
    every: float = 0.0


class Framing(Misfortune, frozen=True):
    """How the body is framed: `close` has neither length nor chunks, and `noend` chunks without the last one.

    With `length`, `lie` is added to the true length.
    """

    body: Literal["chunked", "length", "close", "noend"] = "close"
    lie: int = 0


class HangUp(Misfortune, frozen=True):
    """After a whole answer the connection is closed unannounced, `after` seconds later (so it goes stale)."""

    after: float = 0.0


Misfortunes = Corrupt | Garbage | Extra | Coalesce | Stall | Cut | Trickle | Framing | HangUp


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to one request.

    Without `steps` the simulator says what it would have said anyway. `status` makes it a plain HTTP answer: a
    `Status`, or the name of a row of `refusals.REFUSALS`. A `bare` reply has only its steps; any other gets
    `messageMetadataEvent` first, and metering, context usage and metadata last, unless it breaks off before.
    """

    steps: tuple[Steps, ...] | None = None
    status: Status | str | None = None
    misfortunes: tuple[Misfortunes, ...] = ()
    bare: bool = False


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule speaks of; everything that is given must fit.

    `call` is the kind of call (`chat`, `mcp`, `refresh`, ...: the kinds of `endpoints.ROUTES`; "" is any).
    `prompt` is a part, `pattern` a regular expression of the current message, case ignored; `body` is one of the whole
    request as it came, in which case counts. `account` is an
    e-mail address, `token` the access or refresh token that came. `nth` counts from 1 among the requests that
    fit otherwise.
    """

    call: str = "chat"
    prompt: str = ""
    pattern: str = ""
    body: str = ""
    model: str = ""
    account: str = ""
    token: str = ""
    nth: tuple[int, ...] = ()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a request fits `when`, the answer is `reply`."""

    when: Match = Match()
    reply: Reply = Reply()


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules in order; a request that fits none is answered as the simulator sees fit."""

    rules: tuple[Rule, ...] = ()


class ScriptError(ValueError):
    """A script that cannot be read; the message says where and why."""


def parse_script(text: str) -> Script:
    """Read a script from JSON (when it begins with a brace) or TOML text.

    Raises:
        ScriptError: the text is neither, or a field is unknown or of the wrong type, or a regular expression or
            the name of a refusal is wrong.
    """
    try:
        data = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        script = msgspec.convert(data, Script)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError) as error:
        raise ScriptError(str(error)) from error
    for number, rule in enumerate(script.rules):
        _check(rule, f"rules[{number}]")
    return script


def _check(rule: Rule, where: str) -> None:
    for field in ("pattern", "body"):
        try:
            re.compile(getattr(rule.when, field))
        except re.error as error:
            raise ScriptError(f"{error} - at `$.{where}.when.{field}`") from error
    status = rule.reply.status
    if isinstance(status, str) and status not in REFUSALS:
        raise ScriptError(
            f"no refusal {status!r}; there are {', '.join(sorted(REFUSALS))} - at `$.{where}.reply.status`"
        )

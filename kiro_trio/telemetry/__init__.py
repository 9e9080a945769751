"""What the gateway tells its owner, with every secret taken out: structured logs on stderr.

Two nets hold secrets back, and each alone would do for most. The first knows them: whoever reads a token or a key
calls `register_secret`, and that value never appears again. The second recognises them: by the name that they are
logged under, and by their shape. Our own records and those of the libraries (`logging`) pass through the same nets.
"""

import io
import logging
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any, Literal, TextIO, cast
from urllib.parse import quote

import structlog
from structlog.typing import Processor

from kiro_trio.telemetry.line import on_one_line

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

REDACTED = "[redacted]"

# Tokens live for an hour, and each renewal registers two: 4096 is weeks of a dozen accounts. What falls out of the
# memory is long expired, and its shape still gives it away.
_REMEMBERED = 4096

# A shorter "secret" is none, and would turn harmless words of every record into holes.
_SHORTEST = 4

# Longer than keys and passwords are, shorter than tokens.
_SHORT = 48

# Deeper than any record we write; a structure that contains itself must end somewhere.
_DEEPEST = 8

_SECRET_NAME = re.compile(
    r"token(?!s|_?type|_?count|_?limit|iz)|secret|passw|authorization|cookie|api[-_]?key|private[-_]?key"
    r"|code_?verifier|device_?code",
    re.IGNORECASE,
)

_INNER_FIELDS = (
    r"access_?token|refresh_?token|id_?token|client_?secret|api[-_]?key|password|code_?verifier|device_?code"
)

# Every repetition that could be tried again from each place of a long text is bounded, or may only begin where a word
# does: a record of some megabytes must not cost minutes.
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # "accessToken":"…" and refresh_token=… inside a longer text, whatever the value looks like
    (
        re.compile(rf"""((?:{_INNER_FIELDS})\\?["']?\s?[:=]\s?\\?["']?)[^\s"'\\,;&}}]+""", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"\b(Bearer|Basic) +[A-Za-z0-9._~+/:=-]{12,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    # the password of http://user:password@host
    (
        re.compile(r"""\b([a-z][a-z0-9+.-]{1,15}://[^\s/:@"']*):[^\s/"']*@""", re.IGNORECASE),
        rf"\1:{REDACTED}@",
    ),
    # Kiro's own: access tokens begin with aoa, refresh tokens with aor, API keys with ksk_
    (re.compile(r"\bao[ar][A-Za-z0-9+/_=-]{16,}(?::[A-Za-z0-9+/_=-]+)?"), REDACTED),
    (re.compile(r"\bksk_[A-Za-z0-9_-]+"), REDACTED),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{6,}"), REDACTED),
    # JSON Web Tokens; the client secrets of the sign-in service look like them
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]*"), REDACTED),
    # the account id of an ARN
    (re.compile(r"\b(arn:[a-z0-9-]{1,20}:[a-z0-9-]{1,40}:[a-z0-9-]{0,40}:)\d+"), r"\1************"),
    (re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[e-mail]"),
)

# None of the shapes is in a text that has none of these, as most short texts of a record are: looking for nine shapes in
# each of them was a tenth of a short request.
_TRACE = re.compile(r"[:=@]|bearer|basic|ao[ar]|ksk_|sk-|eyJ", re.IGNORECASE)

_HARMLESS = frozenset({type(None), bool, int, float})
"""Types whose values hold no text."""

_MADE_HERE = frozenset({"timestamp", "level"})
"""Fields that our own processors write, over whatever a caller put there. A time has colons, as secrets may."""

_WRITTEN_OVER = {
    **dict.fromkeys(map(ord, ascii_lowercase), "x"),
    **dict.fromkeys(map(ord, ascii_uppercase), "X"),
    **dict.fromkeys(map(ord, digits), "0"),
}


class _Secrets:
    """What we know by heart. Tokens are long and become many, texts of a record are short: so the two are kept apart."""

    def __init__(self) -> None:
        self._short: OrderedDict[str, None] = OrderedDict()
        self._long: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._short) + len(self._long)

    def add(self, secret: str) -> None:
        kept = self._short if len(secret) <= _SHORT else self._long
        kept[secret] = None
        kept.move_to_end(secret)
        while len(kept) > _REMEMBERED:
            kept.popitem(last=False)

    def clear(self) -> None:
        self._short.clear()
        self._long.clear()

    def within(self, text: str) -> list[str]:
        found = [secret for secret in self._short if secret in text]
        if len(text) > _SHORT:
            found += [secret for secret in self._long if secret in text]
        return found


_known = _Secrets()


class _Unfailing(io.TextIOBase):
    """Writes as long as it can. A log that nobody takes any more (its reader is gone, the disk is full) fails no request."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream  # None: the process was started without a stderr

    def write(self, text: str) -> int:
        with self._forgiven() as stream:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._forgiven() as stream:
            stream.flush()

    @contextmanager
    def _forgiven(self) -> Iterator[TextIO | io.StringIO]:
        try:
            yield self._stream or io.StringIO()
        except BrokenPipeError:
            self._give_up()
        except (
            OSError,
            ValueError,
        ):  # a full disk may have room again; ValueError: the stream has been closed
            pass

    def _give_up(self) -> None:
        """Nobody will ever read it: what is still in its buffer must not make Python's exit a failure."""
        stream, self._stream = self._stream, None
        with suppress(OSError, ValueError, AttributeError), open(os.devnull, "w") as nowhere:  # noqa: PTH123 - no path
            os.dup2(nowhere.fileno(), stream.fileno())  # type: ignore[union-attr]

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()


def configure_logging(level: LogLevel, form: LogFormat, stream: TextIO | None = None) -> None:
    """Send all logs of this process, from here on, to `stream` (stderr when None) as lines of `form`."""
    out = cast(TextIO, _Unfailing(sys.stderr if stream is None else stream))
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    closing: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
        *_renderers(form, out),
    ]
    structlog.configure(
        processors=[*shared, *closing],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,  # so that the tests, and a change of level, reach every logger
    )
    _adopt_library_logs(level, shared, closing, out)


def set_level(level: LogLevel) -> None:
    """From here on log as much as `level` says; where to and in which form stays."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    _set_library_level(level)


def get_logger(room: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose records carry `room`; made at import, it still follows every later `configure_logging`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return logger


def register_secret(value: str | None) -> None:
    """From now on `value` appears in no log, whatever it is logged under. Empty and tiny values are ignored."""
    if not value:
        return
    for form in {value, quote(value, safe=""), value.encode("unicode_escape").decode("ascii")}:
        if len(form) >= _SHORTEST:
            _known.add(form)


def redact(text: str) -> str:
    """`text` without the registered secrets and without whatever has the shape of one."""
    if found := _known.within(text):
        for secret in sorted(found, key=len, reverse=True):  # a secret may be the beginning of another
            text = text.replace(secret, REDACTED)
    if _TRACE.search(text):
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
    return text


def mask(text: str) -> str:
    """`text` with the same secrets written over letter by letter: it stays as long as it was."""
    for secret in sorted(_known.within(text), key=len, reverse=True):
        text = text.replace(secret, secret.translate(_WRITTEN_OVER))
    if _TRACE.search(text):
        for shape, _ in _SHAPES:
            text = shape.sub(_written_over, text)
    return text


def _written_over(found: re.Match[str]) -> str:
    kept = found[1] if found.re.groups else ""
    return kept + found[0][len(kept) :].translate(_WRITTEN_OVER)


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: a record whose every string is redacted, at any depth, before it is rendered."""
    return {
        name: value if type(value) in _HARMLESS or name in _MADE_HERE else _clean(name, value, _DEEPEST)
        for name, value in event.items()
    }


def _clean(name: str, value: Any, depth: int) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case _ if value and _is_secret_name(name):
            return REDACTED
        case str():
            return redact(value)
        case bytes() | bytearray():
            return redact(bytes(value).decode("utf-8", "backslashreplace"))
        case dict() | Mapping() if depth:  # asking for `Mapping` alone takes ten times as long
            return {redact(str(key)): _clean(str(key), item, depth - 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_clean("", item, depth - 1) for item in value]
        case _:
            return redact(repr(value))


@lru_cache(1024)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _renderers(form: LogFormat, out: TextIO) -> list[Processor]:
    if form == "json":
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    console = structlog.dev.ConsoleRenderer(
        colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
    return [on_one_line, console]


def _adopt_library_logs(
    level: LogLevel, shared: list[Processor], closing: list[Processor], out: TextIO
) -> None:
    """Records of `logging` take the same way out, so that a library cannot say what we must not."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *closing],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    _set_library_level(level)


def _set_library_level(level: LogLevel) -> None:
    root = logging.getLogger()
    root.setLevel(level.upper())
    # A line for every call, with its whole address; four for every lock.
    for chatty in ("httpx", "httpcore", "filelock"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))

"""Everything that is logged in this process, at debug level, whatever level a test asks for: as it was said, and as an operator reads it.

Both doors are listened at: what all loggers of structlog come from, and where `logging` hands a record to its handlers. The
lines that an operator reads are made by the house itself (`configure_logging`), in both forms.
"""

import io
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import FunctionType
from typing import Any

import structlog

from kiro_trio import telemetry

HOUSE = Path(__file__).parents[2]
_FORMS = ("text", "json")
_LEVELS = {name: number for name, number in logging.getLevelNamesMapping().items() if number}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]{8,}Z")
_PASSED_BY = (f"{Path(structlog.__file__).parent}", f"{Path(logging.__file__).parent}", __file__)


@dataclass
class Said:
    """`lines` are what an operator reads, `handed` what the loggers were given, each with its place; nothing is kept twice."""

    lines: dict[str, str] = field(default_factory=dict)
    handed: dict[str, str] = field(default_factory=dict)
    records: int = 0
    latest: str = ""


said = Said()


def read_log(text: bytes | bytearray | str, where: str) -> None:
    """Lines that another process wrote to its log."""
    text = text if isinstance(text, str) else text.decode(errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        said.lines.setdefault(_TIME.sub("", line), f"{where}, line {number}")
        said.records += 1


def read_logs(folder: Path) -> None:
    """Logs that other processes left behind."""
    for path in folder.rglob("*.log"):
        if path.is_file():
            read_log(path.read_bytes(), path.name)


class _Forms:
    """How the house writes a record: its processors and its formatters, taken from it."""

    def __init__(self) -> None:
        self.processors, self.formatters = [], []
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        for form in _FORMS:
            telemetry.configure_logging("debug", form, io.StringIO())
            self.processors.append(list(structlog.get_config()["processors"]))
            self.formatters.append(root.handlers[0].formatter)
        # What both forms do in the beginning, down to the scrubbing, is done once.
        self.shared = [
            one for one, _ in takewhile(lambda pair: _alike(*pair), zip(*self.processors, strict=False))
        ]
        self.processors = [every[len(self.shared) :] for every in self.processors]
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)

    def of_event(self, method: str, event: dict[str, Any]) -> Iterator[str]:
        for processor in self.shared:
            event = processor(None, method, event)
        for processors in self.processors:
            line: Any = dict(event)
            for processor in processors:
                line = processor(None, method, line)
            yield line

    def of_record(self, record: logging.LogRecord) -> Iterator[str]:
        for formatter in self.formatters:
            yield formatter.format(record)


def taken() -> Said:
    """What was said since this was asked last."""
    kept = Said(dict(said.lines), dict(said.handed), said.records)
    said.__init__()
    return kept


def listen() -> None:
    """From now on nothing is said unheard in this process."""
    forms = _Forms()
    _listen_to_ours(forms)
    _listen_to_libraries(forms)


def _alike(one: Any, other: Any) -> bool:
    """Whether two processors do the same: a function is itself, anything else is of one kind."""
    return one is other or (type(one) is type(other) and not isinstance(one, FunctionType))


def _listen_to_ours(forms: _Forms) -> None:
    make = structlog.make_filtering_bound_logger
    everything = make("debug")
    made = {}

    class Overheard(everything):
        least = 0

        def _proxy_to_logger(self, method_name, event=None, *args, **fields):
            given = {**structlog.get_context(self), **fields, "event": event}
            words = _words(structlog.contextvars.get_contextvars() | given, fields.get("exc_info"))
            lines = list(forms.of_event(method_name, given))
            _note(lines, words, _place())
            said.latest = lines[0]
            if _LEVELS.get(method_name.upper(), logging.ERROR) >= self.least:
                super()._proxy_to_logger(method_name, event, *args, **fields)

    def make_filtering_bound_logger(least):
        number = _LEVELS[least.upper()] if isinstance(least, str) else least
        if number not in made:
            made[number] = type("Overheard", (Overheard,), {"least": number})
        return made[number]

    structlog.make_filtering_bound_logger = make_filtering_bound_logger


def _listen_to_libraries(forms: _Forms) -> None:
    enabled, handle = logging.Logger.isEnabledFor, logging.Logger.handle

    def is_enabled_for(self, level):
        logger = self
        while logger.parent and not logger.level:
            logger = logger.parent
        return level >= (logger.level if logger.parent else logging.DEBUG) or enabled(self, level)

    def hear_and_handle(self, record):
        place = f"{_short(record.pathname)}:{record.lineno} ({record.name})"
        _note(forms.of_record(record), _words(record.getMessage(), record.exc_info), place)
        if enabled(self, record.levelno):
            handle(self, record)

    logging.Logger.isEnabledFor, logging.Logger.handle = is_enabled_for, hear_and_handle


def start_afresh() -> None:
    """As a process begins, but listened to; what a failed test is shown of it has been written once already."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[lambda *_: said.latest], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    structlog.contextvars.clear_contextvars()


def _note(lines: Iterable[str], words: str, place: str) -> None:
    said.records += 1
    said.handed.setdefault(words, place)
    for line in lines:
        said.lines.setdefault(_TIME.sub("", line), place)


def _words(given: Any, exc_info: Any) -> str:
    if exc_info is True:
        exc_info = sys.exc_info()
    elif isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    told = "".join(traceback.format_exception(*exc_info)) if exc_info and exc_info[0] else ""
    return f"{given!r} {told}"


def _place() -> str:
    """Where in the code a record was made."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename.startswith(_PASSED_BY):
        frame = frame.f_back
    return f"{_short(frame.f_code.co_filename)}:{frame.f_lineno}"


def _short(path: str) -> str:
    return path.removeprefix(f"{HOUSE}/").rpartition("/site-packages/")[2]

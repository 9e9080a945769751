"""How a record looks as a line of text."""

import re
from collections.abc import MutableMapping
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def on_one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What is logged cannot forge a second record, nor speak to the terminal; values are quoted already."""
    words = str(event.get("event", ""))
    event["event"] = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), words)
    return event

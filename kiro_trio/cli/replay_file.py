"""What `kiro-trio replay` is given: a capture, a request of a client, or what was said to Kiro."""

import json
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kiro_trio.captures.capture import Capture, NotACapture, decode_capture, is_capture
from kiro_trio.captures.redaction import ASKED_HEADERS

# A capture may come from anybody: what it says goes to our own gateway and nowhere else.
_PATH = re.compile(r"(?:/[\w-]+){1,4}")
_VALUE = re.compile(r"[ -~]*")

Kind = Literal["anthropic", "kiro"]


class Unreadable(ValueError):
    """What the file holds cannot be replayed; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Given:
    """A request to replay: whose words it is in, and the capture that it comes from, if it comes from one."""

    name: str
    kind: Kind
    body: Any = field(repr=False)
    path: str = "/v1/messages"
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    capture: Capture | None = field(default=None, repr=False)

    def as_said(self) -> "Given":
        """What was said to Kiro instead of what the client asked.

        Raises:
            Unreadable: that is not known.
        """
        if self.kind == "kiro":
            return self
        said = self.capture.said if self.capture else ()
        if not said:
            raise Unreadable(f"{self.name}: holds nothing that was said to Kiro")
        return replace(self, kind="kiro", body=said[-1])


def read_given(name: str) -> Given:
    """Read the file of that name; `-` is stdin.

    Raises:
        Unreadable: it holds nothing that can be replayed.
        OSError: it cannot be read.
    """
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        content = json.loads(data)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        cut = " (it ends too early)" if error.pos >= len(data.rstrip()) or "Unterminated" in error.msg else ""
        raise Unreadable(f"{name}: is not JSON: {error.msg} at {where}{cut}") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{name}: is not JSON in UTF-8, or is nested too deeply") from None
    return _given(name, content)


def _given(name: str, content: Any) -> Given:
    if is_capture(content):
        return _captured(name, content)
    if isinstance(content, dict) and isinstance(content.get("conversationState"), dict):
        return Given(name, "kiro", content)
    if isinstance(content, dict) and isinstance(content.get("messages"), list):
        # Requests that are pasted are often cut short at their ends.
        return Given(name, "anthropic", {"max_tokens": 1024, **content})
    raise Unreadable(
        f"{name}: is neither a capture nor a request: it has no `messages`, no `conversationState`, and does not say that"
        " it is a capture"
    )


def _captured(name: str, content: Any) -> Given:
    try:
        capture = decode_capture(content)
    except NotACapture as error:
        raise Unreadable(f"{name}: {error}") from None
    asked = capture.asked
    if not isinstance(asked.body, dict):
        raise Unreadable(f"{name}: the request was too large to be captured ({asked.size} bytes)")
    if not _PATH.fullmatch(asked.path):
        raise Unreadable(f"{name}: is a damaged capture: nobody asks for messages at its path")
    headers = {
        key: value for key, value in asked.headers.items() if key in ASKED_HEADERS and _VALUE.fullmatch(value)
    }
    return Given(name, "anthropic", asked.body, asked.path, headers, capture)

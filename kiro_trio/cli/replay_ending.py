"""How an answer ends, as its client sees it."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from kiro_trio.captures.capture import Answer
from kiro_trio.wire import ServerSentEvent, ServerSentEventDecoder, WireError

_OK = 200
_FIGURES = re.compile(r"\d+(?:\.\d+)?")


@dataclass(slots=True)
class Ended:
    """An answer that is over. `whole` only if the client was told so; `broken`: it was not even told that it is not."""

    status: int
    whole: bool = False
    broken: bool = False
    error_type: str = ""
    message: str = ""
    stop_reason: str = ""

    @property
    def signature(self) -> tuple[int, str, str]:
        """What must be equal for two answers to have failed alike: numbers, such as sizes and seconds, need not."""
        return self.status, self.error_type, _FIGURES.sub("#", self.message)

    def __str__(self) -> str:
        if self.whole:
            return f"whole, HTTP {self.status}" + (f", {self.stop_reason}" if self.stop_reason else "")
        if self.broken:
            return f"broken off without a word, HTTP {self.status}"
        return f"HTTP {self.status}, {self.error_type}: {self.message}"


def as_captured(answer: Answer) -> Ended:
    """How the answer of a capture ended."""
    whole = not answer.error_type
    return Ended(answer.status or 0, whole=whole, error_type=answer.error_type, message=answer.message)


@asynccontextmanager
async def asking(
    url: str, key: str, path: str, body: Any, headers: Mapping[str, str]
) -> AsyncIterator[httpx.Response]:
    """Ask a gateway; the response is open inside the context."""
    sent = {
        "anthropic-version": "2023-06-01",
        **headers,
        "x-api-key": key,
        "content-type": "application/json",
    }
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=None) as client,  # noqa: S113 - as long as it takes
        client.stream("POST", path, content=json.dumps(body).encode(), headers=sent) as response,
    ):
        yield response


async def read_ending(
    response: httpx.Response, show: Callable[[bytes], None], *, until_content: bool = False
) -> Ended:
    """Read an answer to its end, or if it has content and nobody wants it, up to that; `show` gets its bytes."""
    ended = Ended(response.status_code)
    if "text/event-stream" not in response.headers.get("content-type", ""):
        await _read_body(response, show, ended)
        return ended
    decoder = ServerSentEventDecoder()
    try:
        async for data in response.aiter_bytes():
            show(data)
            decoder.receive_data(data)
            if any(_note(event, ended, until_content=until_content) for event in decoder.events()):
                return ended
        decoder.close()
    except (httpx.TransportError, WireError):
        pass
    ended.broken = not ended.whole and not ended.error_type
    return ended


async def _read_body(response: httpx.Response, show: Callable[[bytes], None], ended: Ended) -> None:
    try:
        body = await response.aread()
        show(body)
        content = json.loads(body)
    except (httpx.TransportError, ValueError):
        ended.broken = True
        return
    if response.status_code == _OK:
        ended.whole, ended.stop_reason = True, str(content.get("stop_reason") or "")
    else:
        _note_error(content, ended)


def _note(event: ServerSentEvent, ended: Ended, *, until_content: bool) -> bool:
    """Take note of an event; True when nothing more is wanted."""
    match event.name:
        case "error":
            _note_error(json.loads(event.data), ended)
        case "message_delta":
            ended.stop_reason = json.loads(event.data)["delta"].get("stop_reason") or ""
        case "message_stop":
            ended.whole = True
        case "content_block_delta" if until_content:
            ended.whole = True
    return ended.whole and until_content


def _note_error(content: Any, ended: Ended) -> None:
    error = content.get("error") if isinstance(content, dict) else None
    ended.error_type = str((error or {}).get("type") or "an error")
    ended.message = str((error or {}).get("message") or "")

"""From what was noted to what may be kept: a capture without secrets, and without words unless the owner wants them."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kiro_trio.captures.bodies import fill_body, names_in
from kiro_trio.captures.capture import Answer, Asked, Capture, Exchange, Prose, Try
from kiro_trio.captures.filler import Filler
from kiro_trio.captures.recording import Call, Recording
from kiro_trio.captures.replies import fill_error, fill_stream

ASKED_HEADERS = frozenset(
    {
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "user-agent",
        "x-app",
        "x-stainless-package-version",
    }
)
"""What is kept of the client's headers."""

ANSWERED_HEADERS = frozenset(
    {"content-type", "date", "retry-after", "server", "via", "x-amzn-errortype", "x-amzn-requestid"}
)
"""What is kept of Kiro's."""

_OK = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What the gateway knows of a request that is over; `tries` are without their exchanges."""

    id: str
    at: float
    gateway: str
    settings: Mapping[str, Any]
    tries: tuple[Try, ...]
    answer: Answer


def redacted(recording: Recording, told: Told, prose: Prose, mask: Callable[[str], str]) -> Capture:
    """Make the capture; `mask` writes over the secrets in a text. Takes a while: some megabytes in a second.

    Raises:
        RecursionError: the request is nested too deeply.
    """
    asked = None if recording.asked is None else json.loads(recording.asked)
    bodies = list(dict.fromkeys(call.said for calls in recording.tries for call in calls))
    said = [json.loads(body) for body in bodies]
    filler = Filler(mask, words=prose == "words", names={*names_in(asked), *names_in(said)})
    filled = Asked(
        path=recording.path,
        headers=_headers(recording.headers, ASKED_HEADERS, mask),
        size=recording.size,
        body=fill_body(asked, filler),
    )
    said = [fill_body(body, filler) for body in said]
    return Capture(
        gateway=told.gateway,
        id=told.id,
        at=told.at,
        prose=prose,
        settings=dict(told.settings),
        asked=filled,
        said=tuple(said),
        tries=tuple(_tries(recording, told.tries, bodies, filler)),
        answer=told.answer,
        omitted=() if recording.asked is not None else ("body",),
    )


def _tries(
    recording: Recording, tries: tuple[Try, ...], bodies: list[bytes], filler: Filler
) -> Iterable[Try]:
    for number, one in enumerate(tries):
        calls = recording.tries[number] if number < len(recording.tries) else []
        exchanges = tuple(_exchange(call, bodies.index(call.said), filler) for call in calls)
        yield Try(**{name: getattr(one, name) for name in one.__struct_fields__} | {"exchanges": exchanges})


def _exchange(call: Call, said: int, filler: Filler) -> Exchange:
    fill = fill_stream if call.status == _OK else fill_error
    return Exchange(
        endpoint=call.endpoint,
        said=said,
        status=call.status,
        headers=_headers(call.headers, ANSWERED_HEADERS, filler.mask),
        framed=call.framed,
        body=fill(bytes(call.body), filler),
        size=call.size,
        ending=call.ending,
    )


def _headers(headers: Mapping[str, str], kept: Iterable[str], mask: Callable[[str], str]) -> dict[str, str]:
    return {name: mask(headers[name]) for name in sorted(kept) if name in headers}

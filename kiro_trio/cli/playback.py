"""Playing a capture back: what Kiro answered then, as a script for the simulator. Pure."""

import re
from typing import Any

import msgspec

from kiro_trio.captures.capture import Capture, Exchange, NotACapture
from kiro_trio.captures.replies import frames_of
from kiro_trio.gateway.capturing import SAID_BY
from kiro_trio.settings import Settings
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.refusals import Status
from kiro_trio.simulator.script import (
    Cut,
    Framing,
    Garbage,
    Match,
    Misfortunes,
    Raw,
    Reply,
    Rule,
    Script,
    Stall,
)
from kiro_trio.simulator.simulator import Simulator

_OK = 200
_EVENT_STREAM = "application/vnd.amazon.eventstream"

_NOT_IN_A_HEADER = re.compile(r"[^ -~]")

_PATIENCE = 1.5
"""Seconds of silence after which Kiro is given up here: nobody wants to wait for as long as it was silent then."""

_GRACE = 0.5
"""Seconds to the first ping, where the client had been sent one before it was all over."""


def player_of(capture: Capture) -> Simulator:
    """A simulated Kiro that answers as Kiro did, call by call, and at last always as it did last."""
    exchanges = [exchange for one in capture.tries for exchange in one.exchanges]
    rules = [Rule(Match(nth=(1,)), reply_of(exchange)) for exchange in exchanges]
    rules += [Rule(Match(), reply_of(exchange)) for exchange in exchanges[-1:]]
    accounts = dict.fromkeys(one.account for one in capture.tries) or {1: None}
    return Simulator(
        [Account(f"playback{number}@kiro-trio.example") for number in range(len(accounts))],
        script=Script(tuple(rules)),
        validate=False,
    )


def settings_of(capture: Capture) -> Settings:
    """The settings that say the same to Kiro, and are less patient.

    Raises:
        NotACapture: there are no such settings.
    """
    keys = {field.encode_name: field.name for field in msgspec.structs.fields(Settings)}
    said_by = {key: value for key, value in capture.settings.items() if keys.get(key) in SAID_BY}
    try:
        settings = msgspec.convert(said_by, Settings)
    except msgspec.ValidationError as error:
        raise NotACapture(f"is a damaged capture: {error}") from None
    changes: dict[str, Any] = {
        "first_byte_timeout": _PATIENCE,
        "idle_timeout": _PATIENCE,
        "list_models": False,
    }
    if capture.answer.status == _OK and capture.answer.error_type:
        changes["grace_time"] = _GRACE
    return msgspec.structs.replace(settings, **changes)


def reply_of(exchange: Exchange) -> Reply:
    """What the simulator has to do to answer so."""
    fate = tuple(_ending(exchange))
    if exchange.status is None:
        return Reply(misfortunes=fate)
    if exchange.status != _OK:
        status = Status(
            exchange.status, text=exchange.body.decode("utf-8", "replace"), headers=exchange.headers
        )
        return Reply(status=status, misfortunes=fate)
    content_type = _NOT_IN_A_HEADER.sub("?", exchange.headers.get("content-type", _EVENT_STREAM))
    if content_type.partition(";")[0].strip().lower() != _EVENT_STREAM:
        return Reply(misfortunes=(Garbage(exchange.body.decode("utf-8", "replace"), content_type), *fate))
    steps = tuple(Raw(frame) for frame in frames_of(exchange.body))
    return Reply(steps=steps, bare=True, misfortunes=fate)


def _ending(exchange: Exchange) -> list[Misfortunes]:
    at = None if exchange.status is None else len(exchange.body)
    ending = "broken" if exchange.size > len(exchange.body) else exchange.ending
    if ending == "silent":
        return [Stall(at)]
    if ending == "broken":
        # A body without an end of its own is over when the connection is, unless that is torn.
        return [Cut(at, "close" if exchange.framed else "reset")]
    return [] if exchange.framed else [Framing("close")]

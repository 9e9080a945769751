"""Replaying a request once: its answer as the client sees it, and whether it ended as it did before."""

import io
import json
import sys
from functools import partial
from typing import Any

import click
import msgspec

from kiro_trio.captures.capture import Capture
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.replay_ending import Ended, as_captured
from kiro_trio.cli.replay_file import Given
from kiro_trio.cli.replay_house import Place, opened, said_to_kiro
from kiro_trio.cli.terminal import printable, tell
from kiro_trio.telemetry import configure_logging

_MOST_SAID = 1000


def show_request(given: Given, place: Place) -> None:
    """Show what would be said to Kiro, as JSON on stdout."""
    quietly()
    with plainly():
        said = run_interruptibly(partial(said_to_kiro, given, place), "given up")
    click.echo(json.dumps(json.loads(said), indent=2, ensure_ascii=False))


def replay_once(given: Given, place: Place, *, as_json: bool) -> None:
    """Ask once, and show the answer; the exit code is 1 if it is not what was expected."""
    quietly()
    capture = given.capture if given.kind == "anthropic" else None
    if not as_json and capture is not None:
        _tell_capture(capture)
    pieces: list[bytes] = []
    show = pieces.append if as_json else _write
    with plainly():
        ended = run_interruptibly(partial(_ask, given, place, show), "given up; Kiro was told to stop")
    before = None if capture is None else as_captured(capture.answer)
    good = ended.whole if before is None else ended.signature == before.signature
    if as_json:
        answer = b"".join(pieces).decode("utf-8", "replace")
        click.echo(
            json.dumps(_report(ended, before, good=good) | {"answer": answer}, indent=2, ensure_ascii=False)
        )
    else:
        _tell_ending(ended, before)
    if not good:
        raise click.exceptions.Exit(1)


def quietly() -> None:
    """Let nothing of the gateway's own log come between the answer and what is said of it."""
    configure_logging("error", "text", io.StringIO())


def _report(ended: Ended, before: Ended | None, *, good: bool) -> dict[str, Any]:
    return {
        "ended": msgspec.to_builtins(ended),
        "captured": None if before is None else msgspec.to_builtins(before),
        "same": None if before is None else good,
    }


async def _ask(given: Given, place: Place, show: Any) -> Ended:
    async with opened(given, place) as asker:
        return await asker.ask(given.body, show)


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _tell_capture(capture: Capture) -> None:
    tell(
        f"Captured by kiro-trio {printable(capture.gateway)}, {len(capture.tries)} {'try' if len(capture.tries) == 1 else 'tries'}:"
    )
    for one in capture.tries:
        tell(
            printable(f"  account {one.account}, {one.seconds:.1f} s: {one.outcome} {one.detail}", _MOST_SAID)
        )
    if cut := any(exchange.size > len(exchange.body) for one in capture.tries for exchange in one.exchanges):
        tell("What Kiro answered was too long to be captured as a whole." * cut)
    tell()


def _tell_ending(ended: Ended, before: Ended | None) -> None:
    tell()
    said = printable(str(ended), _MOST_SAID)
    if before is None:
        tell(f"Ended: {said}")
    elif ended.signature == before.signature:
        tell(f"Ended as captured: {said}")
    else:
        tell(f"Ended otherwise than captured: {said}\nCaptured: {printable(str(before), _MOST_SAID)}")

"""Finding the smallest request that is refused, and saying what the refusal is about."""

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import trio

from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.minimise import PATIENCE, Minimising, broken_rule
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.replay_ending import Ended
from kiro_trio.cli.replay_file import Given
from kiro_trio.cli.replay_house import Asker, Place, opened, said_to_kiro
from kiro_trio.cli.replay_once import quietly
from kiro_trio.cli.terminal import printable, tell
from kiro_trio.credentials.atomic import replace_file
from kiro_trio.shrinking.shrink import Candidate, Shrunk
from kiro_trio.shrinking.words import needed

_MOST_SAID = 1000


class NotRefused(click.ClickException):
    """There is nothing to look for."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, and how hard: `tries` at most, `pause` seconds between two; the smallest goes to `out`."""

    given: Given
    place: Place
    tries: int
    pause: float
    out: Path


@dataclass(frozen=True, slots=True)
class Found:
    """What came out: the refusal, the smallest request, and the rule that it breaks, in words ("" if none is known)."""

    refusal: Ended
    shrunk: Shrunk
    stopped: str
    rule: str


def find_smallest(search: Search, *, as_json: bool) -> None:
    """Search; write the smallest request, also when the search is interrupted.

    Raises:
        NotRefused: the request as it is is answered.
    """
    quietly()
    running: list[Minimising] = []
    try:
        with plainly():
            found = run_interruptibly(partial(_find, search, running, as_json), "given up")
    except click.ClickException:
        if running and running[0].best is not search.given.body:
            _write(search.out, running[0].best)
            tell(f"The smallest so far: {search.out}")
        raise
    _write(search.out, found.shrunk.body)
    if as_json:
        click.echo(json.dumps(_report(found, search.out), indent=2, ensure_ascii=False))
    else:
        _tell(found, search)


async def _find(search: Search, running: list[Minimising], as_json: bool) -> Found:  # noqa: FBT001 - partial takes positions
    async with opened(search.given, search.place) as asker:
        refusal = await _refusal(search, asker)
        if not as_json:
            tell(f"Refused: {printable(str(refusal), _MOST_SAID)}")
        minimising = Minimising(
            asker,
            refusal,
            search.tries,
            search.given.body,
            search.pause,
            PATIENCE if search.place.live else (),
            _tell_nothing if as_json else _tell_progress,
        )
        running.append(minimising)
        shrunk = await minimising.run()
    return Found(refusal, shrunk, minimising.stopped, await _rule(search, shrunk.body))


async def _refusal(search: Search, asker: Asker) -> Ended:
    refusal = await asker.ask(search.given.body, lambda _data: None, until_content=True)
    if not refusal.whole:
        return refusal
    if search.place.live is not None:
        raise NotRefused("Kiro answers this request: there is nothing to minimise")
    raise NotRefused(
        "the simulated Kiro answers this request: there is nothing to minimise. Ask Kiro itself with --live, have the"
        " simulator refuse with --script or --rule, or take what was said to Kiro with --said"
    )


async def _rule(search: Search, body: Any) -> str:
    try:
        said = await said_to_kiro(replace(search.given, body=body), search.place)
    except (click.ClickException, OSError, ValueError):
        return ""
    found = await trio.to_thread.run_sync(broken_rule, said)
    if found is None:
        return ""
    violation, suspected = found
    known = "a rule that Kiro is suspected to have" if suspected else "a rule of Kiro's"
    return f"`{violation.invariant}`, {known}: {violation.evidence}"


def _write(path: Path, body: Any) -> None:
    with plainly():
        replace_file(path, json.dumps(body, indent=2).encode() + b"\n")


def _report(found: Found, out: Path) -> dict[str, Any]:
    return {
        "refusal": asdict(found.refusal),
        "smallest": str(out),
        "needed": needed(found.shrunk.body),
        "rule": found.rule or None,
        "exhausted": found.shrunk.exhausted,
        "stopped": found.stopped or None,
        "tries": [asdict(one) for one in found.shrunk.tried],
    }


def _tell(found: Found, search: Search) -> None:
    shrunk = found.shrunk
    if found.stopped and shrunk.exhausted:
        tell(
            f"Stopped: Kiro does not say any more whether it refuses: {printable(found.stopped, _MOST_SAID)}"
        )
    elif shrunk.exhausted:
        tell(f"The {search.tries} tries are spent; there may be a smaller one.")
    before, after = (len(json.dumps(body)) for body in (search.given.body, shrunk.body))
    tell(f"From {before} to {after} bytes with {len(shrunk.tried)} tries: {search.out}")
    click.echo(f"Needed: {printable(needed(shrunk.body) or 'nothing but a message', _MOST_SAID)}")
    if found.rule:
        click.echo(f"Breaks {printable(found.rule, _MOST_SAID)}")


def _tell_progress(candidate: Candidate, failed: bool) -> None:  # noqa: FBT001 - as Minimising.report
    if failed:
        tell(f"  {candidate.number}: without some {candidate.sparing}, {candidate.size} bytes: still refused")


def _tell_nothing(_candidate: Candidate, _failed: bool) -> None:  # noqa: FBT001
    pass

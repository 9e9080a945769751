"""`kiro-trio replay`: an exchange that went wrong, once more."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.replay_file import Given, read_given
from kiro_trio.cli.replay_house import Place
from kiro_trio.cli.replay_once import replay_once, show_request
from kiro_trio.cli.replay_smallest import Search, find_smallest
from kiro_trio.cli.wiring import account_options, open_house
from kiro_trio.settings import Settings
from kiro_trio.simulator.loading import load_script
from kiro_trio.simulator.rules import INVARIANTS

_OPTIONAL = tuple(invariant.name for invariant in INVARIANTS if invariant.optional)
_TRIES, _LIVE_TRIES = 1000, 100


@click.command(
    "replay",
    short_help="Play back a request that went wrong, or find its fault.",
    epilog="""\b
FILE is a capture (see captureFolder), the body of a request to /v1/messages, or a body
that was said to Kiro; - reads stdin. The answer goes to stdout, what is said of it to
stderr. The exit code is 0 if the answer ended as captured; without a capture, if it is
whole; with --minimize, if there is a smallest request.
\b
Examples:
  kiro-trio replay capture-20260102T030405.678-req_1.json
  kiro-trio replay request.json --show-request
  kiro-trio replay capture.json --live --yes
  kiro-trio replay capture.json --minimize --live --tries 50
  kiro-trio replay capture.json --minimize --said --rule plain-schemas
""",
)
@click.argument("file", metavar="FILE")
@click.option("--live", is_flag=True, help="Ask Kiro itself, with the configured accounts: costs credits.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is wanted.")
@click.option(
    "--stream/--no-stream", default=None, help="In which manner it is answered  [default: as asked]"
)
@click.option("--said", is_flag=True, help="Take what was said to Kiro, not what the client asked.")
@click.option("--show-request", is_flag=True, help="Show what would be said to Kiro, and ask nobody.")
@click.option("--minimize", is_flag=True, help="Find the smallest request that is refused in the same way.")
@click.option(
    "--tries",
    type=click.IntRange(1),
    metavar="N",
    help="Ask at most so often  [default: 1000; 100 with --live]",
)
@click.option(
    "--pause",
    type=click.FloatRange(0, 3600),
    metavar="S",
    help="Seconds between two tries  [default: 0; 1 with --live]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT",
    help="Where to write the smallest  [default: beside FILE]",
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    metavar="SCRIPT",
    help="What the simulated Kiro answers, as for `simulate`.",
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    type=click.Choice(_OPTIONAL),
    help="A rule of which one only suspects that Kiro has it; the simulated Kiro then has. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Say all of it as one JSON object.")
@account_options
def command(config: Path, credentials_file: str | None, upstream_url: str | None, **chosen: Any) -> None:
    """Replay a request that went wrong, or minimise it.

    It is answered by what Kiro said then, by a simulated Kiro, or by Kiro itself. Without --live nothing
    leaves this machine: a capture is answered with what Kiro said when it was made, so that one sees what its client saw;
    other requests, and all with --minimize, by a simulated Kiro with its rules.
    """
    live, minimize = chosen["live"], chosen["minimize"]
    with plainly():
        given = read_given(chosen["file"])
        given = given.as_said() if chosen["said"] else given
        given = _in_manner(given, stream=chosen["stream"])
        place = Place(
            live=open_house(config, credentials_file, upstream_url).settings if live else None,
            script=load_script(chosen["script"]) if chosen["script"] else None,
            rules=frozenset(chosen["rules"]),
            plays_back=not (minimize or chosen["rules"]),
        )
    tries = chosen["tries"] or (_LIVE_TRIES if live else _TRIES)
    if chosen["show_request"]:
        show_request(given, place)
        return
    if place.live is not None and not chosen["yes"]:
        _confirm(place.live, tries if minimize else 1)
    if minimize:
        pause = float(live) if chosen["pause"] is None else chosen["pause"]
        out = chosen["out"] or _beside(chosen["file"])
        find_smallest(Search(given, place, tries, pause, out), as_json=chosen["as_json"])
    else:
        replay_once(given, place, as_json=chosen["as_json"])


def _in_manner(given: Given, *, stream: bool | None) -> Given:
    if stream is None or given.kind == "kiro":
        return given
    return replace(given, body={**given.body, "stream": stream})


def _beside(name: str) -> Path:
    path = Path("request.json" if name == "-" else name)
    return path.with_name(f"{path.stem}.smallest.json")


def _confirm(settings: Settings, times: int) -> None:
    """Have the person say that it may cost something.

    Raises:
        UsageError: there is no person to ask.
        Abort: the person does not want it.
    """
    often = "once" if times == 1 else f"up to {times} times"
    what = f"this asks Kiro {often} with the accounts of {settings.credentials_file}, which costs credits"
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what}; say --yes if that is wanted")
    click.confirm(f"{what[0].upper()}{what[1:]}. Go on?", abort=True, err=True)

"""No test ends well after which a secret stands in a log, or which saw our own code hand one to a logger.

Part of every test by `conftest.py`. What libraries hand over and only the scrubber holds back is told at the end of the run.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kiro_trio import telemetry
from tests.secrecy import listening
from tests.secrecy.sought import Sought, masked, overhear_births, sought

overhear_births(sought)
listening.listen()

_FIGURES = "logs"
_OURS = "kiro_trio/"
_TESTS = ("tests/", "fuzz/")  # a test that hands a secret over does it to see it scrubbed


@pytest.fixture(autouse=True)
def no_secret_is_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test does to the logs of the process is undone: a command that is called in it leaves them at its own level."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    listening.start_afresh()
    yield
    for value in (*telemetry._known._short, *telemetry._known._long):
        sought.add(value, "registered")
    telemetry._known.clear()
    listening.start_afresh()
    root.handlers[:] = handlers
    root.setLevel(level)
    leaks = _look_through(request.node, getattr(request.node, "funcargs", {}).get("tmp_path"))
    sought.values.clear()
    if leaks:
        pytest.fail("\n".join(leaks), pytrace=False)


def _look_through(item: pytest.Item, folder: Path | None) -> list[str]:
    if folder is not None:
        listening.read_logs(folder)
    said = listening.taken()
    if not said.records:
        return []
    if folder is not None:
        sought.add_files(folder)
    leaked, handed = list(found(said.lines, sought)), list(found(said.handed, sought))
    saved = {place for place, _ in handed} - {place for place, _ in leaked}
    libraries = sorted(place for place in saved if not place.startswith((_OURS, *_TESTS)))
    item.user_properties.append((_FIGURES, {"records": said.records, "saved": libraries}))
    ours = [(place, why) for place, why in handed if place.startswith(_OURS)]
    return [
        *(f"A secret reached a log: {place}: {why}" for place, why in leaked),
        *(f"Our own code hands a secret to a log: {place}: {why}" for place, why in ours),
    ]


def found(lines: Mapping[str, str], secrets: Sought) -> Iterator[tuple[str, str]]:
    """The place (the value in `lines`) of each line that has a secret; and what it is and the line, masked."""
    if next(secrets.within("\n".join(lines)), None):
        for line, place in lines.items():
            if pieces := dict(secrets.within(line)):
                yield place, f"{', '.join(sorted({*pieces.values()}))}: {masked(line, pieces)[:500]}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much was looked through; and where only the scrubber kept a secret from a log."""
    reports = [one for outcome in terminalreporter.stats.values() for one in outcome]
    ends = [one for one in reports if getattr(one, "when", None) == "teardown"]
    told = [figures for one in ends for name, figures in one.user_properties if name == _FIGURES]
    saved = sorted({place for figures in told for place in figures["saved"]})
    terminalreporter.write_line(
        f"logs at debug level: {sum(figures['records'] for figures in told)} records of {len(told)} tests looked through for secrets; "
        f"kept back by the scrubber alone: {', '.join(saved) or 'none'}"
    )

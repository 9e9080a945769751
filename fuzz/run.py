"""Running a target: bounded, for a time, or guided by coverage."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from pkgutil import iter_modules
from traceback import format_exception
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.stateful import get_state_machine_test

from fuzz import corpus, targets

BOUNDED = 100
"""Examples of a bounded run, unless the target has its own `BOUNDED`."""

BATCH = 500
"""Examples of a batch of a long run, fewer of a state machine's: each batch begins with small ones again."""

FIRST_BATCH = 10
"""Examples of the first batch, which shows how long one takes: a batch whose time is over makes up all its examples nevertheless."""

BATCH_SECONDS = 20.0
"""How long a batch should take at most."""

STEPS = 25
"""Steps of a state machine, unless the target has its own `STEPS`."""


@dataclass(frozen=True)
class Row:
    """How a target went; `found` is the failure as text, "" for none."""

    name: str
    seconds: float = 0.0
    examples: int = 0
    found: str = ""
    kept: str = ""
    missing: str = ""

    def __str__(self) -> str:
        if self.missing:
            return f"{self.name:24}{'skipped: it needs the package ' + self.missing}"
        verdict = f"FAILED, kept as {self.kept or 'nothing'}" if self.found else "nothing found"
        return f"{self.name:24}{self.seconds:8.0f} s{self.examples:12,} examples   {verdict}"


def names() -> list[str]:
    return sorted(module.name for module in iter_modules(targets.__path__))


def target(name: str) -> ModuleType:
    return import_module(f"{targets.__name__}.{name}")


def missing(module: ModuleType) -> str | None:
    """The package that a target `NEEDS` and that is not installed, if any."""
    needed: str | None = getattr(module, "NEEDS", None)
    return needed if needed and find_spec(needed) is None else None


def bounded(
    module: ModuleType,
    *,
    examples: int | None = None,
    phases: Collection[Phase] | None = None,
    derandomize: bool = True,
    **options: Any,
) -> None:
    """Replay the corpus, then so many examples; raises what the target raises. `options` go to its checks."""
    corpus.replay(module, **options)
    count = examples or getattr(module, "BOUNDED", BOUNDED)
    profile = {"max_examples": count, "derandomize": derandomize} | ({"phases": phases} if phases else {})
    _test(module, partial(getattr(module, "check", bool), **options), **profile)()


def search(name: str, seconds: float) -> Row:
    """New examples of a target until the time is over, or until one fails; that one is shrunk and kept."""
    module = target(name)
    if (package := missing(module)) is not None:
        return Row(name, missing=package)
    watched, begin = _Watched(module, time.monotonic() + seconds), time.monotonic()
    try:
        corpus.replay(module)
        most, batch = BOUNDED if hasattr(module, "MACHINE") else BATCH, FIRST_BATCH
        while not watched.over:
            started = time.monotonic()
            _test(module, watched.check, watched.machine, max_examples=batch)()
            batch = _next_batch(batch, time.monotonic() - started, most)
    except Exception as error:  # noqa: BLE001  # whatever shows it
        found = "".join(format_exception(error))
        return Row(name, time.monotonic() - begin, watched.count, found, str(watched.keep(error) or ""))
    return Row(name, time.monotonic() - begin, watched.count)


def _next_batch(size: int, seconds: float, most: int) -> int:
    """The next batch after one of `size` examples: twice as large, as long as that does not take too long."""
    affordable = int(size * BATCH_SECONDS / max(seconds, 0.001))
    return max(1, min(2 * size, affordable, most))


def search_all(chosen: Collection[str], seconds: float, jobs: int, tell: Callable[[Row], None]) -> list[Row]:
    """Search in so many processes at once; `tell` hears of each target when it is done."""
    if jobs == 1 or len(chosen) == 1:
        rows = []
        for name in chosen:
            rows.append(search(name, seconds))
            tell(rows[-1])
        return rows
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = [pool.submit(search, name, seconds) for name in chosen]
        for done in as_completed(waiting):
            tell(done.result())
        return [done.result() for done in waiting]


def guided(name: str, seconds: float) -> None:
    """Coverage-guided by atheris (libFuzzer); it ends the process, with 0 if nothing was found."""
    try:
        import atheris  # noqa: PLC0415  # optional: not every system has a wheel of it
    except ImportError:
        raise SystemExit("--engine atheris needs the package atheris: pip install atheris") from None
    with atheris.instrument_imports(include=["kiro_trio"]):
        module = target(name)
    if (package := missing(module)) is not None:
        raise SystemExit(str(Row(name, missing=package)))
    check, seeds = _guided_check(module)
    arguments = [f"-max_total_time={seconds:.0f}", f"-artifact_prefix={tempfile.mkdtemp()}{os.sep}"]
    # What is new to it goes to the first folder.
    atheris.Setup([sys.argv[0], *arguments, tempfile.mkdtemp(prefix=f"fuzz-{name}-"), *seeds], check)
    atheris.Fuzz()


def _guided_check(module: ModuleType) -> tuple[Callable[[bytes], None], list[str]]:
    """What takes bytes and keeps them, made small, when they fail; and the folder of seeds, if there are any."""
    if hasattr(module, "check_bytes"):

        def check(data: bytes) -> None:
            try:
                module.check_bytes(data)
            except Exception:
                _say(corpus.keep(module, data))
                raise

        return check, [str(corpus.folder(module))] if corpus.folder(module).is_dir() else []
    watched, kept = _Watched(module), InMemoryExampleDatabase()
    test = _test(module, watched.check, watched.machine, database=kept)

    def drawn(data: bytes) -> None:
        try:
            test.hypothesis.fuzz_one_input(data)
        except Exception:  # hypothesis has put it into the database, from where it can be shrunk
            try:
                test()
            except Exception as error:  # noqa: BLE001
                _say(watched.keep(error))
            raise

    return drawn, []


class _Watched:
    """A target whose examples are counted, until its time is over, and whose last failure is remembered."""

    def __init__(self, module: ModuleType, end: float | None = None) -> None:
        self.count = 0
        self._module = module
        self._end = end
        self._failed: list[Any] = []

    @property
    def over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def check(self, example: Any) -> None:
        if self.over and not self._failed:
            return
        self.count += 1
        try:
            self._module.check(example)
        except Exception:
            self._failed = [example]
            raise

    def machine(self) -> Any:
        self.count += 1
        return self._module.MACHINE()

    def keep(self, error: BaseException) -> Path | None:
        """Put the failure, which hypothesis has shrunk by now, into the corpus."""
        if hasattr(self._module, "MACHINE"):
            _, begin, rest = "\n".join(getattr(error, "__notes__", ())).partition("state = ")
            return corpus.keep_steps(self._module, begin + rest.partition("state.teardown()")[0])
        return corpus.keep(self._module, self._failed[0]) if self._failed else None


def _say(path: Path | None) -> None:
    sys.stderr.write(f"kept as {path}\n")


def _test(module: ModuleType, check: Callable[[Any], Any], machine: Any = None, **profile: Any) -> Any:
    usual = {
        "max_examples": BOUNDED,
        "database": None,
        "deadline": None,
        "print_blob": True,
        "report_multiple_bugs": False,
        "phases": getattr(module, "PHASES", tuple(Phase)),
        "suppress_health_check": list(HealthCheck),
    }
    if hasattr(module, "MACHINE"):
        steps = {"stateful_step_count": getattr(module, "STEPS", STEPS)}
        return get_state_machine_test(
            machine or module.MACHINE, settings=settings(**(usual | steps | profile))
        )

    @settings(**(usual | profile))
    @given(module.EXAMPLES)
    def test(example: Any) -> None:
        check(example)

    return test

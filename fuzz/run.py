"""Running a target: bounded, for a time, or guided by coverage."""

import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz import targets

CORPUS = Path(__file__).parent / "corpus"

BOUNDED = 100
"""Examples of a bounded run, and of a batch of a long one, unless the target has its own `BOUNDED`."""


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
    phases: Collection[Phase] = tuple(Phase),
    derandomize: bool = True,
    **options: Any,
) -> None:
    """Replay the corpus, then so many examples; raises what the target raises. `options` go to its checks."""
    for data in _corpus(module):
        module.check_bytes(data, **options)
    count = examples or getattr(module, "BOUNDED", BOUNDED)
    test = _test(
        module, partial(module.check, **options), max_examples=count, phases=phases, derandomize=derandomize
    )
    test()


def for_seconds(module: ModuleType, seconds: float) -> int:
    """New examples until the time is over; says how many. A failure is shrunk, kept in the corpus, and raised."""
    for data in _corpus(module):
        module.check_bytes(data)
    count, failed = 0, None

    def check(example: Any) -> None:
        nonlocal count, failed
        count += 1
        try:
            module.check(example)
        except Exception:
            failed = example
            raise

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        test = seed(time.time_ns())(_test(module, check))
        try:
            test()
        except Exception:
            _keep(module, failed)
            raise
    return count


def guided(name: str, seconds: float) -> None:
    """Coverage-guided by atheris (libFuzzer); it ends the process."""
    try:
        import atheris  # noqa: PLC0415  # optional: it has no wheel for every Python
    except ImportError:
        raise SystemExit("atheris is not installed here: pip install atheris") from None
    with atheris.instrument_imports(include=["kiro_trio"]):
        module = target(name)
    check = getattr(module, "check_bytes", None) or _test(module, module.check).hypothesis.fuzz_one_input
    kept, scratch = CORPUS / name, tempfile.mkdtemp(prefix=f"fuzz-{name}-")
    kept.mkdir(parents=True, exist_ok=True)
    # What is new to it goes to the first folder, what fails to the corpus.
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds:.0f}", f"-artifact_prefix={kept}/", scratch, str(kept)],
        check,
    )
    atheris.Fuzz()


def _test(module: ModuleType, check: Callable[[Any], None], **profile: Any) -> Any:
    def test(example: Any) -> None:
        check(example)

    usual = {"max_examples": getattr(module, "BOUNDED", BOUNDED), "suppress_health_check": list(HealthCheck)}
    given_settings = settings(database=None, deadline=None, print_blob=True, **(usual | profile))
    return given_settings(given(module.EXAMPLES)(test))


def _corpus(module: ModuleType) -> Iterator[bytes]:
    folder = CORPUS / module.__name__.rpartition(".")[2]
    for path in sorted(folder.glob("*")):
        yield path.read_bytes()


def _keep(module: ModuleType, example: Any) -> None:
    """A failing example of bytes becomes part of the corpus; of others, hypothesis prints all there is to know."""
    data = getattr(module, "bytes_of", lambda same: same)(example)
    if isinstance(data, bytes):
        path = CORPUS / module.__name__.rpartition(".")[2] / f"failed-{sha256(data).hexdigest()[:12]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"kept as {path}", file=sys.stderr)  # noqa: T201

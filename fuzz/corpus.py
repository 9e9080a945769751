"""What every run replays: seeds by hand, and failures that were found.

A file of `corpus/<target>/` is an example: `*.example` as a Python expression (`fuzz/written.py`), `*.steps` as the program of a
state machine, any other name as the bytes themselves.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from fuzz import written

FOLDER = Path(__file__).with_name("corpus")


def replay(module: ModuleType, **options: Any) -> int:
    """Check every kept example, and say how many there are; raises what the target raises."""
    count = 0
    for path in paths(module):
        _checker(module, path, options)()
        count += 1
    return count


def paths(module: ModuleType) -> Iterator[Path]:
    yield from sorted(folder(module).glob("*"))


def folder(module: ModuleType) -> Path:
    return FOLDER / module.__name__.rpartition(".")[2]


def keep(module: ModuleType, example: Any) -> Path | None:
    """Write a failing example into the corpus, if it fails again when it is read back; says where it is."""
    data = getattr(module, "bytes_of", lambda same: same)(example)
    if isinstance(data, bytes) and hasattr(module, "check_bytes") and fails(lambda: module.check_bytes(data)):
        return _keep(module, minimised(data, lambda less: fails(lambda: module.check_bytes(less))), "")
    return _keep(module, written.write(example).encode("utf-8", "surrogateescape") + b"\n", ".example")


def keep_steps(module: ModuleType, program: str) -> Path | None:
    """Likewise for the program that hypothesis prints of a state machine."""
    return _keep(module, program.encode(), ".steps")


def minimised(data: bytes, wanted: Callable[[bytes], bool]) -> bytes:
    """A shorter `data` that is `wanted` as well: pieces are left out as long as that works."""
    size = len(data)
    while size:
        at = 0
        while at < len(data):
            less = data[:at] + data[at + size :]
            if wanted(less):
                data = less
            else:
                at += size
        size //= 2
    return data


def fails(check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001  # whatever shows it
        return True
    return False


def _keep(module: ModuleType, raw: bytes, suffix: str) -> Path | None:
    path = folder(module) / f"failed-{sha256(raw).hexdigest()[:12]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    if fails(_checker(module, path, {})):
        return path
    path.unlink()
    return None


def _checker(module: ModuleType, path: Path, options: dict[str, Any]) -> Callable[[], object]:
    raw = path.read_bytes()
    if path.suffix == ".steps":
        return lambda: _run_steps(module, raw.decode())
    if path.suffix == ".example":
        return lambda: module.check(written.read(raw.decode("utf-8", "surrogateescape")), **options)
    return lambda: module.check_bytes(raw, **options)


def _run_steps(module: ModuleType, program: str) -> None:
    """Run a printed program; the machine's invariants stand in it."""
    exec(program, {module.MACHINE.__name__: module.MACHINE, **vars(module)})  # noqa: S102

"""The gateway, measured as users run it: `python -m bench.gateway`.

A stub of Kiro and a load generator on one core; on the other `kiro-trio serve`, and in turns with it a FastAPI and httpx
translation of the same job (`bench/peers/`). CPU is that of the program alone, as the scheduler counts it.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from bench.load import memory, readme, report
from bench.load.cells import CELLS, Cell
from bench.load.generator import Job, Result
from bench.load.programs import (
    KEY,
    Program,
    Upstream,
    end_with_sigterm,
    gateway,
    peer,
    peer_python,
    run,
    upstream,
    workshop,
)

README = Path(__file__).with_name("README.md")

Results = dict[str, dict[str, list[Result]]]

NO_PEER = """\
The peer is not measured: no Python with fastapi, httptools, httpx and uvicorn was found. To have one:
    python -m venv .venv-peer && .venv-peer/bin/pip install -r bench/peers/requirements.txt
or name another with --peer-python.
"""


def main() -> None:
    options = parse()
    end_with_sigterm()
    cells = [cell for cell in CELLS if not options.cells or cell.name in options.cells]
    python = None if options.no_peer else peer_python(options.peer_python)
    if python is None and not options.no_peer:
        print(NO_PEER, file=sys.stderr)
    results: Results = {}
    with workshop() as (folder, stack):
        plain, secure = stage(folder, stack, python, tls=any(cell.tls for cell in cells))
        for cell in cells:
            stub, programs = secure if cell.tls else plain
            results[cell.name] = rounds(cell, stub, programs, options.rounds, options.scale)
            print(report.line(cell, results[cell.name]), flush=True)
        streams = [] if options.cells and "memory" not in options.cells else options.streams
        held = memory.measure(folder, plain[0], python, streams) if streams else {}
    figures = report.figures(cells, results, held)
    print(report.text(figures, held))
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "figures": figures, "memory": held}, indent=1)
        )
    if options.svg:
        options.svg.write_text(report.svg(figures))
    if options.readme:
        readme.rewrite(options.readme, machine(), figures, held, options.rounds)
    if options.check and report.missed(figures):
        sys.exit(1)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("cells", nargs="*", help=f"all of: {' '.join(cell.name for cell in CELLS)} memory")
    parser.add_argument("--rounds", type=int, default=3, help="how often each cell is measured")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each cell's work is done")
    parser.add_argument(
        "--streams", type=int, nargs="*", default=[200, 1000], help="open streams, for memory"
    )
    parser.add_argument("--peer-python", type=Path, help="a Python that has what bench/peers needs")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a target is missed")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--svg", type=Path, help="draw the figures there")
    parser.add_argument(
        "--readme", type=Path, nargs="?", const=README, help="put the figures into bench/README.md, or there"
    )
    return parser.parse_args()


Stage = tuple[Upstream, list[Program]]


def stage(folder: Path, stack: ExitStack, python: Path | None, *, tls: bool) -> tuple[Stage, Stage]:
    """Start all programs, once with a stub in clear text and once, if wanted, with one that speaks TLS."""
    stages: list[Stage] = []
    for secure in (False, True)[: 1 + tls]:
        suffix = "-tls" if secure else ""
        stub = stack.enter_context(upstream(folder / f"stub{suffix}", tls=secure))
        programs = [stack.enter_context(gateway(folder / f"gateway{suffix}", stub))]
        if python is not None:
            programs.append(stack.enter_context(peer(folder / f"peer{suffix}", stub, python)))
        for program in programs:  # what is imported and compiled late is no part of any cell
            run(Job(port=program.port, key=KEY, connections=16, events=20, limit=100))
        stages.append((stub, programs))
    return stages[0], stages[-1]


def rounds(
    cell: Cell, stub: Upstream, programs: list[Program], count: int, scale: float
) -> dict[str, list[Result]]:
    """Measure a cell in turns, the order turning too; a stub in clear text is also asked directly."""
    taken: dict[str, list[Result]] = defaultdict(list)
    work = cell.job | {key: max(1, round(cell.job[key] * scale)) for key in ("limit",) if key in cell.job}
    for number in range(count):
        turn = number % len(programs)
        for program in programs[turn:] + programs[:turn]:
            job = Job(port=program.port, pid=program.pid, key=KEY, **work)
            taken[program.name].append(checked(run(job), cell, program.name))
        if not cell.tls:
            taken["direct"].append(checked(run(Job(port=stub.port, kiro=True, **work)), cell, "direct"))
    return taken


def checked(result: Result, cell: Cell, name: str) -> Result:
    if result.errors or not result.events:
        print(f"{cell.name}, {name}: {result.errors} errors: {result.problem}", file=sys.stderr)
    return result


def machine() -> dict[str, str]:
    model = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    return {
        "cpu": model.partition(":")[2].strip(),
        "cores": str(os.cpu_count()),
        "python": sys.version.split()[0],
        "load": " ".join(f"{one:.1f}" for one in os.getloadavg()),
    }


if __name__ == "__main__":
    main()

"""`python -m fuzz`: some targets, each for a time."""

import argparse
import os
import sys

from fuzz import run

# ruff: noqa: T201  # a command prints


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if options.list or not options.targets:
        for name in run.names():
            print(f"{name:24}{(run.target(name).__doc__ or '').splitlines()[0]}")
        return 0
    chosen = run.names() if "all" in options.targets else options.targets
    if unknown := sorted(set(chosen) - set(run.names())):
        parser.error(f"no target {', '.join(unknown)}; there are: {', '.join(run.names())}")
    seconds = options.seconds if options.minutes is None else options.minutes * 60
    if options.engine == "atheris":
        if len(chosen) != 1:
            parser.error("atheris takes one target, for it ends the process")
        run.guided(chosen[0], seconds)  # before anything else imports the target: it must be instrumented
    print(f"{len(chosen)} targets, {seconds:.0f} s each, {options.jobs} at a time", flush=True)
    return _summary(run.search_all(chosen, seconds, options.jobs, _tell))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Look for what breaks an invariant.")
    parser.add_argument("targets", nargs="*", metavar="target", help="targets, or 'all'; none lists them")
    parser.add_argument("--list", action="store_true", help="say what targets there are")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, for each target (default 60)")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="targets at a time (default: one per processor)"
    )
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    return parser


def _tell(row: run.Row) -> None:
    print(row, flush=True)


def _summary(rows: list[run.Row]) -> int:
    """Print what was found at the end, where it is seen; the exit code says whether anything was."""
    failed = [row for row in rows if row.found]
    for row in failed:
        print(f"\n== {row.name}: {run.target(row.name).__doc__}\n{row.found}")
    examples, minutes = sum(row.examples for row in rows), sum(row.seconds for row in rows) / 60
    found = f"found something: {', '.join(row.name for row in failed)}" if failed else "nothing found"
    print(f"\n{len(rows)} targets, {examples:,} examples in {minutes:.1f} minutes: {found}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

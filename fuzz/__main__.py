"""`python -m fuzz`: one target for a time."""

import argparse
import sys

from fuzz import run

# ruff: noqa: T201  # a command prints


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Look for what breaks an invariant.")
    parser.add_argument("target", nargs="?", help="a target, or 'all' for one after another; none lists them")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, for each target (default 60)")
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    options = parser.parse_args()
    if options.target is None:
        for name in run.names():
            print(f"{name:24}{(run.target(name).__doc__ or '').splitlines()[0]}")
        return 0
    chosen = run.names() if options.target == "all" else [options.target]
    if unknown := set(chosen) - set(run.names()):
        parser.error(f"no target {', '.join(unknown)}; there are: {', '.join(run.names())}")
    for name in chosen:
        if options.engine == "atheris":
            run.guided(
                name, options.seconds
            )  # before anything else imports the target: it must be instrumented
        module = run.target(name)
        if (package := run.missing(module)) is not None:
            print(f"{name}: skipped, it needs the package {package}")
            continue
        print(f"{name}: {run.for_seconds(module, options.seconds)} examples, nothing found", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Puts the figures of a run where readers look for them: between two marks of bench/README.md."""

from pathlib import Path

from bench.load import report
from bench.load.cells import TARGETS

BEGIN, END = (
    "<!-- figures of the gateway: python -m bench.gateway --readme -->\n",
    "<!-- end of the figures -->\n",
)


def rewrite(
    path: Path, machine: dict[str, str], found: report.Figures, held: report.Figures, rounds: int
) -> None:
    """Replace what stands between the marks; whatever is around them stays."""
    before, begin, rest = path.read_text("utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path}: there are no marks to put the figures between")
    path.write_text(f"{before}{BEGIN}\n{section(machine, found, held, rounds)}\n{END}{after}", "utf-8")


def section(machine: dict[str, str], found: report.Figures, held: report.Figures, rounds: int) -> str:
    """The run, its table, the memory, and what became of the targets."""
    head = (
        f"CPython {machine['python']}, {machine['cores']} cores {machine['cpu']}, medians of {rounds} rounds "
        f"[least, most], load average {machine['load']} (the bench itself keeps two cores busy)."
    )
    targets = ["| target | at most | this run | |", "|---|--:|--:|---|"]
    for target in TARGETS:
        value = report.lookup(found, target.figure)
        if value is not None:
            verdict = "reached" if value <= target.most else "**missed**"
            targets.append(
                f"| {target.sentence} | {target.most:.3g} {target.unit} | {value:.4g} {target.unit} | {verdict} |"
            )
    return "\n".join([head, report.table(found), *report.memory_lines(held), "", *targets, ""])

"""From results to figures, and from figures to a table, a verdict on the targets and a drawing."""

from statistics import median
from typing import Any

from bench.load.cells import TARGETS, Cell
from bench.load.generator import Result

Figures = dict[str, dict[str, float]]
MICRO = 1e6


def cost(cell: Cell, result: Result) -> float:
    """Microseconds of CPU per event or request."""
    return result.cpu * MICRO / max(1, getattr(result, cell.per))


def percentile(values: list[int], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def cell_figures(cell: Cell, taken: dict[str, list[Result]]) -> dict[str, float]:
    """Medians over the rounds; ratios are those of each round, for two programs of one round had the same neighbours."""
    figures: dict[str, float] = {}
    costs = {
        name: [cost(cell, one) for one in results] for name, results in taken.items() if name != "direct"
    }
    for name, values in costs.items():
        figures |= {name: median(values), f"{name} min": min(values), f"{name} max": max(values)}
    if "peer" in costs:
        ratios = [
            ours / theirs for ours, theirs in zip(costs["gateway"], costs["peer"], strict=True) if theirs
        ]
        figures |= {"ratio": median(ratios), "ratio min": min(ratios), "ratio max": max(ratios)}
    for what, field in (("first", "first"), ("delay", "delays")):
        for part, label in ((0.5, "p50"), (0.99, "p99")):
            direct = [percentile(getattr(one, field), part) for one in taken.get("direct", [])]
            for name in costs:
                here = [percentile(getattr(one, field), part) for one in taken[name]]
                prefix = "" if name == "gateway" else f"{name} "
                if direct and any(here):
                    figures[f"{prefix}added {what} {label}"] = median(here) - median(direct)
    for name, results in taken.items():
        figures[f"{name} per second"] = median(getattr(one, cell.per) / one.seconds for one in results)
        figures[f"{name} errors"] = sum(one.errors for one in results)
    return figures


def figures(cells: list[Cell], results: dict[str, dict[str, list[Result]]], held: Figures) -> Figures:
    """All figures, by cell and name."""
    found = {cell.name: cell_figures(cell, results[cell.name]) for cell in cells}
    if held:
        most = str(max(int(name) for name in held["gateway"] if name.isdigit()))
        found["memory"] = {name: values[most] for name, values in held.items()}
    return found


def line(cell: Cell, taken: dict[str, list[Result]]) -> str:
    """A cell, as soon as it is there."""
    here = cell_figures(cell, taken)
    parts = [f"{cell.name:<13}"]
    parts += [
        f"{name} {here[name]:8.1f} us [{here[f'{name} min']:.1f} {here[f'{name} max']:.1f}]"
        for name in ("gateway", "peer")
        if name in here
    ]
    if "ratio" in here:
        parts.append(f"x {here['ratio']:.2f} [{here['ratio min']:.2f} {here['ratio max']:.2f}]")
    parts += [f"{name} {value / 1000:.2f} ms" for name, value in here.items() if name.startswith("added")]
    return "  ".join(parts)


def table(found: Figures) -> str:
    """All cells, in Markdown."""
    rows = [
        "",
        "| cell | gateway us [min max] | peer us [min max] | ratio | added first p50, p99 ms | added delay p50, p99 ms | per second |",
    ]
    rows.append("|---|---|---|---|---|---|---|")
    return "\n".join(rows + [_row(name, here) for name, here in found.items() if name != "memory"])


def memory_lines(held: Figures) -> list[str]:
    """What the programs hold, by themselves and per stream."""
    return [
        f"\nMemory of the {name}: {values['0'] / 1000:.0f} MB, and per open stream {_memory(values)}."
        for name, values in held.items()
    ]


def text(found: Figures, held: Figures) -> str:
    """The table and the verdict."""
    rows = [table(found), *memory_lines(held), ""]
    for target in TARGETS:
        value = lookup(found, target.figure)
        if value is not None:
            verdict = "reached" if value <= target.most else "MISSED"
            rows.append(
                f"{verdict:8} {target.sentence}: {value:.4g} {target.unit} (at most {target.most:.3g})"
            )
    return "\n".join(rows)


def missed(found: Figures) -> list[str]:
    """The targets that were measured and missed."""
    values = [(target, lookup(found, target.figure)) for target in TARGETS]
    return [target.sentence for target, value in values if value is not None and value > target.most]


def lookup(found: Figures, figure: str) -> float | None:
    cell, _, name = figure.partition("/")
    return found.get(cell, {}).get(name)


def _row(name: str, here: dict[str, float]) -> str:
    cells = [name]
    for program in ("gateway", "peer"):
        known = program in here
        cells.append(
            f"{here[program]:.1f} [{here[f'{program} min']:.1f} {here[f'{program} max']:.1f}]"
            if known
            else ""
        )
    cells.append(
        f"{here['ratio']:.2f} [{here['ratio min']:.2f} {here['ratio max']:.2f}]" if "ratio" in here else ""
    )
    for what in ("first", "delay"):
        pair = [here.get(f"added {what} {part}") for part in ("p50", "p99")]
        cells.append(", ".join(f"{value / 1000:.2f}" for value in pair if value is not None))
    cells.append(f"{here['gateway per second']:.0f}")
    return f"| {' | '.join(cells)} |"


def _memory(values: dict[str, float]) -> str:
    parts = [f"{value:.0f} KB at {name}" for name, value in values.items() if name.isdigit() and name != "0"]
    return f"{', '.join(parts)}; {values['CPU ms to open one']:.1f} ms of CPU to open one"


BAR, GAP, LEFT, WIDTH = 13, 12, 110, 560
COLOURS = {"gateway": "#2f7d5b", "peer": "#b9b4a7"}
STYLE = "font:12px system-ui,sans-serif"


def svg(found: Figures) -> str:
    """Bars per cell, gateway over peer, each pair scaled to the larger: what counts is how they compare."""
    shown = {name: here for name, here in found.items() if "ratio" in here}
    parts: list[str] = []
    top = 34
    for name, here in shown.items():
        largest = max(here["gateway"], here["peer"])
        parts.append(_label(LEFT - 8, top + BAR + 4, name, "end"))
        for program in ("gateway", "peer"):
            width = here[program] / largest * (WIDTH - 170)
            parts.append(
                f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[program]}"/>'
            )
            parts.append(
                _label(LEFT + width + 6, top + BAR - 2, f"{program} {_readable(here[program])}", "start")
            )
            top += BAR + 1
        top += GAP
    title = _label(
        8, 18, "CPU of the program per event (short, bodies: per request); shorter is better", "start"
    )
    height = top + 4
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 60} {height}" role="img">'
    ground = f'<rect width="{WIDTH + 60}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, ground, title, *parts, "</svg>"]) + "\n"


def _label(x: float, y: float, words: Any, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{STYLE}" fill="#333333">{words}</text>'
    )


def _readable(micro: float) -> str:
    return f"{micro / 1000:.2f} ms" if micro >= 1000 else f"{micro:.1f} \u00b5s"

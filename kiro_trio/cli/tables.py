"""Tables on stdout: as wide as the terminal, or as wide as they are where there is none."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NO_TERMINAL = 400


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, marked: Sequence[bool] = ()) -> None:
    """Show rows of plain text; those that are `marked` stand out."""
    live = sys.stdout.isatty()
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for number, row in enumerate(rows):
        style = "yellow" if number < len(marked) and marked[number] else ""
        # Text, not str: rich reads markup in strings, and a name may have brackets.
        table.add_row(*(Text(cell, style=style, overflow="fold") for cell in row))
    Console(width=None if live else _NO_TERMINAL, highlight=False, soft_wrap=not live).print(table)

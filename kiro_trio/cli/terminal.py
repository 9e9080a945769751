"""Talking to the person at the terminal: on stderr, so that stdout is left to what a command was asked for."""

import io
import sys

import click
import segno

_ERASE_LINE = "\r\x1b[2K"
_MINUTE = 60


def tell(text: str = "") -> None:
    """Say something."""
    click.echo(text, err=True)


def printable(text: str, most: int = 200) -> str:
    """Text of somebody else's, so that it says nothing to the terminal but itself."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in cut)


def show_qr_code(text: str, *, wanted: bool | None) -> None:
    """Show a QR code of `text`; `wanted` None: if somebody is there to see it. Never fails."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        return
    drawing = io.StringIO()
    segno.make_qr(text, error="l").terminal(out=drawing, border=2, compact=True)
    try:
        drawing.getvalue().encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return  # a terminal without blocks
    tell(drawing.getvalue())


class Countdown:
    """How long there is still time: one line that counts, or one that is said once where nobody watches."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._begun = False

    def __call__(self, left: float) -> None:
        """`left` seconds are left."""
        if self._live:
            minutes, seconds = divmod(round(left), _MINUTE)
            click.echo(
                f"{_ERASE_LINE}Waiting for you: {minutes}:{seconds:02} left, Ctrl-C gives up. ",
                nl=False,
                err=True,
            )
        elif not self._begun:
            tell(f"Waiting for you, at most {max(1, round(left / _MINUTE))} minutes; Ctrl-C gives up.")
        self._begun = True

    def clear(self) -> None:
        """Take the line away."""
        if self._live and self._begun:
            click.echo(_ERASE_LINE, nl=False, err=True)

"""`kiro-trio statusline`: one line for Claude Code's status bar. Imports little: it runs after every message."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

# What Claude Code tells is a few kilobytes.
_MOST_INPUT = 1024 * 1024


@click.command(
    "statusline",
    short_help="One line for Claude Code: account, credits, spend.",
    epilog="""\b
Claude Code runs it (setting `statusLine`), and `kiro-trio claude` sees to that for as long as
it runs. To have it always:
\b
Examples:
  kiro-trio statusline --install                               into ~/.claude/settings.json
  kiro-trio statusline --install --settings .claude/settings.local.json
  kiro-trio statusline --uninstall
  echo '{}' | kiro-trio statusline                             see it without Claude Code
""",
)
@click.option("--install", "action", flag_value="install", help="Have Claude Code show it from now on.")
@click.option("--uninstall", "action", flag_value="uninstall", help="Take it out again.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings of Claude Code to write to  [default: ~/.claude/settings.json]",
)
def command(action: str | None, settings: Path | None) -> None:
    """Say on one line which account is in use, what it has left and what this session has used.

    Reads what Claude Code tells on stdin, and asks the gateway of ANTHROPIC_BASE_URL with the key in
    ANTHROPIC_AUTH_TOKEN. Never fails: when the gateway cannot be asked, the line says why.
    """
    if action is not None:
        _change(action, settings)
        return
    if settings is not None:
        raise click.UsageError("--settings goes with --install or --uninstall")
    click.echo(line(_told(), os.environ), color=True)


def line(told: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The line for what Claude Code told; never raises."""
    from kiro_trio.cli.statusline_text import dimmed, in_one_line  # noqa: PLC0415 - not for --install
    from kiro_trio.cli.usage_query import NoAnswer, ask_usage  # noqa: PLC0415

    plain = bool(environ.get("NO_COLOR"))
    try:
        session = told.get("session_id")
        answer = ask_usage(environ, session if isinstance(session, str) else "")
        return in_one_line(answer, told, plain=plain)
    except NoAnswer as error:
        return dimmed(f"kiro-trio: {error}", plain=plain)
    except Exception as error:  # noqa: BLE001 - a status bar is no place for a traceback
        return dimmed(f"kiro-trio: no status ({type(error).__name__})", plain=plain)


def _told() -> Mapping[str, Any]:
    """What stands on stdin, {} if nobody tells anything."""
    try:
        if sys.stdin.isatty():
            return {}
        told = json.loads(sys.stdin.buffer.read(_MOST_INPUT))
    except (OSError, ValueError, RecursionError, AttributeError):
        return {}
    return told if isinstance(told, dict) else {}


def _change(action: str, settings: Path | None) -> None:
    from kiro_trio.cli.claude_settings import default_settings, install, uninstall  # noqa: PLC0415
    from kiro_trio.cli.plainly import plainly  # noqa: PLC0415

    path = default_settings(os.environ) if settings is None else settings
    with plainly():
        changed = (install if action == "install" else uninstall)(path)
    if action == "install":
        click.echo(f"Wrote the status line to {path}." if changed else f"{path} has it already.")
    else:
        click.echo(f"Took the status line out of {path}." if changed else f"{path} has no such status line.")

"""The command `kiro-trio` and its subcommands."""

from importlib import import_module
from typing import Any

import click

from kiro_trio import __version__
from kiro_trio.cli.outlet import outlet

# Each stands in its module of this room as `command`, and is imported when it is wanted: `--version` needs none.
_COMMANDS = (
    "serve",
    "login",
    "accounts",
    "env",
    "claude",
    "statusline",
    "doctor",
    "health",
    "service",
    "completion",
    "replay",
    "simulate",
    "demo",
)


class _Commands(click.Group):
    """Subcommands that are imported when they are wanted."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run, as click does it, whatever becomes of stdout."""
        with outlet():
            return super().main(*args, **options)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand of that name, None if there is none."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"kiro_trio.cli.{cmd_name}").command
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  kiro-trio demo                see it work: no account, no network needed
  kiro-trio serve               first start: writes config.json and says what to paste
  kiro-trio login --google      sign in
  kiro-trio claude              Claude Code with it (config and accounts: ~/.config/kiro-trio)
  kiro-trio doctor              when something is wrong
""",
)
@click.version_option(__version__, prog_name="kiro-trio")
def main() -> None:
    """An Anthropic Messages API gateway to Kiro: the answer is whole, or it is an error."""

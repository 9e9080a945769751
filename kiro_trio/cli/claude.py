"""`kiro-trio claude`: Claude Code, talking to the gateway."""

import json
import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import trio

from kiro_trio.cli.claude_code import IN_THE_WAY, claude_code_variables
from kiro_trio.cli.claude_settings import default_settings, has_status_line, status_line
from kiro_trio.cli.companion import companion_gateway
from kiro_trio.cli.foreground import run_in_foreground
from kiro_trio.cli.place import address_of, has_account, runs_at
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import tell
from kiro_trio.kiro.catalog import DEFAULT
from kiro_trio.settings import Settings, load_settings, usual_config_elsewhere, write_first_config

# Ours, and how many values each takes; the first argument that is none of them begins Claude Code's.
_OURS = {
    "--config": 1,
    "--credentials": 1,
    "--upstream": 1,
    "--program": 1,
    "--no-statusline": 0,
    "--help": 0,
    "-h": 0,
}

# With these Claude Code shows no status line, or is told its settings by somebody else.
_WITHOUT_STATUS_LINE = {"-p", "--print", "--settings", "-h", "--help", "-v", "--version"}

_NOT_FOUND = 127  # as shells say it


class NoClaudeCode(click.ClickException):
    """It is not installed, or not where we look."""

    exit_code = _NOT_FOUND


class _Passing(click.Command):
    """A command whose arguments belong to another program, but for our options at their beginning."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a `--` before what is not ours."""
        index = 0
        while index < len(args) and args[index].partition("=")[0] in _OURS:
            index += 1 if "=" in args[index] else 1 + _OURS[args[index]]
        rest = args[index:]
        return super().parse_args(ctx, [*args[:index], *([] if rest[:1] == ["--"] else ["--"]), *rest])


@click.command(
    "claude",
    short_help="Start Claude Code with it, and the gateway if none runs.",
    cls=_Passing,
    epilog="""\b
Options of ours come first; everything after them is Claude Code's. What the gateway
says goes to a file, for Claude Code has the terminal.
\b
Examples:
  kiro-trio claude
  kiro-trio claude --continue
  kiro-trio claude -p "What is in this folder?"
  kiro-trio claude --config ~/kiro/config.json -- --help
""",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=usual_config_elsewhere,
    envvar="KIRO_TRIO_CONFIG",
    show_default="~/.config/kiro-trio/config.json",
    help="Config file of the gateway; written if there is none.",
)
@click.option("--credentials", metavar="FILE", help="Accounts file, if a gateway must be started.")
@click.option("--upstream", metavar="URL", help="Stands for Kiro, if a gateway must be started: for tests.")
@click.option("--program", default="claude", metavar="FILE", show_default=True, help="Claude Code itself.")
@click.option("--no-statusline", is_flag=True, help="Leave Claude Code's status line as it is.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def command(
    config: Path,
    credentials: str | None,
    upstream: str | None,
    program: str,
    arguments: tuple[str, ...],
    *,
    no_statusline: bool,
) -> None:
    """Start Claude Code so that it talks to the gateway; if none runs, one is started, and stopped afterwards.

    Work where you like: the config and the accounts are those of ~/.config/kiro-trio, and a config.json of the folder
    that you work in is not read. Signals go to Claude Code, and its exit code is ours. Unless you have a status line of your own, it shows ours.
    """
    found = shutil.which(program)
    if found is None:
        raise NoClaudeCode(
            f"there is no program {program!r} in PATH. Claude Code is installed with"
            " `npm install -g @anthropic-ai/claude-code`; if it is somewhere else, name it with --program"
        )
    with plainly():
        if not config.exists() and not os.environ.get("KIRO_TRIO_API_KEY"):
            if config == usual_config_elsewhere():
                config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_first_config(config)
            tell(f"Wrote {config} with new keys.")
        settings = load_settings(config, os.environ).settings
    flags = ["--config", str(config)]
    flags += ["--credentials", credentials] if credentials else []
    flags += ["--upstream", upstream] if upstream else []
    with plainly():
        shown = [] if no_statusline else _status_line(arguments)
        click.get_current_context().exit(
            trio.run(partial(_run, [found, *shown, *arguments], settings, config, flags))
        )


def _status_line(arguments: Sequence[str]) -> list[str]:
    """Arguments by which Claude Code shows our status line; none where the person has one, or there is no place for it."""
    if any(argument.partition("=")[0] in _WITHOUT_STATUS_LINE for argument in arguments):
        return []
    project = Path(".claude")
    files = (
        default_settings(os.environ),
        project / "settings.json",
        project / "settings.local.json",
    )
    return [] if has_status_line(files) else ["--settings", json.dumps({"statusLine": status_line()})]


async def _run(argv: list[str], settings: Settings, config: Path, flags: list[str]) -> int:
    url = None if settings.port == 0 else address_of(settings, config)
    if url is not None and await runs_at(url, settings.api_key):
        return await _claude_code(argv, url, settings)
    accounts = (
        flags[flags.index("--credentials") + 1] if "--credentials" in flags else settings.credentials_file
    )
    async with companion_gateway(flags) as url:
        if not await has_account(url):
            tell(
                f"The gateway has no account that works yet (they are in {accounts}): `kiro-trio login` signs in,"
                " `kiro-trio doctor` tells why."
            )
        return await _claude_code(argv, url, settings)


async def _claude_code(argv: list[str], url: str, settings: Settings) -> int:
    catalog = DEFAULT.overridden(settings.models, settings.model_aliases, settings.unknown_models)
    mine = {name: value for name, value in os.environ.items() if name not in IN_THE_WAY}
    return await run_in_foreground(
        argv, {**mine, **claude_code_variables(url, settings.api_key, os.environ, catalog)}
    )

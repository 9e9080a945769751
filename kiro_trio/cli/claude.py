"""`kiro-trio claude`: Claude Code, talking to the gateway."""

import os
import shutil
from functools import partial
from pathlib import Path

import click
import trio

from kiro_trio.cli.claude_code import IN_THE_WAY, claude_code_variables
from kiro_trio.cli.companion import companion_gateway
from kiro_trio.cli.foreground import run_in_foreground
from kiro_trio.cli.place import address_of, has_account, runs_at
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import tell
from kiro_trio.kiro.catalog import DEFAULT
from kiro_trio.settings import Settings, load_settings, write_first_config

# Ours, and how many values each takes; the first argument that is none of them begins Claude Code's.
_OURS = {"--config": 1, "--credentials": 1, "--upstream": 1, "--program": 1, "--help": 0, "-h": 0}

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
    default="config.json",
    envvar="KIRO_TRIO_CONFIG",
    show_default=True,
    help="Config file of the gateway; written if there is none.",
)
@click.option("--credentials", metavar="FILE", help="Accounts file, if a gateway must be started.")
@click.option("--upstream", metavar="URL", help="Stands for Kiro, if a gateway must be started: for tests.")
@click.option("--program", default="claude", metavar="FILE", show_default=True, help="Claude Code itself.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
@click.pass_context
def command(
    ctx: click.Context,
    config: Path,
    credentials: str | None,
    upstream: str | None,
    program: str,
    arguments: tuple[str, ...],
) -> None:
    """Start Claude Code so that it talks to the gateway; if none runs, one is started, and stopped afterwards.

    Signals go to Claude Code, and its exit code is ours.
    """
    found = shutil.which(program)
    if found is None:
        raise NoClaudeCode(
            f"there is no program {program!r} in PATH. Claude Code is installed with"
            " `npm install -g @anthropic-ai/claude-code`; if it is somewhere else, name it with --program"
        )
    with plainly():
        if not config.exists() and not os.environ.get("KIRO_TRIO_API_KEY"):
            write_first_config(config)
            tell(f"Wrote {config} with new keys.")
        settings = load_settings(config, os.environ).settings
    flags = ["--config", str(config)]
    flags += ["--credentials", credentials] if credentials else []
    flags += ["--upstream", upstream] if upstream else []
    with plainly():
        ctx.exit(trio.run(partial(_run, [found, *arguments], settings, config, flags)))


async def _run(argv: list[str], settings: Settings, config: Path, flags: list[str]) -> int:
    url = None if settings.port == 0 else address_of(settings, config)
    if url is not None and await runs_at(url, settings.api_key):
        return await _claude_code(argv, url, settings)
    async with companion_gateway(flags) as url:
        if not await has_account(url):
            tell(
                "The gateway has no account that works yet: `kiro-trio login` signs in, `kiro-trio doctor` tells why."
            )
        return await _claude_code(argv, url, settings)


async def _claude_code(argv: list[str], url: str, settings: Settings) -> int:
    catalog = DEFAULT.overridden(settings.models, settings.model_aliases, settings.unknown_models)
    mine = {name: value for name, value in os.environ.items() if name not in IN_THE_WAY}
    return await run_in_foreground(
        argv, {**mine, **claude_code_variables(url, settings.api_key, os.environ, catalog)}
    )

"""`kiro-trio env`: what Claude Code needs, for a shell to take in."""

import os
from pathlib import Path

import click

from kiro_trio.cli.claude_code import IN_THE_WAY, SHELLS, claude_code_variables, said_to, shell_of
from kiro_trio.cli.place import address_of
from kiro_trio.cli.plainly import plainly
from kiro_trio.kiro.catalog import DEFAULT
from kiro_trio.settings import load_settings, usual_config


@click.command(
    "env",
    short_help="Print what Claude Code needs to talk to the gateway.",
    epilog="""\b
Examples:
  eval "$(kiro-trio env)"                                    sh, bash, zsh
  kiro-trio env --shell fish | source                        fish
  kiro-trio env --shell powershell | Out-String | iex        PowerShell
  kiro-trio env --url https://kiro.example.com >> ~/.profile
""",
)
@click.option(
    "--shell",
    type=click.Choice(list(SHELLS)),
    help="For which shell  [default: the one in $SHELL]",
)
@click.option("--url", metavar="URL", help="Where the gateway is  [default: as the config says]")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=usual_config,
    envvar="KIRO_TRIO_CONFIG",
    show_default="config.json",
    help="Config file of the gateway.",
)
def command(shell: str | None, url: str | None, config: Path) -> None:
    """Print the variables with which Claude Code talks to the gateway.

    The gateway's address and its key; models that Kiro has for Claude Code's aliases; the size of models that Claude
    Code does not know. Models and sizes that you have set yourself stay yours. The output holds the key.

    The status line with account and credits is apart: `kiro-trio statusline --install`.
    """
    with plainly():
        settings = load_settings(config, os.environ).settings
        if not config.exists() and not settings.api_key:
            raise click.ClickException(
                f"there is no {config} and so no key yet; `kiro-trio serve` writes it, or name it with --config"
            )
    if url is not None and not url.lower().startswith(("http://", "https://")):
        raise click.UsageError("--url must begin with http:// or https://")
    if url is not None and not url.isprintable():
        raise click.UsageError("--url has characters that are not printable")
    where = url.rstrip("/").removesuffix("/v1") if url else address_of(settings, config)
    catalog = DEFAULT.overridden(settings.models, settings.model_aliases, settings.unknown_models)
    variables = claude_code_variables(where, settings.api_key, os.environ, catalog)
    unset = tuple(name for name in IN_THE_WAY if os.environ.get(name))
    for line in said_to(shell or shell_of(os.environ), variables, unset):
        click.echo(line)

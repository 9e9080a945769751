"""`kiro-trio completion`: what a shell needs to complete our commands and options."""

import os

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    short_help="Print what a shell needs to complete all this.",
    epilog="""\b
Examples:
  kiro-trio completion bash > ~/.local/share/bash-completion/completions/kiro-trio
  kiro-trio completion zsh > ~/.zfunc/_kiro-trio       (a folder of your fpath)
  kiro-trio completion fish > ~/.config/fish/completions/kiro-trio.fish
""",
)
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
@click.pass_context
def command(ctx: click.Context, shell: str | None) -> None:
    """Print a script with which a shell (the one in $SHELL) completes kiro-trio's commands and options."""
    if shell is None:
        shell = os.environ.get("SHELL", "").rpartition("/")[2]
        if shell not in _SHELLS:
            raise click.UsageError("say for which shell: bash, zsh or fish")
    found = get_completion_class(shell)
    if found is None:  # click knows these three; another version of it may not
        raise click.ClickException(f"this version of click cannot complete for {shell}")
    click.echo(found(ctx.find_root().command, {}, "kiro-trio", "_KIRO_TRIO_COMPLETE").source())

"""`kiro-trio accounts`: whom the gateway may use, and how they are."""

import click

from kiro_trio.cli import (
    account_adding,
    account_check,
    account_edit,
    account_export,
    account_import,
    account_table,
)
from kiro_trio.cli.account_changes import disable, enable, remove


@click.group(
    "accounts",
    epilog="""\b
Examples:
  kiro-trio accounts list
  kiro-trio accounts import --scan --dry-run
  kiro-trio accounts check 2
""",
)
def command() -> None:
    """Show, take over, add, try, edit and remove accounts.

    All of it works while a gateway runs on the same accounts file, which takes up what has changed.
    """


for _one in (
    account_table.command,
    account_import.command,
    account_adding.command,
    account_check.command,
    account_edit.command,
    enable,
    disable,
    remove,
    account_export.command,
):
    command.add_command(_one)

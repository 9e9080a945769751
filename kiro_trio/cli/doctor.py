"""`kiro-trio doctor`: why it does not work, and what to do."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from kiro_trio.cli.examination import Wish, examine
from kiro_trio.cli.findings import Finding, Verdict
from kiro_trio.cli.interruptible import run_interruptibly
from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import printable
from kiro_trio.cli.wiring import account_options

_MOST_SAID = 400

_COLOURS = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.SKIPPED: "cyan", Verdict.BAD: "red"}


@click.command(
    "doctor",
    short_help="Find out what is wrong, from the config to an answer.",
    epilog="""\b
Tokens are renewed where they must be, as the gateway does it. Each account is asked for
one answer of one token, which costs a tiny part of a credit; --no-answer leaves it out.
\b
Examples:
  kiro-trio doctor
  kiro-trio doctor --credential 2 --json
  kiro-trio doctor -c /etc/kiro/config.json --no-answer
""",
)
@click.option("--credential", type=int, metavar="ID", help="Examine this account only.")
@click.option("--model", default="haiku", show_default=True, help="Which model is asked for an answer.")
@click.option("--no-answer", is_flag=True, help="Ask for no answer: nothing is spent.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@account_options
def command(
    config: Path,
    credentials_file: str | None,
    upstream_url: str | None,
    *,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Find out what is wrong: config, files, clock, names, proxy, TLS, endpoints, tokens, models, an answer.

    One line for each, with what to do about it. The exit code is 1 if one of them is bad.
    """
    model = "" if chosen["no_answer"] else chosen["model"]
    wish = Wish(config, credentials_file, upstream_url, chosen["credential"], model)
    found: list[Finding] = []

    def report(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            _show(finding)

    with plainly():
        run_interruptibly(partial(examine, wish, report), "given up; what was renewed is stored")
    bad = sum(finding.verdict is Verdict.BAD for finding in found)
    if as_json:
        click.echo(json.dumps([_as_json(finding) for finding in found], indent=2, ensure_ascii=False))
    else:
        click.echo(f"\n{bad} of {len(found)} checks are bad." if bad else "\nNothing is bad.")
    if bad:
        raise click.exceptions.Exit(1)


def _show(finding: Finding) -> None:
    mark = click.style(
        f"{finding.verdict.value:<8}", fg=_COLOURS[finding.verdict], bold=finding.verdict is Verdict.BAD
    )
    name = finding.check if finding.account is None else f"{finding.check} {finding.account}"
    advice = f" -> {finding.advice}" if finding.advice and finding.verdict is not Verdict.GOOD else ""
    click.echo(f"{mark} {name:<12} {printable(finding.said, _MOST_SAID)}{advice}")


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "account": finding.account,
        "verdict": finding.verdict.name.lower(),
        "said": finding.said,
        "advice": finding.advice or None,
    }

"""`kiro-trio health`: whether the gateway of a config answers, for containers and supervisors."""

import http.client
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from kiro_trio.cli.place import address_of
from kiro_trio.cli.plainly import plainly
from kiro_trio.settings import load_settings, usual_config

_PATIENCE = 4.0  # less than the 5 s that a container's check is given


class Unwell(click.ClickException):
    """It does not answer, or not well."""


@click.command(
    "health",
    short_help="Ask the gateway on this machine whether it is well.",
    epilog="""\b
Examples:
  kiro-trio health
  kiro-trio health --ready -c /etc/kiro/config.json
""",
)
@click.option("--ready", is_flag=True, help="Also ask whether an account can take a request.")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=usual_config,
    envvar="KIRO_TRIO_CONFIG",
    show_default="config.json",
    help="Config file of the gateway.",
)
def command(config: Path, *, ready: bool) -> None:
    """Ask the gateway on this machine whether it is well; the exit code is 1 if it is not."""
    with plainly():
        url = address_of(load_settings(config, os.environ).settings, config)
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/readyz" if ready else "/healthz")
        answer = connection.getresponse()
        said = json.loads(answer.read(65536))
        status = said["status"]
    except (OSError, http.client.HTTPException) as error:
        raise Unwell(f"{url} does not answer ({type(error).__name__})") from None
    except (ValueError, KeyError, TypeError):
        raise Unwell(f"what listens at {url} is no kiro-trio") from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        missing = [name for name, good in said.get("checks", {}).items() if not good]
        raise Unwell(f"{url} is {status}: {', '.join(missing)}")
    click.echo(status)

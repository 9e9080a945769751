"""`kiro-trio service`: the gateway started with the machine, by systemd or launchd."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from kiro_trio.cli.plainly import plainly
from kiro_trio.cli.terminal import tell
from kiro_trio.cli.units import LABEL, UNIT, Service, launchd_plist, systemd_unit
from kiro_trio.credentials.atomic import replace_file
from kiro_trio.settings import load_settings, usual_config, write_first_config

_MANAGERS = ("systemd", "launchd")


class ManagerFailed(click.ClickException):
    """systemd or launchd did not do as it was asked."""


@click.group(
    "service",
    short_help="Have the gateway started with the machine.",
    epilog="""\b
Examples:
  kiro-trio service show                      see what would be installed
  kiro-trio service install                   for yourself, with the config of this folder
  kiro-trio service uninstall
  sudo kiro-trio service install --machine -c /var/lib/kiro-trio/config.json
""",
)
def command() -> None:
    """Have the gateway started with the machine, by systemd (Linux) or launchd (macOS)."""


def _options(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option(
            "--machine", is_flag=True, help="For the whole machine, by systemd as the user kiro-trio."
        ),
        click.option(
            "--manager", type=click.Choice(_MANAGERS), help="Which one runs it  [default: the machine's own]"
        ),
        click.option(
            "-c",
            "--config",
            type=click.Path(path_type=Path),
            default=usual_config,
            envvar="KIRO_TRIO_CONFIG",
            show_default="config.json",
            help="Config file; its folder is where the gateway works, and all that it may write to.",
        ),
    ):
        function = option(function)
    return function


@command.command(
    "show",
    short_help="Print the unit, and say where it would be put.",
    epilog="""\b
Examples:
  kiro-trio service show
  kiro-trio service show --manager launchd
  kiro-trio service show --machine -c /var/lib/kiro-trio/config.json
""",
)
@_options
def show(config: Path, manager: str | None, *, machine: bool) -> None:
    """Print the unit (or property list), and say where it would be put."""
    manager = manager or _manager()
    text = _text(manager, config, machine=machine)
    tell(f"# {_place(manager, machine=machine)}")
    click.echo(text, nl=False)


@command.command(
    "install",
    epilog="""\b
Examples:
  kiro-trio service install
  kiro-trio service install -c ~/kiro/config.json --no-start
  sudo kiro-trio service install --machine -c /var/lib/kiro-trio/config.json
""",
)
@click.option("--no-start", is_flag=True, help="Only write it.")
@_options
def install(config: Path, manager: str | None, *, machine: bool, no_start: bool) -> None:
    """Write it, and start it now and with every boot. Installing again brings it up to date."""
    manager = manager or _manager()
    with plainly():
        if not config.exists() and not machine:
            write_first_config(config)
            tell(f"Wrote {config} with new keys.")
        load_settings(config, {})  # what is wrong with it is better said now than in a log
        path = _place(manager, machine=machine)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, _text(manager, config, machine=machine).encode())
    tell(f"Wrote {path}.")
    if no_start:
        return
    for argv in _starting(manager, path, machine=machine):
        _run(argv)
    tell("It runs, and starts with the machine.")
    if manager == "systemd" and not machine:
        tell("Without you being logged in it runs after: loginctl enable-linger")


@command.command(
    "uninstall",
    epilog="""\b
Examples:
  kiro-trio service uninstall
  sudo kiro-trio service uninstall --machine
""",
)
@_options
def uninstall(config: Path, manager: str | None, *, machine: bool) -> None:  # noqa: ARG001 - as the others
    """Stop it and take it away. The config and the accounts stay."""
    manager = manager or _manager()
    path = _place(manager, machine=machine)
    if not path.exists():
        raise click.ClickException(f"there is no {path}")
    for argv in _stopping(manager, machine=machine):
        _run(argv, strict=False)
    with plainly():
        path.unlink()
    if manager == "systemd" and shutil.which("systemctl"):
        _run((*_systemctl(machine=machine), "daemon-reload"), strict=False)
    tell(f"Removed {path}.")


def _text(manager: str, config: Path, *, machine: bool) -> str:
    if machine and manager != "systemd":
        raise click.UsageError("--machine is for systemd only")
    config = config.absolute()
    folder = config.parent
    if any(not letter.isprintable() for letter in str(config)):
        raise click.UsageError("the path of the config has characters that are not printable")
    argv = (*_program(), "serve", "--config", str(config), "--credentials", _accounts(config))
    service = Service(argv, folder, config, machine)
    return systemd_unit(service) if manager == "systemd" else launchd_plist(service)


def _accounts(config: Path) -> str:
    """The accounts file as the config names it, else the one beside the config."""
    with plainly():
        return str(config.parent / load_settings(config, {}).settings.credentials_file)


def _program() -> tuple[str, ...]:
    """What runs us: the installed program where there is one, for its path outlives versions of Python."""
    ours = Path(sys.argv[0])
    if ours.name == "kiro-trio" and ours.is_file():
        return (str(ours.absolute()),)
    return (sys.executable, "-m", "kiro_trio")


def _manager() -> str:
    return "launchd" if sys.platform == "darwin" else "systemd"


def _place(manager: str, *, machine: bool) -> Path:
    if manager == "launchd":
        return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    if machine:
        return Path("/etc/systemd/system") / UNIT
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user" / UNIT


def _starting(manager: str, path: Path, *, machine: bool) -> Sequence[Sequence[str]]:
    if manager == "launchd":
        # An older one is let go first; it is no fault if there is none.
        _run(("launchctl", "bootout", f"{_domain()}/{LABEL}"), strict=False)
        return (("launchctl", "bootstrap", _domain(), str(path)),)
    systemctl = _systemctl(machine=machine)
    return (
        (*systemctl, "daemon-reload"),
        (*systemctl, "enable", UNIT),
        (*systemctl, "restart", UNIT),
    )


def _stopping(manager: str, *, machine: bool) -> Sequence[Sequence[str]]:
    if manager == "launchd":
        return (("launchctl", "bootout", f"{_domain()}/{LABEL}"),)
    return ((*_systemctl(machine=machine), "disable", "--now", UNIT),)


def _systemctl(*, machine: bool) -> tuple[str, ...]:
    return ("systemctl",) if machine else ("systemctl", "--user")


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _run(argv: Sequence[str], *, strict: bool = True) -> None:
    program = shutil.which(argv[0])
    if program is None:
        if strict:
            raise ManagerFailed(f"there is no {argv[0]} here; --no-start only writes the file")
        return
    done = subprocess.run([program, *argv[1:]], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and strict:
        said = done.stderr.strip().splitlines()
        raise ManagerFailed(
            f"`{' '.join(argv)}` failed: {said[-1] if said else f'exit code {done.returncode}'}"
        )

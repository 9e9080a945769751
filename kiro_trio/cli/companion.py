"""A gateway that lives as long as something else does."""

import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import click
import trio

from kiro_trio.cli.ourselves import ourselves

_START_PATIENCE = 30.0
# Longer than a renewal may take: a gateway that is killed in the middle of one loses an account.
_STOP_PATIENCE = 60.0
_LISTENING = "Listening on "
_SHOWN = 5  # lines of what it said before it died


class NotStarted(click.ClickException):
    """The gateway did not come up."""


def said_file() -> Path:
    """Where a companion's stderr goes; only its owner may read it."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "kiro-trio" / "gateway.log"


@asynccontextmanager
async def companion_gateway(flags: Sequence[str]) -> AsyncIterator[str]:
    """Run `kiro-trio serve` with these flags in a process of its own, and give its URL; stop it in the end.

    It is no part of our terminal: Ctrl-C is not for it.

    Raises:
        NotStarted: it ended, or said nothing for half a minute; the text holds its last words.
    """
    path = said_file()
    command = [*ourselves(), "serve", *flags]
    with _opened(path) as said:
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, start_new_session=True
        )
    try:
        yield await _address(process, path)
    finally:
        with trio.CancelScope(shield=True):
            await _stop(process)


def _opened(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


async def _address(process: trio.Process, path: Path) -> str:
    said = b""
    with trio.move_on_after(_START_PATIENCE):
        while process.stdout is not None and (data := await process.stdout.receive_some()):
            said += data
            for line in said.decode(errors="replace").splitlines(keepends=True):
                if line.startswith(_LISTENING) and line.endswith("\n"):
                    return line.removeprefix(_LISTENING).strip()
        await process.wait()
    said = await trio.Path(path).read_bytes()
    words = " ".join(said.decode(errors="replace").splitlines()[-_SHOWN:]).removeprefix("Error: ").strip()
    raise NotStarted(f"the gateway did not start: {words or 'it says nothing'} ({path})")


async def _stop(process: trio.Process) -> None:
    with trio.move_on_after(_STOP_PATIENCE):
        if process.returncode is None:
            process.terminate()
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()

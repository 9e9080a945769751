"""Runs the program as a user does: another process, its own folder, its own environment; or `called`, here and at once."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trio
from click.testing import CliRunner

from kiro_trio.cli.main import main
from tests.secrecy.listening import read_log
from tests.secrecy.sought import sought

HOUSE = Path(__file__).parents[2]
PATIENCE = 30


@dataclass
class Running:
    process: trio.Process
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    changed: trio.Event = field(default_factory=trio.Event)

    async def said(self, words: str, where: str = "out") -> str:
        """Wait until a line with these words is complete, and return it."""
        with trio.fail_after(PATIENCE):
            while True:
                changed = self.changed
                lines = getattr(self, where).decode().split("\n")[:-1]
                for line in lines:
                    if words in line:
                        return line
                await changed.wait()

    async def url(self) -> str:
        return (await self.said("Listening on ")).removeprefix("Listening on ")

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        with trio.fail_after(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def running(
    folder: Path, *args: str, stdin: int | None = None, **environ: str
) -> AsyncIterator[Running]:
    """`kiro-trio ARGS` in `folder`, killed in the end if it still runs. It logs all it can, and no secret."""
    sought.add_environment(environ)
    kept = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_START") if name in os.environ}
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "kiro_trio", *args],
        stdin=stdin,
        stdout=-1,
        stderr=-1,
        cwd=folder,
        env={
            **kept,
            "PYTHONPATH": str(HOUSE),
            "HOME": str(folder),
            "NO_PROXY": "",
            "KIRO_TRIO_LOG_LEVEL": "debug",
            **environ,
        },
    )
    program = Running(process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_collect, program, process.stdout, program.out)
        nursery.start_soon(_collect, program, process.stderr, program.err)
        try:
            yield program
        finally:
            if process.returncode is None:
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
    read_log(program.err, f"stderr of kiro-trio {' '.join(args)}")


async def _collect(program: Running, stream: trio.abc.ReceiveStream, into: bytearray) -> None:
    with suppress(trio.ClosedResourceError):
        async for data in stream:
            into += data
            program.changed.set()
            program.changed = trio.Event()


async def finished(folder: Path, *args: str, **environ: str) -> tuple[int, str, str]:
    """Run to the end; return the exit code and what was said on stdout and stderr."""
    async with running(folder, *args, **environ) as program:
        with trio.fail_after(PATIENCE):
            code = await program.process.wait()
    return code, program.out.decode(), program.err.decode()


def called(folder: Path, *args: str, stdin: str = "", **environ: str) -> tuple[int, str, str]:
    """As `finished`, but in this process: for all that is not about the process itself, whose start takes most of a second.

    Not from within trio: the command runs one of its own, and catches signals.
    """
    sought.add_environment(environ)
    gone = {name: None for name in os.environ if name != "PATH"}
    environ = {"HOME": str(folder), "NO_PROXY": "", **environ}
    with chdir(folder):
        result = CliRunner().invoke(main, args, input=stdin, env={**gone, **environ})
    read_log(result.stderr, f"stderr of kiro-trio {' '.join(args)}")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr

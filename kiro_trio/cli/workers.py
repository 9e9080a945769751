"""Several gateway processes at one address, for machines with several cores: started, watched, stopped together.

One listening socket is made here and handed down; the kernel gives each connection to a process that waits for one.
Accounts are shared through their file and its locks, so a token is renewed by one of them and used by all.
"""

import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import trio

from kiro_trio.cli.signals import insists, stop_signals
from kiro_trio.telemetry import get_logger

# How long after the death of a process the next one is started, in seconds; one that lived for a minute forgets it.
_DELAYS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
_LONG_LIFE = 60.0

# After a second signal nobody waits: so many seconds, and what is left is killed.
_PATIENCE = 2.0

# Between us and our own processes; no setting of anybody's.
_VARIABLE = "_KIRO_TRIO_LISTEN_FD"

_LISTENING = "Listening on "

_LOG = get_logger("cli")


async def run_workers(
    argv: Sequence[str], sock: socket.socket, count: int, on_listening: Callable[[str], None]
) -> int:
    """Keep `count` processes running until SIGTERM, SIGINT or SIGHUP, and return the exit code; `sock` is closed by then.

    `argv` starts a process that asks `inherited_socket` for its socket. It says where it listens in a line on stdout;
    `on_listening` is called when all have. If the very first does not get that far, its exit code is ours.
    """
    workers = _Workers(argv, sock)
    with trio.open_signal_receiver(*stop_signals()) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(workers.obey, signals)
            try:
                async with trio.open_nursery() as watched:
                    # One after the other: what is wrong for one is wrong for all, and is to be said once.
                    for number in range(1, count + 1):
                        url = await watched.start(workers.keep, number)
                        if workers.stopping.is_set():
                            break
                        if number == count:
                            on_listening(url)
            finally:
                await workers.kill()
            nursery.cancel_scope.cancel(reason="all processes have ended")
    return workers.code


class _Workers:
    def __init__(self, argv: Sequence[str], sock: socket.socket) -> None:
        self.stopping = trio.Event()
        self.code = 0
        self._argv = argv
        self._sock = sock
        self._processes: dict[int, trio.Process] = {}
        self._began = False

    async def obey(self, signals: AsyncIterator[int]) -> None:
        """Pass a stop on; the second one ends all at once."""
        async for number in signals:
            if self.stopping.is_set() and insists(number):
                self.code = 128 + number
                self._terminate()  # the second for them too: they leave at once
                await trio.sleep(_PATIENCE)
                await self.kill()
            elif not self.stopping.is_set():
                self._stop()

    async def keep(self, number: int, *, task_status: trio.TaskStatus[str]) -> None:
        """Keep one process running; started when it listens for the first time, or when there will be none."""
        deaths, started = 0, False
        while not self.stopping.is_set():
            since = trio.current_time()
            process = await self._open()
            self._processes[number] = process
            if self.stopping.is_set():
                self._terminate()
            url = await _address(process)
            if url and not started:
                self._began = started = True
                task_status.started(url)
            code = await process.wait()
            if self.stopping.is_set():
                # One that had just been started knows nothing of a graceful stop, and had nothing to lose.
                self.code = self.code or (0 if code == -signal.SIGTERM else abs(code))
            elif not self._began:
                self.code = abs(code) or 1
                self._stop()
            else:
                deaths = 0 if trio.current_time() - since > _LONG_LIFE else deaths + 1
                delay = _DELAYS[min(max(deaths - 1, 0), len(_DELAYS) - 1)]
                _LOG.error("worker ended", worker=number, code=code, again_in=delay)
                with trio.move_on_after(delay):
                    await self.stopping.wait()
        if not started:
            task_status.started("")

    async def kill(self) -> None:
        """Let nobody survive us."""
        for process in self._processes.values():
            if process.returncode is None:
                process.kill()
        with trio.CancelScope(shield=True):
            for process in self._processes.values():
                await process.wait()

    async def _open(self) -> trio.Process:
        descriptor = self._sock.fileno()
        return await trio.lowlevel.open_process(
            list(self._argv),
            env={**os.environ, _VARIABLE: str(descriptor)},
            # Its end tells the process that we are gone, however we went.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            # A terminal's Ctrl-C would reach it beside ours, and count as the second.
            start_new_session=True,
        )

    def _stop(self) -> None:
        self.stopping.set()
        self._terminate()
        # While we held it, connections would go on arriving that nobody takes.
        self._sock.close()

    def _terminate(self) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()


def inherited_socket() -> int | None:
    """The descriptor of the listening socket in a process that `run_workers` started; None in any other."""
    descriptor = os.environ.pop(_VARIABLE, "")  # no process that we start is to take itself for one
    return int(descriptor) if descriptor.isdecimal() else None


async def set_when_alone(stop: trio.Event) -> None:
    """Set `stop` when who started us is gone: in a process that `run_workers` started, whose stdin it holds."""
    async with trio.lowlevel.FdStream(os.dup(0)) as held:
        with suppress(trio.BrokenResourceError):
            while await held.receive_some():
                pass
    stop.set()


async def _address(process: trio.Process) -> str:
    """Where the process says that it listens; "" if it ends without saying so."""
    said = b""
    while process.stdout is not None and (data := await process.stdout.receive_some()):
        said += data
        for line in said.decode(errors="replace").splitlines(keepends=True):
            if line.startswith(_LISTENING) and line.endswith("\n"):
                return line.removeprefix(_LISTENING).strip()
    return ""

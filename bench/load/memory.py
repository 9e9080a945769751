"""What an open stream costs: memory of a fresh program with 0, 200, 1 000 streams that have begun and are silent."""

import contextlib
import socket
import time
from pathlib import Path

from bench.load.generator import Job, request_of
from bench.load.process import cpu_seconds, rss_kib
from bench.load.programs import KEY, Program, Upstream, gateway, peer, run

HOLD = 600.0


def measure(
    folder: Path, stub: Upstream, python: Path | None, counts: list[int]
) -> dict[str, dict[str, float]]:
    """By program: RSS without streams (KB), and by number of streams what each of them adds."""
    held = {}
    with gateway(folder / "gateway-memory", stub) as program:
        held["gateway"] = measured(program, counts)
    if python is not None:
        with peer(folder / "peer-memory", stub, python) as program:
            held["peer"] = measured(program, counts)
    return held


def measured(program: Program, counts: list[int]) -> dict[str, float]:
    run(Job(port=program.port, key=KEY, connections=4, events=20, limit=40))
    base = rss_kib(program.pid)
    figures: dict[str, float] = {"0": base}
    with contextlib.ExitStack() as stack:
        opened = 0
        cpu = cpu_seconds(program.pid)
        for count in sorted(counts):
            streams = [stack.enter_context(stream(program)) for _ in range(count - opened)]
            for one in streams:
                begin(one)
            opened = count
            time.sleep(0.5)
            figures[str(count)] = (rss_kib(program.pid) - base) / count
        figures["CPU ms to open one"] = (cpu_seconds(program.pid) - cpu) / opened * 1000
    return figures


def stream(program: Program) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", program.port), timeout=60)
    one.sendall(request_of(Job(port=program.port, key=KEY, events=1, hold=HOLD)))
    return one


def begin(one: socket.socket) -> None:
    """Wait for the first event."""
    while data := one.recv(65536):
        if b"@" in data:
            return
    raise SystemExit("a stream ended before it began")

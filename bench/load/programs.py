"""The programs that are measured, each as its users run it, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import trustme

from bench.load.generator import Job, Result

ROOT = Path(__file__).parents[2]
PEER = ROOT / "bench" / "peers" / "fastapi_httpx.py"
PATIENCE = 30
KEY = "sk-bench"  # what the peer asks for; a gateway on loopback, gone in a minute

# One core for the program, one for stub and load generator; a machine with more still compares what a core can do.
CORES = sorted(os.sched_getaffinity(0))
SUBJECT_CORE, HARNESS_CORE = {CORES[0]}, {CORES[-1]}


@dataclass(frozen=True)
class Program:
    """A running program: `name`, process id, port."""

    name: str
    pid: int
    port: int


@dataclass(frozen=True)
class Upstream:
    """A running stub; `ca_file` if it speaks TLS."""

    url: str
    port: int
    ca_file: Path | None = None


@contextmanager
def upstream(folder: Path, *, tls: bool = False) -> Iterator[Upstream]:
    """A stub of Kiro."""
    folder.mkdir()
    command, ca_file = [sys.executable, "-m", "bench.load.stub"], None
    if tls:
        ca = trustme.CA()
        ca_file, certificate = folder / "ca.pem", folder / "stub.pem"
        ca.cert_pem.write_to_path(ca_file)
        ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        command += ["--certificate", str(certificate)]
    with started(command, HARNESS_CORE, folder) as process:
        port = int(first_line(process, folder))
        yield Upstream(f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}", port, ca_file)


@contextmanager
def gateway(
    folder: Path, to: Upstream, *, accounts: Sequence[dict[str, Any]] = (), **settings: object
) -> Iterator[Program]:
    """`kiro-trio serve`, with these accounts, or one whose token is valid for years."""
    folder.mkdir()
    # One account carries all streams here; what Kiro would say to that is not the question.
    config = {"apiKey": KEY, "host": "127.0.0.1", "port": 0, "perCredentialConcurrency": 10_000, **settings}
    if to.ca_file:
        config["caFile"] = str(to.ca_file)
    account = {
        "accessToken": "not-a-real-token",
        "refreshToken": "not-a-real-token-" * 10,
        "expiresAt": "2099-01-01T00:00:00Z",
        "authMethod": "social",
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "credentials.json").write_text(json.dumps(accounts or [account]))
    command = [sys.executable, "-m", "kiro_trio", "serve", "--upstream", to.url]
    with listening("gateway", command, folder) as program:
        yield program


@contextmanager
def peer(folder: Path, to: Upstream, python: Path) -> Iterator[Program]:
    """The FastAPI and httpx translation."""
    folder.mkdir()
    command = [str(python), str(PEER), "--upstream", to.url]
    if to.ca_file:
        command += ["--ca", str(to.ca_file)]
    with listening("peer", command, folder) as program:
        yield program


@contextmanager
def listening(name: str, command: Sequence[str], folder: Path) -> Iterator[Program]:
    """A program that says `Listening on URL`; what else it says is in `out` and `log` of its folder."""
    with started(command, SUBJECT_CORE, folder, cwd=folder) as process:
        line = first_line(process, folder)
        if not line.startswith("Listening on "):
            raise SystemExit(f"{name} did not start:\n{(folder / 'log').read_text()[-2000:]}")
        yield Program(name, process.pid, int(line.rpartition(":")[2]))


@contextmanager
def started(
    command: Sequence[str], cores: set[int], folder: Path, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A process on these cores, ended at the end. It writes to files: a pipe that nobody reads would stop it."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(cwd), "NO_PROXY": "*"}
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log, on_cores(cores):
        process = subprocess.Popen(command, stdout=out, stderr=log, cwd=cwd, env=environ)  # noqa: S603 - ours
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def first_line(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Wait for the first line of a program's output; "" if it ends without one or takes too long."""
    for _ in range(PATIENCE * 100):
        line, end, _rest = (folder / "out").read_text().partition("\n")
        if end or process.poll() is not None:
            return line
        time.sleep(0.01)
    return ""


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Children that are started inside inherit these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run(job: Job) -> Result:
    """Let a load generator do this job."""
    with on_cores(HARNESS_CORE):
        done = subprocess.run(
            [sys.executable, "-m", "bench.load.generator"],
            input=msgspec.json.encode(job),
            stdout=subprocess.PIPE,
            cwd=ROOT,
            timeout=job.warmup + job.seconds + 60,
            check=True,
        )
    return msgspec.json.decode(done.stdout, type=Result)


def peer_python(wanted: Path | None) -> Path | None:
    """A Python that has what the peer needs, or None."""
    for python in (wanted, ROOT / ".venv-peer" / "bin" / "python"):
        if python is not None and python.exists():
            check = [str(python), "-c", "import fastapi, httptools, httpx, uvicorn"]
            if subprocess.run(check, check=False, capture_output=True).returncode == 0:  # noqa: S603 - see above
                return python
    return None


def end_with_sigterm() -> None:
    """Let SIGTERM end this program as Ctrl-C does: with the programs that it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@contextmanager
def workshop() -> Iterator[tuple[Path, ExitStack]]:
    """A temporary folder, and a stack for what runs in it."""
    with tempfile.TemporaryDirectory(prefix="kiro-trio-bench-") as folder, ExitStack() as stack:
        yield Path(folder), stack

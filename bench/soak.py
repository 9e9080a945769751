"""Minutes of mixed traffic with faults: does the gateway hold? `python -m bench.soak --minutes 3`.

`kiro-trio serve` in front of `kiro-trio simulate`, each a process. Clients ask for everything that goes well or wrong:
resets, stalls, corrupt frames, 429s, clients that leave, slow readers (`bench/load/traffic.py`). Memory, open files,
tasks and sockets to Kiro must stay flat and go back when it is over; every request must end exactly once, in a way that
its kind allows; and every one must be in the log once. Exit code 1 if not.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trio

from bench.load.client import Wrong, ask
from bench.load.gauge import Gauge
from bench.load.process import open_files, rss_kib
from bench.load.programs import KEY, Program, Upstream, end_with_sigterm, gateway, listening, workshop
from bench.load.traffic import KINDS, WEIGHTS, Kind, accounts, script

SETTINGS = {
    "firstByteTimeout": 1.5,
    "idleTimeout": 1.5,
    "loadBalancingMode": "balanced",
    "logFormat": "json",
    "pingInterval": 1,
}
TASKS = re.compile(r"^kiro_trio_tasks (\S+)", re.MULTILINE)
IN_FLIGHT = re.compile(r"^kiro_trio_in_flight\{.*\} (\S+)", re.MULTILINE)
ESTABLISHED = "01"
MOST_PROBLEMS = 12


@dataclass
class Soak:
    """A run: its programs, what was seen, and what went wrong."""

    target: Program
    kiro: Program
    chance: random.Random
    started: int = 0
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    over: bool = False
    gauges: dict[str, Gauge] = field(default_factory=lambda: {
        # Python's allocator and SQLite's cache settle for the first 5 000 requests or so: by 8 MB, ever slower.
        "rss": Gauge("memory", "KB", 8000.0),
        "files": Gauge("open files", "", 8.0),
        "tasks": Gauge("tasks", "", 12.0),
        "sockets": Gauge("sockets to Kiro", "", 8.0),
    })  # fmt: skip

    async def run(self, seconds: float, clients: int) -> None:
        """Let the clients ask for so long, then let them finish; meanwhile and afterwards look at the gauges."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.target.port}", trust_env=False
        ) as http:
            await ask(self.target.port, KEY, KINDS[0])
            before = await self.look(http)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.watch, http)
                async with trio.open_nursery() as crowd:
                    for _ in range(clients):
                        crowd.start_soon(self.client)
                    await trio.sleep(seconds)
                    self.over = True
                nursery.cancel_scope.cancel()
            await self.returned(http, before)

    async def client(self) -> None:
        while not self.over:
            (kind,) = self.chance.choices(KINDS, WEIGHTS)
            self.started += 1
            try:
                ending, request_id = await ask(self.target.port, KEY, kind)
            except (Wrong, OSError, trio.BrokenResourceError) as error:
                self.problem(kind, f"{type(error).__name__}: {error}")
                continue
            self.endings[kind.name, ending] += 1
            if request_id:
                self.ids[request_id] += 1
            if ending not in kind.ends:
                self.problem(kind, f"ended as {ending}, which it may not")

    def problem(self, kind: Kind, words: str) -> None:
        self.endings[kind.name, "WRONG"] += 1
        self.problems.append(f"{kind.name}: {words}")

    async def watch(self, http: httpx.AsyncClient) -> None:
        began = trio.current_time()
        while not self.over:  # what is seen while the crowd goes home is no drift
            now = trio.current_time() - began
            for name, value in (await self.look(http)).items():
                self.gauges[name].note(now, value)
            await trio.sleep(1)

    async def look(self, http: httpx.AsyncClient) -> dict[str, float]:
        page = (await http.get("/metrics")).text
        tasks = TASKS.search(page)
        return {
            "rss": rss_kib(self.target.pid),
            "files": open_files(self.target.pid),
            "tasks": float(tasks[1]) if tasks else 0.0,
            "sockets": connections_to(self.kiro.port),
        }

    async def returned(self, http: httpx.AsyncClient, before: dict[str, float]) -> None:
        """After the traffic: no request runs, and tasks are as many as before; sockets may wait in the pool."""
        after = before
        for _ in range(50):
            await trio.sleep(0.1)
            page = (await http.get("/metrics")).text
            running = sum(float(count) for count in IN_FLIGHT.findall(page))
            after = await self.look(http)
            files = after["files"] - after["sockets"] - (before["files"] - before["sockets"])
            if not running and after["tasks"] <= before["tasks"] + 2 and files <= 4:
                return
        self.problems.append(f"it does not come to rest: before {before}, after {after}")

    def check_log(self, log: Path) -> None:
        """Every request that got an id is in the log, once."""
        logged = Counter[str]()
        for line in log.read_text().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                self.problems.append(f"the log has a line that is no record: {line[:200]}")
                continue
            if record.get("event") == "request":
                logged[record["request_id"]] += 1
            elif record.get("level") in {"error", "critical"}:
                self.problems.append(f"the log has an error: {line[:2000]}")
        lost = [name for name in self.ids if logged[name] != 1]
        twice = [name for name, count in (logged + self.ids).items() if count > 2 or logged[name] > 1]
        if lost or twice:
            self.problems.append(
                f"{len(lost)} requests are not in the log once, {len(twice)} are there twice: {lost[:3]}"
            )

    def report(self) -> bool:
        """Print everything; return whether all is well."""
        by_kind: dict[str, Counter[str]] = {}
        for (name, ending), count in sorted(self.endings.items()):
            by_kind.setdefault(name, Counter())[ending] += count
        for name, endings in by_kind.items():
            print(f"  {name:<20} " + ", ".join(f"{ending} {count}" for ending, count in endings.items()))
        ended = sum(self.endings.values())
        print(
            f"\n{self.started} requests, {ended} endings, {self.started - ended} lost, {len(self.problems)} problems"
        )
        for problem in self.problems[:MOST_PROBLEMS]:
            print(f"  {problem}")
        for gauge in self.gauges.values():
            print(gauge.line())
        good = not self.problems and self.started == ended and all(one.flat() for one in self.gauges.values())
        print(f"\n{'It holds.' if good else 'IT DOES NOT HOLD.'}")
        return good


def connections_to(port: int) -> int:
    """Established connections of this machine to a local port."""
    end = f":{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(end) and row[3] == ESTABLISHED for row in rows)


def simulated(folder: Path, stack: ExitStack) -> Program:
    folder.mkdir()
    rules = folder / "script.json"
    rules.write_text(json.dumps(script()))
    command = [sys.executable, "-m", "kiro_trio", "simulate", "--script", str(rules)]
    return stack.enter_context(listening("simulator", command, folder))


def soak(
    seconds: float, clients: int, seed: int, log: Path | None = None, samples: Path | None = None
) -> bool:
    """Run and report; keep the gateway's log and what the gauges showed where somebody wants them."""
    with workshop() as (folder, stack):
        kiro = simulated(folder / "kiro", stack)
        house = folder / "gateway"
        to = Upstream(f"http://127.0.0.1:{kiro.port}", kiro.port)
        target = stack.enter_context(gateway(house, to, accounts=accounts(), **SETTINGS))
        run = Soak(target, kiro, random.Random(seed))  # noqa: S311 - which request comes next is no secret
        trio.run(run.run, seconds, clients)
        run.check_log(house / "log")
        if log is not None:
            log.write_bytes((house / "log").read_bytes())
        if samples is not None:
            samples.write_text(json.dumps({name: gauge.samples for name, gauge in run.gauges.items()}))
        return run.report()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="keep the gateway's log there")
    parser.add_argument("--samples", type=Path, help="write what the gauges showed there, as JSON")
    options = parser.parse_args()
    end_with_sigterm()
    sys.exit(not soak(options.minutes * 60, options.clients, options.seed, options.log, options.samples))


if __name__ == "__main__":
    main()

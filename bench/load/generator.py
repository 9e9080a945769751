"""The load generator: `python -m bench.load.generator` reads a job as JSON on stdin and prints what came of it.

It keeps so many connections busy, one request after another: until so many requests are done, or for a window of time
after a warm-up. Counts and CPU are those of the window. Every answer that ends is checked for being whole.
"""

import asyncio  # noqa: TID251 - see stub.py
import gc
import json
import re
import sys
from contextlib import suppress

import msgspec

from bench.load.frames import STAMP_DIGITS, now
from bench.load.process import cpu_seconds, rss_kib

STAMP = re.compile(rb"@(\d{%d})" % STAMP_DIGITS)
END = b"\r\n0\r\n\r\n"
# How an event is seen without a parser. A frame is binary, so a stamp's first digits have to make sure there.
MARK = {False: b"@", True: b"@00000"}
KEPT = 8
LONGEST_WARMUP = 60.0


class Job(msgspec.Struct, kw_only=True):
    """What to do.

    `pid` is the process whose CPU is read. `kiro` speaks Kiro's own protocol, to the stub directly. `extra` is the
    text of earlier turns, in bytes. `limit` is how many requests are made; 0: as many as the time allows, and then the
    window begins when `warmup` is over and every stream has had an event.
    """

    port: int
    key: str = ""
    pid: int = 0
    kiro: bool = False
    connections: int = 1
    events: int = 200
    every: float = 0.0
    size: int = 150
    hold: float = 0.0
    warmup: float = 0.0
    seconds: float = 30.0
    limit: int = 0
    extra: int = 0


class Result(msgspec.Struct, kw_only=True):
    """What came of it: in the window, but for `rss` (KiB, at its end) and `errors` (over all). Times in microseconds."""

    events: int = 0
    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    rss: int = 0
    first: list[int] = []
    delays: list[int] = []
    lasted: list[int] = []
    problem: str = ""


class Load:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.result = Result()
        self.request = request_of(job)
        self.made = 0
        self.running = True
        self.live: set[Client] = set()
        self.finished = asyncio.Event()
        self.begun = asyncio.Event()
        self.beginners = job.connections

    async def run(self) -> Result:
        job, loop = self.job, asyncio.get_running_loop()
        opening = [
            loop.call_later(number * job.warmup / job.connections / 2, self.connect)
            for number in range(job.connections)
        ]
        await asyncio.sleep(job.warmup)
        if job.warmup:
            await asyncio.wait_for(self.begun.wait(), LONGEST_WARMUP)
        errors, self.result = self.result.errors, Result(problem=self.result.problem)
        cpu, began = cpu_seconds(job.pid) if job.pid else 0.0, now()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.finished.wait(), job.seconds)
        result = self.result
        result.seconds = (now() - began) / 1e6
        if job.pid:
            result.cpu, result.rss = cpu_seconds(job.pid) - cpu, rss_kib(job.pid)
        result.errors += errors
        self.running = False
        for timer in opening:
            timer.cancel()
        for client in list(self.live):
            client.transport.abort()
        return result

    def connect(self) -> None:
        if self.running:
            loop = asyncio.get_running_loop()
            self.opening = loop.create_task(
                loop.create_connection(lambda: Client(self), "127.0.0.1", self.job.port)
            )

    def failed(self, problem: str) -> None:
        self.result.errors += 1
        self.result.problem = self.result.problem or problem
        self.done()

    def done(self) -> None:
        result, limit = self.result, self.job.limit
        if limit and result.requests + result.errors >= limit:
            self.finished.set()


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.paced = load.job.every > 0
        self.mark = MARK[load.job.kiro]

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.load.live.add(self)
        self.ask()

    def ask(self) -> None:
        load = self.load
        if not load.running or (load.job.limit and load.made >= load.job.limit):
            return
        load.made += 1
        self.counted, self.tail, self.fresh = 0, b"", True
        self.asked = now()
        self.transport.write(load.request)

    def data_received(self, data) -> None:
        load = self.load
        result = load.result
        if self.fresh:
            self.fresh = False
            if not data.startswith(b"HTTP/1.1 200"):
                load.failed(data[:300].decode("latin-1"))
                self.transport.abort()
                return
        if self.paced:
            received = now()
            delays = [received - int(stamp) for stamp in STAMP.findall(data)]
            result.delays += delays
        kept = len(self.mark) - 1  # so much of what came before cannot hold a whole mark
        seen = (self.tail[-kept:] if kept else b"") + data
        if count := seen.count(self.mark):
            if not self.counted:
                result.first.append(now() - self.asked)
                load.beginners -= 1
                if not load.beginners:
                    load.begun.set()
            self.counted += count
            result.events += count
        self.tail = (self.tail + data)[-KEPT:]
        if self.tail.endswith(END):
            self.ended(data)

    def ended(self, data: bytes) -> None:
        load = self.load
        if self.counted != load.job.events or b"event: error" in data:
            load.failed(f"{self.counted} of {load.job.events} events, then {data[-300:].decode('latin-1')}")
        else:
            load.result.requests += 1
            load.result.lasted.append(now() - self.asked)
            load.done()
        self.ask()

    def connection_lost(self, _reason) -> None:
        load = self.load
        load.live.discard(self)
        if load.running:
            load.failed("connection lost")
            asyncio.get_running_loop().call_later(0.1, load.connect)


def request_of(job: Job) -> bytes:
    order = f"stub events={job.events} every={job.every} size={job.size} hold={job.hold}"
    if job.kiro:
        path, body = "/generateAssistantResponse", {"conversationState": {"currentMessage": order}}
    else:
        path = "/v1/messages"
        body = {
            "model": "claude-sonnet-4-5",
            "max_tokens": 32000,
            "stream": True,
            "messages": [*earlier(job.extra), {"role": "user", "content": order}],
        }
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{job.port}\r\nx-api-key: {job.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def earlier(size: int) -> list[dict[str, str]]:
    """Earlier turns of about `size` bytes of JSON: Cyrillic, escaped, so that it is a third as much for Kiro."""
    turn = "Съешь ещё этих мягких французских булок. " * 1000
    turns = round(size / len(json.dumps(turn)) / 2)
    return [{"role": role, "content": turn} for _ in range(turns) for role in ("user", "assistant")]


if __name__ == "__main__":
    gc.disable()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    result = asyncio.run(Load(job).run())
    sys.stdout.buffer.write(msgspec.json.encode(result))

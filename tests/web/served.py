"""A small application behind the real listener, on a real loopback port."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import h11
import trio
from hypercorn.trio import serve
from quart import request
from quart_trio import QuartTrio

from kiro_trio.session.outbox import Door
from kiro_trio.web.config import GatewayConfig
from kiro_trio.web.connection import Conducted, Connection
from kiro_trio.web.listener import install

LARGE = b"".join(b"%08d" % number for number in range(1_000_000))


class Small(QuartTrio):
    """Answers at once, streams, streams without end, reads a body; counts what became of its streams."""

    asgi_http_class = Connection

    def __init__(self) -> None:
        super().__init__("small")
        self.left: list[str] = []
        self.written = 0
        self.last_written = time.monotonic()
        self.entered = trio.Event()
        self.go_on = trio.Event()
        self.add_url_rule("/plain", view_func=self.plain)
        self.add_url_rule("/stream", view_func=self.stream)
        self.add_url_rule("/endless", view_func=self.endless)
        self.add_url_rule("/large", view_func=self.large)
        self.add_url_rule("/held", view_func=self.held)
        self.add_url_rule("/unfinished", view_func=self.unfinished)
        self.add_url_rule("/body", view_func=self.body, methods=["POST"])
        self.add_url_rule("/bug", view_func=self.bug)

    async def plain(self) -> str:
        return "plain"

    async def body(self) -> str:
        return str(len(await request.get_data()))

    async def bug(self) -> Conducted:
        async def conduct(door: Door) -> None:
            await door.start(200, [])
            await door.write(b"begun")
            raise ExceptionGroup("several", [RuntimeError("one"), ValueError("two")])

        return Conducted(conduct)

    async def stream(self) -> Conducted:
        async def conduct(door: Door) -> None:
            await door.start(200, [(b"content-type", b"text/plain")])
            for number in range(3):
                await door.write(b"%d;" % number)
            await door.end()

        return Conducted(conduct)

    async def large(self) -> Conducted:
        async def conduct(door: Door) -> None:
            await door.start(200, [(b"content-length", b"%d" % len(LARGE))])
            for start in range(0, len(LARGE), 70_000):
                await door.write(LARGE[start : start + 70_000])
            await door.end()

        return Conducted(conduct)

    async def unfinished(self) -> Conducted:
        async def conduct(door: Door) -> None:
            await door.start(200, [])
            await door.write(b"half")

        return Conducted(conduct)

    async def held(self) -> Conducted:
        async def conduct(door: Door) -> None:
            await door.start(200, [])
            self.entered.set()
            try:
                await self.go_on.wait()
                await door.write(b"whole")
                await door.end()
                self.left.append("whole")
            except trio.Cancelled:
                self.left.append("cancelled")
                raise

        return Conducted(conduct)

    async def endless(self) -> Conducted:
        async def conduct(door: Door) -> None:
            await door.start(200, [])
            self.entered.set()
            try:
                while True:
                    await door.write(b"x" * 65536)
                    self.written += 65536
                    self.last_written = time.monotonic()
                    await trio.sleep(0.001)
            finally:
                self.left.append("over")

        return Conducted(conduct)


class Served:
    """A running listener: `port`, and `stop` to begin a graceful stop."""

    def __init__(self, port: int, stop: trio.Event, errors: list[BaseException]) -> None:
        self.port = port
        self.stop = stop
        self.errors = errors
        self.stopped = trio.Event()

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(self, text: str) -> bytes:
        """Send raw bytes; return all that comes up to the close."""
        async with await self.connect() as stream:
            await stream.send_all(text.encode("latin1"))
            return await read_all(stream)


@asynccontextmanager
async def served(app: QuartTrio, **settings: float) -> AsyncIterator[Served]:
    config = GatewayConfig()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 5.0
    for name, value in settings.items():
        setattr(config, name, value)
    errors: list[BaseException] = []
    install(errors.append)
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        run = partial(serve, app, config, shutdown_trigger=partial(config.until_stopped, stop), mode="asgi")
        stopped = trio.Event()

        async def run_to_end(task_status: trio.TaskStatus[list[str]]) -> None:
            async with trio.open_nursery() as inner:
                task_status.started(await inner.start(run))
            stopped.set()

        binds = await nursery.start(run_to_end)
        here = Served(int(binds[0].rpartition(":")[2]), stop, errors)
        here.stopped = stopped
        yield here
        nursery.cancel_scope.cancel()


async def read_all(stream: trio.SocketStream) -> bytes:
    """Read to the close; whoever waits in vain fails after five seconds."""
    received = b""
    with trio.fail_after(5):
        while data := await stream.receive_some(65536):
            received += data
    return received


async def get(
    stream: trio.SocketStream, path: str, headers: list[tuple[str, str]] | None = None
) -> tuple[int, bytes]:
    """Ask for `path` and read the whole answer; the connection stays open. Fails after five seconds."""
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(method="GET", target=path, headers=[("host", "x"), *(headers or [])])
    await stream.send_all(connection.send(request) + connection.send(h11.EndOfMessage()))
    status, body = 0, b""
    with trio.fail_after(5):
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, body


async def eventually(condition, within: float = 5.0) -> float:
    """Wait until `condition()` is true; return how long that took. Fails after `within` seconds."""
    began = trio.current_time()
    with trio.fail_after(within):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process's, or the kernel's
            await trio.sleep(0.002)
    return trio.current_time() - began

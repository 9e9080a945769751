"""The simulator on the network, or on any other trio stream.

It speaks HTTP by hand, so that an answer can go wrong below HTTP. Time is trio's alone, so everything works under
a `MockClock`, and over the memory streams of `trio.testing`.
"""

import ssl
from functools import partial

import trio

from kiro_trio.simulator.answering import Answering
from kiro_trio.simulator.delivery import Delivery
from kiro_trio.simulator.endpoints import Request
from kiro_trio.simulator.hearing import Hearing
from kiro_trio.simulator.performing import Performance, break_off, stays_open
from kiro_trio.simulator.script import How
from kiro_trio.simulator.seen import Ending, Exchange
from kiro_trio.simulator.simulator import Simulator


async def serve_simulator(
    simulator: Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; port 0 takes a free one.

    The started value is the base URL, such as `http://127.0.0.1:40123`. Cancelling closes every connection at
    once, also where an answer is under way.
    """
    listeners = await trio.open_tcp_listeners(port, host=host)
    name = listeners[0].socket.getsockname()
    address = f"[{name[0]}]" if ":" in name[0] else name[0]
    handler = partial(handle_connection, simulator)
    if ssl_context is None:
        task_status.started(f"http://{address}:{name[1]}")
        await trio.serve_listeners(handler, listeners)
    else:
        secured = [trio.SSLListener(one, ssl_context) for one in listeners]
        task_status.started(f"https://{address}:{name[1]}")
        await trio.serve_listeners(handler, secured)


async def handle_connection(simulator: Simulator, stream: trio.abc.Stream) -> None:
    """Answer the requests of one connection until it ends, one way or another; then close it."""
    number = simulator.ledger.connected()
    try:
        await _Connection(simulator, stream, number).serve()
        await stream.aclose()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client is gone; the ledger knows
    finally:
        try:
            await trio.aclose_forcefully(stream)
        finally:
            simulator.ledger.disconnected()


class _Connection:
    def __init__(self, simulator: Simulator, stream: trio.abc.Stream, number: int) -> None:
        self._simulator = simulator
        self._stream = stream
        self._number = number
        self._hearing = Hearing(stream)

    async def serve(self) -> None:
        """Hear and answer until one side has had enough."""
        while request := await self._hearing.request(self._simulator.keep_alive):
            answering = Answering(self._simulator, request, trio.current_time(), self._number)
            ending, how = Ending.CANCELLED, None
            try:
                ending, how = await self._perform(answering.delivery, request, answering.exchange)
            finally:
                now = trio.current_time()
                self._simulator.ledger.ended(answering.exchange, ending, now, answering.account)
            if how is not None:
                await break_off(self._stream, how)
            if (hang_up := answering.delivery.hang_up) is not None:
                await trio.sleep(hang_up.after)
            if (
                ending is not Ending.COMPLETE
                or hang_up is not None
                or not stays_open(request, answering.delivery.framing)
            ):
                return

    async def _perform(
        self, delivery: Delivery, request: Request, exchange: Exchange
    ) -> tuple[Ending, How | None]:
        """Answer, while a task listens whether the client closes."""
        ending: tuple[Ending, How | None] = (Ending.CLIENT_CLOSED, None)
        progressed = self._simulator.ledger.progressed
        performance = Performance(self._stream, delivery, request, exchange, progressed)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, exchange, nursery.cancel_scope)
            try:
                how = await performance.carry_out()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                exchange.closed_at = trio.current_time()
            else:
                ending = (Ending.COMPLETE if how is None else Ending.BROKEN, how)
            nursery.cancel_scope.cancel()
        return ending

    async def _watch(self, exchange: Exchange, scope: trio.CancelScope) -> None:
        if await self._hearing.until_closed():
            exchange.closed_at = trio.current_time()
            scope.cancel()

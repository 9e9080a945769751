"""The stub upstream: Kiro's event stream, as cheap as it gets. `python -m bench.load.stub` prints its port.

What it sends is asked for in the prompt, so that it comes through every gateway: `stub events=200 every=0.02 size=150
hold=0`. Each event is an HTTP chunk and a write of its own, as a model's words come; `every` 0 sends them in one burst.
"""

import argparse
import asyncio  # noqa: TID251 - a protocol of asyncio costs a third of a trio stream, and this is only the harness
import re
import ssl
from pathlib import Path

from bench.load.frames import CLOSING, OPENING, words

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
ORDER = re.compile(rb"stub events=(\d+) every=([\d.]+) size=(\d+) hold=([\d.]+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Stub(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.pieces = []
        self.missing = 0  # bytes of the body that have not come
        self.timer = None

    def connection_lost(self, _reason):
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data):
        self.pieces.append(data)
        if self.missing:
            self.missing -= len(data)
        else:
            head = b"".join(self.pieces)
            end = head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = LENGTH.search(head, 0, end)
            self.missing = end + 4 + (int(length[1]) if length else 0) - len(head)
        if not self.missing:
            request = b"".join(self.pieces)
            self.pieces.clear()
            self.answer(request)

    def answer(self, request):
        order = ORDER.search(request)
        if order is None:
            self.transport.write(MISSING)
            return
        self.left = int(order[1])
        self.every = float(order[2])
        self.words = words(int(order[3]))
        self.hold = float(order[4])
        self.transport.write(HEAD + OPENING)
        if self.every:
            self.due = asyncio.get_running_loop().time()
            self.speak()
            return
        for _ in range(self.left):
            self.transport.write(self.words.stamped())
        self.close()

    def speak(self):
        self.transport.write(self.words.stamped())
        self.left -= 1
        if not self.left:
            self.close()
            return
        self.due += self.every
        self.timer = asyncio.get_running_loop().call_at(self.due, self.speak)

    def close(self):
        self.timer = asyncio.get_running_loop().call_later(self.hold, self.finish) if self.hold else None
        if self.timer is None:
            self.finish()

    def finish(self):
        self.transport.write(CLOSING)


async def serve(certificate):
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0, ssl=context, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificate", type=Path, help="PEM file with key and certificate: serve TLS")
    asyncio.run(serve(parser.parse_args().certificate))

"""A client of the soak test: it asks as the kind wants, reads at its pace, and says how the answer ended."""

import json
import socket
from collections import Counter
from dataclasses import dataclass, field

import h11
import trio

from bench.load.traffic import Kind, keyword, told

LONGEST = 60.0  # seconds for one answer, whatever happens to it
TINY = 4096


class Wrong(Exception):
    """An answer that may not be."""


@dataclass
class Answer:
    """What was seen of one answer: its status and request id, and its events by name."""

    status: int = 0
    request_id: str = ""
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False
    """Whether the HTTP message ended as HTTP wants it."""


async def ask(port: int, key: str, kind: Kind) -> tuple[str, str]:
    """Ask once; return how it ended and the id of the request ("" if the client left before it had one).

    Raises:
        Wrong: the answer ended in no way, in two ways, or says something else than Kiro said.
    """
    answer = Answer()
    with trio.move_on_after(LONGEST) as scope:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            if kind.slow:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY)
            if await _read(stream, key, kind, answer):
                return "left", answer.request_id
    if scope.cancelled_caught:
        raise Wrong(f"{kind.name}: no end within {LONGEST:g} s")
    return ending(kind, answer), answer.request_id


async def _read(stream: trio.SocketStream, key: str, kind: Kind, answer: Answer) -> bool:
    """Read to the end of the answer; True if it was the client who left before."""
    http = h11.Connection(h11.CLIENT)
    await stream.send_all(_request(http, key, kind))
    received = 0
    while True:
        if kind.leave is not None and received >= kind.leave:
            if received % 2:  # one way to leave or the other
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return True
        event = http.next_event()
        if event is h11.NEED_DATA:
            data = await stream.receive_some(TINY if kind.slow else 65536)
            received += len(data)
            try:
                http.receive_data(data)
                if kind.slow:
                    await trio.sleep(kind.slow / 20)
            except h11.RemoteProtocolError:
                return False
        elif isinstance(event, h11.Response):
            answer.status = event.status_code
            answer.request_id = dict(event.headers).get(b"request-id", b"").decode()
        elif isinstance(event, h11.Data):
            answer.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            answer.whole = True
            return False


def _request(http: h11.Connection, key: str, kind: Kind) -> bytes:
    body = json.dumps({
        "model": "claude-sonnet-4-5",
        "max_tokens": 64000,
        "stream": kind.stream,
        "messages": [{"role": "user", "content": f"Please: {keyword(kind)}"}],
        "tools": [{"name": "write", "input_schema": {"type": "object", "properties": {}}}],
    }).encode()  # fmt: skip
    headers = [("host", "x"), ("x-api-key", key), ("content-length", str(len(body)))]
    head = http.send(h11.Request(method="POST", target="/v1/messages", headers=headers))
    return head + http.send(h11.Data(data=body)) + http.send(h11.EndOfMessage())


def ending(kind: Kind, answer: Answer) -> str:
    """How an answer ended; exactly one way is allowed."""
    if not answer.whole:
        raise Wrong(f"{kind.name}: the connection broke, after {bytes(answer.body[-80:])!r}")
    if answer.status != 200:
        if json.loads(answer.body)["type"] != "error":
            raise Wrong(f"{kind.name}: {answer.status} without an error")
        return "status"
    if not kind.stream:
        message = json.loads(answer.body)
        check(kind, "".join(block.get("text", "") for block in message["content"]), told(kind)[1])
        return "whole"
    return streamed(kind, answer)


def streamed(kind: Kind, answer: Answer) -> str:
    names, text, called = Counter[str](), "", ""
    last = ""
    for block in answer.body.decode().split("\n\n")[:-1]:
        name, data = block.removeprefix("event: ").split("\ndata: ", 1)
        last = name
        names[name] += 1
        if name == "content_block_delta":
            delta = json.loads(data)["delta"]
            text += delta.get("text", "")
            called += delta.get("partial_json", "")
    ends = names["message_stop"] + names["error"]
    if ends != 1 or last not in {"message_stop", "error"} or names["message_start"] > 1:
        raise Wrong(f"{kind.name}: {dict(names)}, the last one {last}")
    if last == "message_stop":
        check(kind, text, called)
    return "whole" if last == "message_stop" else "event"


def check(kind: Kind, text: str, called: str) -> None:
    if (text, called) != told(kind):
        raise Wrong(
            f"{kind.name}: {len(text)} characters and an input of {len(called)}, which is not what was said"
        )

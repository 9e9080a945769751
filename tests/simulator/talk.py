"""What the tests say to the simulator: request bodies, and a client that hides nothing of what it hears."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import h11
import trio

from kiro_trio.simulator import Match, Reply, Rule, Script, Simulator, serve_simulator
from kiro_trio.simulator.script import Misfortunes, Steps
from kiro_trio.wire import EventStreamDecoder


def user(content: str, **more: Any) -> dict[str, Any]:
    context = {key: more.pop(key) for key in ("tools", "toolResults") if key in more}
    fields = {"content": content, "modelId": "claude-sonnet-4.5", "origin": "AI_EDITOR"} | more
    return {"userInputMessage": fields | {"userInputMessageContext": context}}


def assistant(content: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"assistantResponseMessage": {"content": content} | ({"toolUses": list(calls)} if calls else {})}


def call(identifier: str, name: str = "Read", **given: Any) -> dict[str, Any]:
    return {"toolUseId": identifier, "name": name, "input": given}


def result(identifier: str, text: str = "fine", status: str = "success") -> dict[str, Any]:
    return {"toolUseId": identifier, "content": [{"text": text}], "status": status}


def tool(name: str, description: str = "A tool.", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    specification = {"name": name, "description": description, "inputSchema": {"json": schema}}
    return {"toolSpecification": specification}


STRING = {"type": "string"}
BASH = tool("Bash", command=STRING)
READ = tool("Read", file_path=STRING)
WRITE = tool("Write", file_path=STRING, content=STRING)
EDIT = tool("Edit", file_path=STRING, old_string=STRING, new_string=STRING)


def asks(current: dict[str, Any], *history: dict[str, Any], **root: Any) -> dict[str, Any]:
    state = {
        "conversationId": "0b4445e1-f5be-49e1-87ce-62bbc28ad705",
        "agentContinuationId": "9d2b6b27-0000-4000-8000-000000000001",
        "agentTaskType": "vibe",
        "chatTriggerType": "MANUAL",
        "currentMessage": current,
    }
    return {"conversationState": state | ({"history": list(history)} if history else {})} | root


def events(body: bytes) -> list[tuple[str, Any]]:
    """Names and payloads of all frames; an exception or error frame goes by its message type."""
    decoder = EventStreamDecoder()
    decoder.receive_data(body)
    found = []
    for message in decoder.messages():
        name = message.headers.get(":event-type") or message.headers[":message-type"]
        found.append((name, json.loads(message.payload) if message.payload else dict(message.headers)))
    decoder.close()
    return found


def text_of(body: bytes) -> str:
    return "".join(payload["content"] for name, payload in events(body) if name == "assistantResponseEvent")


def calls_of(body: bytes) -> list[tuple[str, Any]]:
    """Names and inputs of the tool calls."""
    found: dict[str, tuple[str, str]] = {}
    for name, payload in events(body):
        if name == "toolUseEvent":
            known, text = found.get(payload["toolUseId"], (payload["name"], ""))
            found[payload["toolUseId"]] = (known, text + payload.get("input", ""))
    return [(name, json.loads(text)) for name, text in found.values()]


def post(
    body: Any = None, path: str = "/generateAssistantResponse", *, version: str = "1.1", **headers: str
) -> bytes:
    """A request as bytes; underscores in names of headers are hyphens."""
    data = (
        body
        if isinstance(body, bytes)
        else json.dumps(asks(user("hello")) if body is None else body).encode()
    )
    given = {"host": "kiro", "authorization": "Bearer t", "content-type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {path} HTTP/{version}", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, f"content-length: {len(data)}", "", ""]).encode() + data


@dataclass
class Heard:
    """Everything that came on a connection until it ended; `reset` tells how."""

    wire: bytes
    reads: list[bytes]
    reset: bool

    @property
    def head(self) -> bytes:
        return self.wire.partition(b"\r\n\r\n")[0]

    @property
    def status(self) -> int:
        return int(self.wire.split(b" ")[1])

    def body(self) -> bytes:
        """The body as a strict client reads it; raises h11.RemoteProtocolError when it is not whole."""
        parser = h11.Connection(h11.CLIENT)
        parser.send(
            h11.Request(method="POST", target="/", headers=[("host", "kiro"), ("content-length", "0")])
        )
        parser.send(h11.EndOfMessage())
        parser.receive_data(self.wire)
        parser.receive_data(b"")
        found = b""
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Data):
                found += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return found


async def hear(stream: trio.abc.Stream) -> Heard:
    """Read until the other side closes."""
    reads: list[bytes] = []
    try:
        while data := await stream.receive_some(65536):
            reads.append(bytes(data))
    except trio.BrokenResourceError:
        return Heard(b"".join(reads), reads, reset=True)
    return Heard(b"".join(reads), reads, reset=False)


async def ask(stream: trio.abc.Stream, data: bytes | None = None) -> Heard:
    """Send one request and read until the other side closes."""
    await stream.send_all(post(connection="close") if data is None else data)
    return await hear(stream)


@asynccontextmanager
async def served(simulator: Simulator, **options: Any) -> AsyncIterator[tuple[str, int]]:
    """A simulator on a free port of this host, with its base URL and its port."""
    async with trio.open_nursery() as nursery:
        base = await nursery.start(
            lambda task_status: serve_simulator(simulator, **options, task_status=task_status)
        )
        yield base, int(base.rpartition(":")[2])
        nursery.cancel_scope.cancel()


def scripted(*steps: Steps, fate: Iterable[Misfortunes] = (), bare: bool = False, **when: Any) -> Script:
    """One rule for everything."""
    reply = Reply(steps or None, misfortunes=tuple(fate), bare=bare)
    return Script((Rule(Match(**when), reply),))

"""The same job as most gateways of this kind do it: FastAPI on uvicorn, httpx, an event a chunk, a `yield` an event.

`python fastapi_httpx.py --upstream URL [--ca FILE]` prints `Listening on URL`. No retries, no accounts, no limits, no
thinking, no tools: the peer does less than the gateway, and that only where the work is. It has what such a program
needs: requests are checked by pydantic, keys at the door, both checksums of a frame.
"""

import argparse
import json
import socket
import ssl
import struct
import uuid
import zlib
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import uvicorn
from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

KEY = "sk-bench"
TOKEN = "not-a-real-token"  # noqa: S105


class Turn(BaseModel):
    model_config = ConfigDict(extra="allow")
    role: str
    content: str | list


class Asked(BaseModel):
    model_config = ConfigDict(extra="allow")
    model: str
    messages: list[Turn]
    max_tokens: int
    stream: bool = False


def text_of(content):
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content)


def kiro_body(asked):
    history = []
    for turn in asked.messages[:-1]:
        if turn.role == "user":
            history.append(
                {
                    "userInputMessage": {
                        "content": text_of(turn.content),
                        "modelId": asked.model,
                        "origin": "AI_EDITOR",
                    }
                }
            )
        else:
            history.append({"assistantResponseMessage": {"content": text_of(turn.content)}})
    current = {"content": text_of(asked.messages[-1].content), "modelId": asked.model, "origin": "AI_EDITOR"}
    return {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": str(uuid.uuid4()),
            "currentMessage": {"userInputMessage": current},
            "history": history,
        }
    }


class Frames:
    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data
        while len(self.buffer) >= 16:
            total, length, checksum = struct.unpack_from(">III", self.buffer)
            if zlib.crc32(self.buffer[:8]) != checksum:
                raise ValueError("prelude checksum")
            if len(self.buffer) < total:
                return
            frame = bytes(self.buffer[:total])
            del self.buffer[:total]
            if zlib.crc32(frame[:-4]) != struct.unpack(">I", frame[-4:])[0]:
                raise ValueError("message checksum")
            yield headers_of(frame[12 : 12 + length]), frame[12 + length : -4]


def headers_of(data):
    headers, position = {}, 0
    while position < len(data):
        size = data[position]
        name = data[position + 1 : position + 1 + size].decode()
        position += 1 + size
        kind, length = struct.unpack_from(">BH", data, position)
        if kind != 7:
            raise ValueError("header type")
        headers[name] = data[position + 3 : position + 3 + length].decode()
        position += 3 + length
    return headers


def sse(name, data):
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def translate(response, model):
    message = {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
    }
    yield sse(
        "message_start",
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 1, "output_tokens": 0}}},
    )
    yield sse(
        "content_block_start",
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    )
    frames, characters = Frames(), 0
    try:
        async for data in response.aiter_bytes():
            for headers, payload in frames.feed(data):
                if headers.get(":message-type") != "event":
                    raise ValueError(headers)
                body = json.loads(payload)
                if headers.get(":event-type") == "assistantResponseEvent":
                    characters += len(body["content"])
                    delta = {"type": "text_delta", "text": body["content"]}
                    yield sse(
                        "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
                    )
    finally:
        await response.aclose()
    yield sse("content_block_stop", {"type": "content_block_stop", "index": 0})
    usage = {"output_tokens": characters // 4}
    yield sse(
        "message_delta",
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": usage,
        },
    )
    yield sse("message_stop", {"type": "message_stop"})


def make_app(upstream, ca_file):
    @asynccontextmanager
    async def lifespan(app):
        # httpx's default pool, but for `max_connections`: its 100 would let 100 streams through and no more.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
        async with httpx.AsyncClient(
            limits=limits, verify=verify, timeout=httpx.Timeout(10, read=300)
        ) as app.state.http:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/messages")
    async def messages(asked: Asked, x_api_key: Annotated[str, Header()] = ""):
        if x_api_key != KEY:
            raise HTTPException(401)
        request = app.state.http.build_request(
            "POST",
            f"{upstream}/generateAssistantResponse",
            json=kiro_body(asked),
            headers={"authorization": f"Bearer {TOKEN}", "amz-sdk-invocation-id": str(uuid.uuid4())},
        )
        response = await app.state.http.send(request, stream=True)
        if response.status_code != 200:
            await response.aread()
            raise HTTPException(502)
        return StreamingResponse(translate(response, asked.model), media_type="text/event-stream")

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--ca")
    arguments = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"Listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(make_app(arguments.upstream, arguments.ca), backlog=2048)
    uvicorn.Server(config).run(sockets=[listener])

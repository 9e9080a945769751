"""How the tests of the client ask."""

from contextlib import asynccontextmanager

import pytest
import trio

from kiro_trio.upstream.http1 import Http1Client
from tests.upstream import peer

both_decoders = pytest.mark.parametrize("by_hand", [True, False])


both_schemes = pytest.mark.parametrize("scheme", ["http", "https"])


@asynccontextmanager
async def client_of(**kwargs):
    client = Http1Client(peer.client_context(), **kwargs)
    try:
        yield client
    finally:
        await client.aclose()


def context_for(scheme):
    return peer.server_context() if scheme == "https" else None


async def read_all(response):
    data = b""
    while piece := await response.receive_some():
        data += piece
    return data


async def get(client, url, **kwargs):
    async with await client.request("GET", url, **kwargs) as response:
        return await read_all(response)


def on_memory(respond):
    """A client whose every connection leads to `respond(stream)` over memory streams, and the list of its streams."""
    streams = []

    async def open_tcp(_host, _port):
        near, far = trio.testing.memory_stream_pair()
        streams.append(near)
        respond(far)
        return near

    return Http1Client(peer.client_context(), open_tcp=open_tcp), streams

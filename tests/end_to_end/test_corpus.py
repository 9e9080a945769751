"""Every kind of request through the whole house, read by the official SDK; streamed and in one piece the same."""

import json
from typing import Any

import pytest
import trio
from anthropic import Anthropic, Stream
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent

from tests.dialects.anthropic.replies import sdk_message, sdk_reading
from tests.dialects.anthropic.requests import SAMPLES
from tests.dialects.grammar import read
from tests.end_to_end.house import KEY, House, house
from tests.shared import messages_corpus, needs_shared

OURS = {name: json.loads(body) for name, body in SAMPLES.items()}
RECORDED = {name: record["body"] for name, record in messages_corpus().items()}


async def both_ways(here: House, body: dict[str, Any]) -> None:
    raw = (await here.post({**body, "stream": True})).content
    reading = read(raw)
    assert reading.ending == "whole", raw[-500:]
    streamed, whole = await trio.to_thread.run_sync(ask_sdk, here.url, body)
    assert essence(streamed.model_dump()) == essence(whole.model_dump())
    assert whole.content
    assert whole.usage.input_tokens > 0


def ask_sdk(url: str, body: dict[str, Any]) -> tuple[Message, Message]:
    """The same request by the official SDK, streamed and folded by it, and in one piece."""
    with Anthropic(base_url=url, api_key=KEY, max_retries=0) as client:
        with client.post(
            "/v1/messages",
            body={**body, "stream": True},
            cast_to=Message,
            stream=True,
            stream_cls=Stream[RawMessageStreamEvent],
        ) as stream:
            snapshot, buffers = None, {}
            for event in stream:
                snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
        whole = client.post("/v1/messages", body={**body, "stream": False}, cast_to=Message)
    assert snapshot is not None
    return snapshot, whole


def essence(message: dict[str, Any]) -> dict[str, Any]:
    """What must be the same both ways: not the ids, which are made up for each answer, nor what is empty."""
    ours = {"id", "usage", "kiro"}
    found = {name: value for name, value in message.items() if name not in ours and value is not None}
    found["content"] = [
        {key: value for key, value in block.items() if key not in {"id", "tool_use_id"} and value is not None}
        for block in message["content"]
    ]
    return {**found, "output_tokens": message["usage"]["output_tokens"]}


@pytest.mark.parametrize("name", sorted(OURS))
async def test_our_own_requests(tmp_path, name: str) -> None:
    async with house(tmp_path) as here:
        await both_ways(here, OURS[name])
        assert all(exchange.refused is None for exchange in here.simulator.seen)


async def recorded_both_ways(here: House, body: dict[str, Any]) -> None:
    """As `both_ways`, but for the SDK's own HTTP: its folding alone reads the bytes, which is quicker by half."""
    raw = (await here.post({**body, "stream": True})).content
    assert read(raw).ending == "whole", raw[-500:]
    whole = sdk_reading((await here.post({**body, "stream": False})).content)
    assert essence(sdk_message(raw)) == essence(whole)
    assert whole["content"]
    assert whole["usage"]["input_tokens"] > 0


@needs_shared
async def test_every_recorded_request(tmp_path) -> None:
    """One house for all: what one request leaves behind must not trouble the next."""
    troubled: dict[str, str] = {}
    async with house(tmp_path) as here:
        for name, body in RECORDED.items():
            if "thread" in body:
                continue
            try:
                await recorded_both_ways(here, body)
                refused = [exchange.refused for exchange in here.simulator.seen if exchange.refused]
                assert not refused, refused
            except Exception as error:  # noqa: BLE001 - all of them are to be named
                troubled[name] = f"{type(error).__name__}: {error}"[:400]
            here.simulator.seen.clear()
    assert troubled == {}


@needs_shared
async def test_threads_are_declined_so_that_sdks_fall_back(tmp_path) -> None:
    bodies = [body for body in RECORDED.values() if "thread" in body]
    assert bodies
    async with house(tmp_path) as here:
        for body in bodies:
            answer = await here.post(body)
            assert answer.status_code == 400
            assert answer.json()["error"]["details"]["error_code"] == "thread_unsupported_request"

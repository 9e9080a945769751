"""Ways to read an answer as the official SDK does."""

import json
from typing import Any

from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types.parsed_message import ParsedMessage


def sdk_message(stream: bytes, chunk: int = 64) -> dict[str, Any]:
    """What the official SDK's decoder and accumulator make of a stream."""
    snapshot: ParsedMessage[None] | None = None
    buffers: dict[int, bytes] = {}
    for sse in SSEDecoder().iter_bytes(iter([stream[i : i + chunk] for i in range(0, len(stream), chunk)])):
        assert sse.event != "error"
        if sse.event != "ping":
            snapshot = accumulate_event(event=sse.json(), current_snapshot=snapshot, json_bufs=buffers)
    assert snapshot is not None
    return snapshot.model_dump()


def sdk_reading(message: bytes) -> dict[str, Any]:
    """What the official SDK makes of a JSON answer; without our own field, which streams carry elsewhere."""
    body = json.loads(message)
    body.pop("kiro", None)
    return ParsedMessage.construct(**body).model_dump()

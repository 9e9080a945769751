"""The official TypeScript SDK reads the same from a stream and from an answer in one piece."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import trio

from kiro_trio.simulator.script import Break, Say
from tests.dialects.anthropic.requests import SAMPLES
from tests.end_to_end.house import KEY, House, house, saying, scripted
from tests.npm import installed
from tests.shared import messages_corpus, needs_shared

PACKAGE, VERSION = "@anthropic-ai/sdk", "1.12.0"
SCRIPT = Path(__file__).with_name("sdk_client.mjs")
OURS = {name: json.loads(body) for name, body in SAMPLES.items()}
RECORDED = {
    name: record["body"] for name, record in messages_corpus().items() if "thread" not in record["body"]
}


@pytest.fixture(scope="module")
def client() -> Path:
    return installed(PACKAGE, VERSION)


async def asked(client: Path, here: House, requests: list[dict[str, Any]], key: str = KEY) -> dict[str, Any]:
    told = {"url": here.url, "key": key, "requests": [without_stream(body) for body in requests]}
    with trio.fail_after(120):
        done = await trio.run_process(
            ["node", SCRIPT],
            stdin=json.dumps(told).encode(),
            capture_stdout=True,
            env=os.environ | {"CLIENT": str(client), "NO_PROXY": "*"},
        )
    return json.loads(done.stdout)


def without_stream(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "stream"}


def essence(message: dict[str, Any]) -> dict[str, Any]:
    """What must be the same both ways: not the ids, which are made up for each answer."""
    assert "error" not in message, message
    blocks = [
        {name: value for name, value in block.items() if name not in {"id", "tool_use_id", "parsed"}}
        for block in message["content"]
    ]
    return {
        "content": blocks,
        "role": message["role"],
        "stop_reason": message["stop_reason"],
        "stop_sequence": message["stop_sequence"],
        "output_tokens": message["usage"]["output_tokens"],
    }


def check(answers: list[dict[str, Any]], names: list[str]) -> None:
    assert len(answers) == len(names)
    for name, answer in zip(names, answers, strict=True):
        assert essence(answer["streamed"]) == essence(answer["whole"]), name
        assert answer["whole"]["content"], name
        assert answer["streamed"]["usage"]["input_tokens"] > 0, name


async def test_our_own_requests(client: Path, tmp_path) -> None:
    async with house(tmp_path) as here:
        found = await asked(client, here, list(OURS.values()))
    check(found["answers"], list(OURS))
    assert "claude-sonnet-4-5" in found["models"]
    assert len(found["models"]) > 20  # it went through the pages
    assert 1 < found["counted"]["input_tokens"] < 50


@needs_shared
async def test_every_recorded_request(client: Path, tmp_path) -> None:
    async with house(tmp_path) as here:
        found = await asked(client, here, list(RECORDED.values()))
    check(found["answers"], list(RECORDED))


async def test_errors_are_the_ones_that_it_knows(client: Path, tmp_path) -> None:
    simulator = scripted(
        saying(Say("Half"), Break("reset"), prompt="break"),
        saying(status="too-long", prompt="long"),
        saying(status="suspended", prompt="gone"),
    )
    bodies = [
        {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": word}]}
        for word in ("break", "long", "gone")
    ]
    async with house(tmp_path, simulator) as here:
        found = await asked(client, here, [{"model": "m", "max_tokens": 5, "messages": []}, *bodies])
        wrong_key = await asked(client, here, [bodies[0]], key="sk-wrong")
    bad, broken, long, gone = found["answers"]
    for answer in bad.values():
        assert (answer["error"]["name"], answer["error"]["status"]) == ("BadRequestError", 400)
    assert broken["streamed"]["error"]["type"] == "api_error"
    assert broken["whole"]["error"]["status"] == 502
    assert "prompt is too long" in long["streamed"]["error"]["message"]
    assert long["streamed"]["error"]["status"] == long["whole"]["error"]["status"] == 400
    assert gone["whole"]["error"]["status"] == 503
    assert wrong_key["answers"][0]["whole"]["error"]["name"] == "PermissionDeniedError"

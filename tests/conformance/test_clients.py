"""The recorded requests of every client version: what is said to Kiro for them, and what comes back."""

import json
from typing import Any

import httpx
import pytest

from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.kiro.request import build_request
from tests.conformance.clients import Record, header, is_message, path_of, recorded
from tests.dialects.grammar import read
from tests.end_to_end.house import KEY, House, house
from tests.kiro.wire_rules import check

ID = "11111111-1111-4111-8111-111111111111"
versions = pytest.mark.parametrize("version", list(recorded()))

# What has no answer of its own: another API, and Anthropic's own threads, which SDKs then do without.
ELSEWHERE = ("/v1/chat/completions", "/v1/responses", "/api/event_logging/batch")


def expected(record: Record) -> int:
    if path_of(record).endswith(ELSEWHERE):
        return 404
    return 400 if "thread" in (record["body"] or {}) else 200


@versions
def test_what_is_said_to_kiro_keeps_all_its_rules(version: str) -> None:
    for record in filter(is_message, recorded()[version].values()):
        prompt = parse_messages(json.dumps(record["body"]).encode()).prompt
        made = build_request(prompt, conversation_id=ID, continuation_id=ID)
        root = check(made.body(origin="AI_EDITOR", agent_fields=True, profile_arn=None))
        assert last_words(record["body"]) in json.dumps(root, ensure_ascii=False)


def last_words(body: dict[str, Any]) -> str:
    """A stretch of what the user said last, as it stands in JSON."""
    for message in reversed(body["messages"]):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in reversed(blocks):
            if message["role"] == "user" and block.get("type") == "text" and block["text"].strip():
                return json.dumps(block["text"].strip()[-80:], ensure_ascii=False)[1:-1]
    return ""


@versions
async def test_every_request_is_answered(tmp_path, version: str) -> None:
    """As it was recorded, headers and all; only the key is ours."""
    troubled: dict[str, str] = {}
    async with house(tmp_path) as here:
        for name, record in recorded()[version].items():
            answer = await replay(here, record)
            problem = complaint(record, answer)
            refused = [exchange.refused for exchange in here.simulator.seen if exchange.refused]
            if problem or refused:
                troubled[name] = f"{problem} {refused}"[:300]
            here.simulator.seen.clear()
    assert troubled == {}


async def replay(here: House, record: Record) -> httpx.Response:
    left_out = {"host", "content-length", "connection", "authorization", "x-api-key", "accept-encoding"}
    headers = [(name, value) for name, value in record["headers"] if name.lower() not in left_out]
    body = record["body"]
    content = b"" if body is None else json.dumps(body).encode()
    return await here.http.request(
        record["method"],
        record["target"],
        headers=[*headers, ("authorization", f"Bearer {KEY}")],
        content=content,
    )


def complaint(record: Record, answer: httpx.Response) -> str:
    """What is wrong with the answer, or ""."""
    if answer.status_code != expected(record):
        return f"{answer.status_code}: {answer.text[:200]}"
    if answer.status_code != 200:
        return "" if answer.json()["type"] == "error" else "an error of another shape"
    if is_message(record):
        if record["body"].get("stream"):
            return "" if read(answer.content).ending == "whole" else "a stream that is not whole"
        return "" if answer.json()["content"] else "an empty message"
    if path_of(record).endswith("/count_tokens"):
        return "" if answer.json()["input_tokens"] > 0 else "no count"
    return ""


def test_there_are_versions_without_the_shared_corpus_too() -> None:
    assert {"claude-code-2.1.330", "claude-code-2.0.76", "anthropic-python-2.12.0"} <= set(recorded())
    agents = [record for records in recorded().values() for record in records.values()]
    assert any(header(record, "x-claude-code-agent-id") for record in agents)

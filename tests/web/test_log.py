"""One line in the log per request, and what stands in it."""

import io
import json

import pytest
import trio

from kiro_trio.simulator.script import Metadata, Metering, Say, Stall
from kiro_trio.telemetry import configure_logging
from tests.end_to_end.house import KEY, house, prompt, saying, scripted
from tests.end_to_end.test_leaving import begin
from tests.web.served import eventually

WORDS = "words that are nobody's business"


class Log(io.StringIO):
    """What was logged at a level, as JSON."""

    def __init__(self, level: str = "info") -> None:
        super().__init__()
        configure_logging(level, "json", self)

    def lines(self, event: str) -> list[dict]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [line for line in found if line["event"] == event]


async def test_a_request_with_two_tries_is_one_line_with_all_that_is_known(tmp_path) -> None:
    log = Log()
    usage = {"uncachedInputTokens": 100, "outputTokens": 7, "cacheReadInputTokens": 30}
    said = (Say("Hello"), Metering(0.25), Metadata(usage=usage))
    script = scripted(saying(status="throttled", nth=(1,)), saying(*said), accounts=2)
    async with house(tmp_path, script) as here:
        answer = await here.post(prompt(WORDS))
    [line] = log.lines("request")
    assert line["request_id"] == answer.headers["request-id"]
    assert (line["client"], line["model"], line["stream"]) == ("default", "claude-sonnet-4-5", True)
    assert (line["status"], line["outcome"], line["level"]) == (200, "whole", "info")
    assert (line["input_tokens"], line["output_tokens"], line["cache_read_tokens"]) == (100, 7, 30)
    assert line["credits"] == 0.25
    assert line["seconds"] >= line["first_content"] > 0
    assert line["bytes"] > 0
    assert line["estimate"] > 0
    first, second = line["attempts"]
    assert (first["credential"], first["outcome"], first["status"]) == (1, "throttled", 429)
    assert (second["credential"], second["outcome"]) == (2, "whole")
    assert WORDS not in log.getvalue()


async def test_a_client_that_left_is_a_499(tmp_path) -> None:
    log = Log()
    async with house(tmp_path, scripted(saying(misfortunes=[Stall()]))) as here:
        client = await begin(here, prompt())
        await eventually(lambda: bool(here.chats()))
        await client.aclose()
        with trio.fail_after(10):
            await eventually(lambda: bool(log.lines("request")))
    [line] = log.lines("request")
    assert (line["status"], line["outcome"], line["level"]) == (499, "client_gone", "warning")


REFUSED = {
    "a wrong key": (
        {"x-api-key": "wrong"},
        b"{}",
        403,
        "the API key is not one of this gateway's keys",
        None,
    ),
    "no JSON": ({"x-api-key": KEY}, b"{", 400, "the body is not valid JSON", "default"),
    "a wrong field": (
        {"x-api-key": KEY},
        b'{"max_tokens": "x"}',
        400,
        "max_tokens: expected integer",
        "default",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_request_that_is_refused_is_a_line_that_says_why(tmp_path, what) -> None:
    headers, content, status, why, client = REFUSED[what]
    log = Log()
    async with house(tmp_path) as here:
        answer = await here.http.post("/v1/messages", content=content, headers=headers)
        assert answer.status_code == status
    [line] = log.lines("answer")
    assert line["request_id"] == answer.headers["request-id"]
    assert (line["route"], line["method"], line["path"]) == ("messages", "POST", "/v1/messages")
    assert line["status"] == status
    assert line["why"].startswith(why)
    assert line.get("client") == client


async def test_what_goes_well_and_what_strangers_try_are_for_the_curious(tmp_path) -> None:
    for level, count in (("info", 0), ("debug", 3)):
        log = Log(level)
        async with house(tmp_path) as here:
            await here.http.get("/healthz")
            await here.http.get("/wp-login.php")
            await here.http.get("/v1/models", headers={"x-api-key": KEY})
        assert len(log.lines("answer")) == count


async def test_what_the_owner_changes_is_told(tmp_path) -> None:
    log = Log()
    async with house(tmp_path, admin_api_key="sk-owner") as here:
        headers = {"x-api-key": "sk-owner"}
        await here.http.post("/api/admin/credentials/1/priority", json={"priority": 3}, headers=headers)
        await here.http.get("/api/admin/credentials?secret=x", headers=headers)
    [line] = log.lines("answer")
    assert (line["path"], line["status"]) == ("/api/admin/credentials/1/priority", 200)


async def test_in_text_it_is_one_line_too(tmp_path) -> None:
    out = io.StringIO()
    configure_logging("info", "text", out)
    async with house(tmp_path) as here:
        await here.post(prompt("one\ntwo"))
        await here.http.post("/v1/messages", content=b'{"model": "a\\nb"}', headers={"x-api-key": KEY})
    lines = out.getvalue().splitlines()
    assert len([line for line in lines if "outcome=whole" in line]) == 1
    assert all(line.startswith("20") for line in lines)

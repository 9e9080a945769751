import json

import httpx
import pytest
import trio

from kiro_trio.simulator.script import Pause, Say
from tests.end_to_end.house import KEY, events, house, prompt, saying, scripted, text_of
from tests.web.served import eventually

PATHS = ["/v1/messages", "/v1/v1/messages", "/cc/v1/messages", "/v1/messages?beta=true"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_to_a_message(tmp_path, path: str) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello there")))) as here:
        streamed = await here.post(prompt(), path)
        whole = await here.post(prompt(stream=False), path)
    assert text_of(events(streamed.content)) == "Hello there"
    assert whole.json()["content"] == [{"type": "text", "text": "Hello there"}]
    assert streamed.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"x-api-key": "sk-other", "authorization": f"bearer {KEY}"},
    ],
)
async def test_either_key_opens(tmp_path, headers: dict[str, str]) -> None:
    async with house(tmp_path) as here:
        answer = await here.http.get("/v1/models", headers=headers)
    assert answer.status_code == 200


async def test_without_a_key_pages_in_a_browser_are_refused(tmp_path) -> None:
    async with house(tmp_path, api_key="") as here:
        for origin, status in (("http://evil.example", 403), ("null", 403), (None, 200)):
            headers = {"content-type": "text/plain"} | ({} if origin is None else {"origin": origin})
            answer = await here.http.post("/v1/messages", content=json.dumps(prompt()), headers=headers)
            assert answer.status_code == status
        assert len(here.chats()) == 1


async def test_a_wrong_key_fails_at_once_and_no_key_says_so(tmp_path) -> None:
    async with house(tmp_path) as here:
        wrong = await here.http.post("/v1/messages", json=prompt(), headers={"x-api-key": "sk-wrong"})
        missing = await here.http.post("/v1/messages", json=prompt())
        assert here.chats() == []
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (403, "permission_error")
    assert (missing.status_code, missing.json()["error"]["type"]) == (401, "authentication_error")
    assert "sk-wrong" not in wrong.text


async def test_every_answer_has_a_request_id(tmp_path) -> None:
    async with house(tmp_path) as here:
        answers = [
            await here.post(prompt()),
            await here.post(prompt(stream=False)),
            await here.post(b"{"),
            await here.http.get("/nowhere"),
            await here.http.get("/healthz"),
            await here.http.head("/"),
            await here.http.put("/v1/messages"),
        ]
    ids = [answer.headers["request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("req_") for name in ids)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not_found_error"),
        ("POST", "/api/event_logging/batch", 404, "not_found_error"),
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("DELETE", "/v1/models", 405, "invalid_request_error"),
        ("GET", "/v1/models/nothing-like-it", 404, "not_found_error"),
    ],
)
async def test_errors_have_one_shape(tmp_path, method: str, path: str, status: int, kind: str) -> None:
    async with house(tmp_path) as here:
        answer = await here.http.request(method, path, headers={"x-api-key": KEY})
    body = answer.json()
    assert (answer.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"model":"m"}'])
async def test_what_is_no_request_is_a_400_that_says_so(tmp_path, body: bytes) -> None:
    async with house(tmp_path) as here:
        answer = await here.post(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_wrong_type_is_told_with_its_place(tmp_path) -> None:
    body = prompt()
    body["messages"][0]["content"] = [{"type": "text", "text": 5}]
    async with house(tmp_path) as here:
        answer = await here.post(body)
    assert answer.status_code == 400
    assert "messages.0.content.0.text" in answer.json()["error"]["message"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(tmp_path, chunked: bool) -> None:
    large = json.dumps(prompt("x" * 200_000)).encode()

    class Pieces(httpx.AsyncByteStream):
        starts = iter(range(0, len(large), 10_000))

        def __aiter__(self):
            return self

        async def __anext__(self) -> bytes:
            for start in self.starts:
                return large[start : start + 10_000]
            raise StopAsyncIteration

    async with house(tmp_path, body_limit=100_000) as here:
        request = here.http.build_request("POST", "/v1/messages", headers={"x-api-key": KEY}, content=large)
        if chunked:
            del request.headers["content-length"]
            request.headers["transfer-encoding"] = "chunked"
            request.stream = Pieces()
        answer = await here.http.send(request)
        assert here.chats() == []
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")
    assert "100000" in answer.json()["error"]["message"]


async def test_models_are_listed_and_retrieved(tmp_path) -> None:
    async with house(tmp_path) as here, here.anthropic() as client:
        page = await client.models.list(limit=1000)
        assert page.data
        one = await client.models.retrieve(page.data[0].id)
    assert one.id == page.data[0].id
    assert not page.has_more


async def test_every_model_is_discoverable_by_claude_code_and_can_be_asked_for(tmp_path) -> None:
    headers = {"x-api-key": KEY, "user-agent": "claude-code/2.1.330"}
    async with house(tmp_path, scripted(saying(Say("Hello")), validate=False)) as here:
        page = (await here.http.get("/v1/models?limit=1000", headers=headers)).json()
        ids = [row["id"] for row in page["data"]]
        assert all(name.startswith(("claude", "anthropic")) for name in ids)
        assert "anthropic/deepseek-3.2" in ids
        for name in ids:
            assert (await here.post(prompt(model=name))).status_code == 200
            assert (await here.http.get(f"/v1/models/{name}", headers=headers)).json()["id"] == name
        asked = [
            chat.body["conversationState"]["currentMessage"]["userInputMessage"] for chat in here.chats()
        ]
    assert "deepseek-3.2" in [message["modelId"] for message in asked]
    assert not any("anthropic" in message["modelId"] for message in asked)


async def test_tokens_are_counted(tmp_path) -> None:
    async with house(tmp_path) as here, here.anthropic() as client:
        short = await client.messages.count_tokens(
            model="claude-sonnet-4-5", messages=[{"role": "user", "content": "hi"}]
        )
        long = await client.messages.count_tokens(
            model="claude-sonnet-4-5", messages=[{"role": "user", "content": "hi there " * 500}]
        )
    assert 1 <= short.input_tokens < 20
    assert 800 < long.input_tokens < 3000


async def test_the_root_answers_head_and_get(tmp_path) -> None:
    async with house(tmp_path) as here:
        head, get = await here.http.head("/"), await here.http.get("/")
    assert (head.status_code, head.content, get.status_code) == (200, b"", 200)


async def test_a_probe_of_a_path_that_is_not_there_is_answered_at_once(tmp_path) -> None:
    async with house(tmp_path) as here:
        probe = await here.http.head("/api/hello")
    assert (probe.status_code, probe.content) == (404, b"")


async def test_held_events_begin_with_the_true_count(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello")))) as here:
        live = events((await here.post(prompt())).content)
        held = events((await here.post(prompt(), "/cc/v1/messages")).content)
    measured = held[-2][1]["usage"]["input_tokens"]
    assert held[0][1]["message"]["usage"]["input_tokens"] == measured
    assert live[-2][1]["usage"]["input_tokens"] == measured


async def test_graceful_stop_ends_running_streams_with_an_error(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello"), Pause())), shutdown_grace=0.3) as here:
        async with trio.open_nursery() as nursery:
            answers: list[bytes] = []

            async def ask() -> None:
                answers.append((await here.post(prompt())).content)

            nursery.start_soon(ask)
            await eventually(lambda: bool(here.chats()) and here.chats()[0].sent > 0)
            here.shutdown.set()
        with trio.fail_after(5):
            await here.stopped.wait()
    found = events(answers[0])
    assert found[-1][0] == "error"
    assert found[-1][1]["error"]["type"] == "overloaded_error"

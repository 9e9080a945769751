"""Web search: as the only tool, and between other tools."""

from typing import Any

import pytest

from kiro_trio.simulator.script import CallTool, Coalesce, Match, Pause, Reply, Rule, Say, Throw
from kiro_trio.simulator.seen import Exchange
from tests.dialects.grammar import read
from tests.end_to_end.house import House, events, house, prompt, saying, scripted, text_of

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
BASH = {"name": "Bash", "description": "Run a command", "input_schema": {"type": "object", "properties": {}}}


def only(**more: Any) -> dict[str, Any]:
    text = "Perform a web search for the query: trio cancellation"
    return prompt(text, tools=[{**SEARCH, **more}], tool_choice={"type": "tool", "name": "web_search"})


async def answer(here: House, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of the answer in one piece, after checking that the streamed one has the same kinds."""
    streamed = await here.post({**body, "stream": True})
    assert read(streamed.content).ending == "whole"
    kinds = [
        data["content_block"]["type"]
        for name, data in events(streamed.content)
        if name == "content_block_start"
    ]
    whole = (await here.post({**body, "stream": False})).json()
    assert [block["type"] for block in whole["content"]] == kinds
    return whole["content"]


def searches(here: House) -> list[Exchange]:
    return [exchange for exchange in here.simulator.seen if exchange.call == "mcp"]


async def test_the_only_tool_is_answered_without_a_model(tmp_path) -> None:
    async with house(tmp_path) as here:
        blocks = await answer(here, only())
        assert here.chats() == []
        assert searches(here)[0].body["params"]["arguments"] == {"query": "trio cancellation"}
    call, found, words = blocks
    assert (call["type"], call["input"]) == ("server_tool_use", {"query": "trio cancellation"})
    assert found["tool_use_id"] == call["id"]
    assert found["content"][0]["type"] == "web_search_result"
    assert found["content"][0]["url"] in words["text"]


async def test_blocked_domains_are_left_out(tmp_path) -> None:
    async with house(tmp_path) as here:
        every = await answer(here, only())
        host = every[1]["content"][0]["url"].split("/")[2]
        without = await answer(here, only(blocked_domains=[host]))
    assert all(host not in page["url"] for page in without[1]["content"])
    assert len(without[1]["content"]) < len(every[1]["content"])


async def test_a_search_server_that_refuses_everybody_is_an_http_error(tmp_path) -> None:
    rule = Rule(Match(call="mcp"), Reply(status="throttled"))
    async with house(tmp_path, scripted(rule)) as here:
        refused = await here.post(only())
    assert refused.status_code == 429


@pytest.mark.parametrize("status", ["improper", "not-found", "unknown-operation"])
async def test_what_no_other_account_could_find_is_an_answer(tmp_path, status: str) -> None:
    rule = Rule(Match(call="mcp"), Reply(status=status))
    async with house(tmp_path, scripted(rule)) as here:
        blocks = await answer(here, only())
    assert [block["type"] for block in blocks] == ["server_tool_use", "web_search_tool_result", "text"]
    assert blocks[1]["content"] == {
        "type": "web_search_tool_result_error",
        "error_code": "invalid_tool_input",
    }


async def test_an_account_that_may_not_search_may_still_chat(tmp_path) -> None:
    rules = (Rule(Match(call="mcp"), Reply(status="feature")), saying(Say("Hello")))
    async with house(tmp_path, scripted(*rules)) as here:
        for _ in range(4):
            refused = await here.post(only())
            assert refused.status_code == 503
            assert refused.headers["x-should-retry"] == "false"
        assert (await here.post(prompt())).status_code == 200
        assert len(searches(here)) == 4


async def test_another_account_may_search(tmp_path) -> None:
    rule = Rule(Match(call="mcp", account="user1@example.com"), Reply(status="feature"))
    async with house(tmp_path, scripted(rule, accounts=2)) as here:
        for _ in range(4):
            assert (await here.post(only())).status_code == 200


async def test_a_search_needs_no_model(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(status="model"))) as here:
        assert (await here.post(prompt())).status_code == 404
        assert (await here.post(only())).status_code == 200
        assert len(here.chats()) == 1


async def test_a_search_that_must_not_be_made_is_not_made(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hello")))) as here:
        whole = (await here.post(prompt(stream=False, tools=[SEARCH], tool_choice={"type": "none"}))).json()
        assert searches(here) == []
    assert [block["type"] for block in whole["content"]] == ["text"]


async def test_a_tool_of_the_clients_with_the_name_of_the_search_is_the_clients(tmp_path) -> None:
    steps = (CallTool("web_search", {"query": "trio"}),)
    async with house(tmp_path, scripted(saying(*steps))) as here:
        blocks = await answer(here, prompt("Search!", tools=[SEARCH, {**BASH, "name": "web_search"}]))
        assert searches(here) == []
    assert [(block["type"], block["input"]) for block in blocks] == [("tool_use", {"query": "trio"})]


async def test_a_search_in_a_reply_that_breaks_is_not_handed_to_the_client(tmp_path) -> None:
    """Clients run what is called at once, and this tool is none of theirs."""
    steps = (
        Say("Let me look."),
        Pause(0.3),
        Say(" Now."),
        CallTool("web_search", {"query": "trio"}),
        Throw("ThrottlingException", "slow down"),
    )
    at_once = Coalesce(frames=0, chunks=0)
    async with house(tmp_path, scripted(saying(*steps, misfortunes=(at_once,)))) as here:
        broken = await here.post(prompt("What is trio?", tools=[SEARCH, BASH]))
    heard = read(broken.content)
    assert heard.ending == "error"
    assert [block["type"] for block in heard.blocks] == ["text"]
    assert text_of(events(broken.content)) == "Let me look. Now."


async def test_between_other_tools_the_model_gets_what_was_found(tmp_path) -> None:
    rules = (
        saying(Say("Let me look."), CallTool("web_search", {"query": "trio"}), nth=(1, 3)),
        saying(Say("Trio is an async library.")),
    )
    async with house(tmp_path, scripted(*rules)) as here:
        blocks = await answer(here, prompt("What is trio?", tools=[SEARCH, BASH]))
        second = here.chats()[1].body["conversationState"]["currentMessage"]["userInputMessage"]
        refused = [exchange.refused for exchange in here.simulator.seen if exchange.refused]
    assert [block["type"] for block in blocks] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "text",
    ]
    assert blocks[-1]["text"] == "Trio is an async library."
    assert "trio" in str(second["userInputMessageContext"]["toolResults"])
    assert refused == []


FORCED = "Answer by calling"


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ({"type": "tool", "name": "web_search"}, [True, False]),
        ({"type": "any"}, [True, False]),
        ({"type": "tool", "name": "Bash"}, [True, True]),
    ],
    ids=str,
)
async def test_a_search_that_had_to_be_made_is_made_once(tmp_path, choice, forced: list[bool]) -> None:
    rules = (saying(CallTool("web_search", {"query": "trio"}), nth=(1,)), saying(Say("Found it.")))
    async with house(tmp_path, scripted(*rules)) as here:
        await here.post(prompt("What is trio?", tools=[SEARCH, BASH], tool_choice=choice))
        assert [FORCED in str(chat.body) for chat in here.chats()] == forced


async def test_what_kiro_refused_is_not_said_again_with_what_was_found(tmp_path) -> None:
    rules = (
        saying(status="tools", nth=(1,)),
        saying(CallTool("web_search", {"query": "trio"}), nth=(1,)),
        saying(Say("Found it.")),
    )
    strange = {**BASH, "input_schema": {"type": "object", "properties": {"a": {"pattern": "^a"}}}}
    async with house(tmp_path, scripted(*rules)) as here:
        answered = await here.post(prompt("What is trio?", tools=[SEARCH, strange]))
        states = [chat.body["conversationState"] for chat in here.chats()]
    assert read(answered.content).ending == "whole"
    assert ["pattern" in str(state) for state in states] == [True, False, False]
    assert len({state["conversationId"] for state in states}) == 1


async def test_a_model_that_never_stops_searching_is_stopped(tmp_path) -> None:
    rules = (saying(CallTool("web_search", {"query": "more"})),)
    async with house(tmp_path, scripted(*rules)) as here:
        whole = (await here.post(prompt("Search!", stream=False, tools=[SEARCH, BASH]))).json()
        assert len(searches(here)) == SEARCH["max_uses"]
    errors = [
        block["content"]["error_code"] for block in whole["content"] if isinstance(block.get("content"), dict)
    ]
    assert set(errors) == {"max_uses_exceeded"}
    assert whole["usage"]["server_tool_use"] == {"web_search_requests": SEARCH["max_uses"]}
    assert whole["stop_reason"] == "end_turn"


async def test_another_tools_call_beside_a_search_is_the_clients_turn(tmp_path) -> None:
    steps = (CallTool("web_search", {"query": "trio"}), CallTool("Bash", {"command": "ls"}))
    async with house(tmp_path, scripted(saying(*steps))) as here:
        blocks = await answer(here, prompt("Do both", tools=[SEARCH, BASH]))
    assert {block["type"] for block in blocks} == {"server_tool_use", "web_search_tool_result", "tool_use"}


async def test_a_clients_own_tool_of_that_name_is_called_by_the_client(tmp_path) -> None:
    own = {**BASH, "name": "web_search"}
    async with house(tmp_path, scripted(saying(CallTool("web_search", {"query": "trio"})))) as here:
        (block,) = await answer(here, prompt("Search!", tools=[SEARCH, own]))
        assert searches(here) == []
    assert (block["type"], block["name"], block["input"]) == ("tool_use", "web_search", {"query": "trio"})


async def test_a_search_that_may_not_be_used_is_not_made(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("No need.")))) as here:
        (block,) = await answer(here, prompt("Hello", tools=[SEARCH], tool_choice={"type": "none"}))
        assert searches(here) == []
    assert block["text"] == "No need."


@pytest.mark.parametrize("broken", ['{"query": 5}', "{}"])
async def test_a_search_without_a_query_is_told_to_the_model(tmp_path, broken: str) -> None:
    rules = (saying(CallTool("web_search", broken), nth=(1,)), saying(Say("Sorry.")))
    async with house(tmp_path, scripted(*rules)) as here:
        whole = (await here.post(prompt("Search!", stream=False, tools=[SEARCH, BASH]))).json()
        assert searches(here) == []
    assert whole["content"][1]["content"]["error_code"] == "invalid_tool_input"
    assert "server_tool_use" not in whole["usage"]
    assert whole["content"][-1]["text"] == "Sorry."

"""Claude Code at work through the gateway: files, a conversation over runs, thinking, a search, and every kind of error."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kiro_trio.simulator.refusals import Status
from kiro_trio.simulator.script import CallTool, Say
from tests.end_to_end.claude_code import Turn, ask, install
from tests.end_to_end.house import KEY, House, house, saying, scripted
from tests.gateway.pdfs import pdf

EVER = tuple(range(1, 200))

# One grey pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def claude() -> Path:
    return install()


def history(here: House) -> list[dict[str, Any]]:
    """The history in the last chat."""
    return here.chats()[-1].body["conversationState"]["history"]


def happened(turn: Turn) -> list[str]:
    """The kinds of messages that were printed, with the kinds of blocks in them."""
    kinds = []
    for message in turn.messages:
        kinds.append(str(message.get("subtype") or message["type"]))
        content = message.get("message", {}).get("content", [])
        kinds += [block["type"] for block in content if isinstance(block, dict)]
    return kinds


async def test_files_are_written_read_and_edited_over_several_runs(claude: Path, tmp_path: Path) -> None:
    notes = tmp_path / "work" / "notes.txt"
    async with house(tmp_path) as here:
        wrote = await ask(
            claude, tmp_path, here.url, KEY, "Write a file named notes.txt containing 'hello world'"
        )
        assert notes.read_text() == "hello world\n"
        read = await ask(claude, tmp_path, here.url, KEY, "Read notes.txt", "--continue")
        edited = await ask(
            claude, tmp_path, here.url, KEY, "Replace 'hello' with 'goodbye' in notes.txt", "--continue"
        )
        assert notes.read_text() == "goodbye world\n"
        states = [chat.body["conversationState"] for chat in here.chats()]
        refused = [exchange.refused for exchange in here.simulator.seen if exchange.refused]
        said = json.dumps(history(here))
    assert wrote.tools() == ["Write"]
    assert read.tools() == ["Read"]
    assert edited.tools()[-1] == "Edit"
    assert "hello world" in read.result["result"]
    assert refused == []
    # One conversation, whose head and history only grow.
    assert len({state["conversationId"] for state in states}) == 1
    assert len({json.dumps(state["history"][:2]) for state in states}) == 1
    assert "Write a file named notes.txt" in said


async def test_thinking_comes_back_signed_in_the_next_turn(claude: Path, tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Run the command `echo one`")
        bodies = [chat.body for chat in here.chats()]
        earlier = [
            entry["assistantResponseMessage"]["reasoningContent"]
            for entry in history(here)
            if "reasoningContent" in entry.get("assistantResponseMessage", {})
        ]
    assert happened(turn).count("thinking") == 2
    assert all("additionalModelRequestFields" in body for body in bodies)
    assert earlier
    assert all(block["reasoningText"]["signature"] for block in earlier)


async def test_a_web_search_is_run_by_the_gateway(claude: Path, tmp_path: Path) -> None:
    searching = saying(CallTool("WebSearch", {"query": "trio cancellation"}), nth=(1,))
    async with house(tmp_path, scripted(searching)) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Find out about trio", ENABLE_TOOL_SEARCH="false")
        calls = [exchange.call for exchange in here.simulator.seen]
    assert turn.tools() == ["WebSearch"]
    assert calls.count("mcp") == 1
    assert "https://example.com/trio-cancellation/1" in turn.result["result"]
    assert turn.result["is_error"] is False


WAITING = {"retry-after": "2"}
SLOW_DOWN = Status(429, "ThrottlingException", "slow down", None, WAITING)
FULL = Status(
    429, "ThrottlingException", "I am experiencing high traffic", "INSUFFICIENT_MODEL_CAPACITY", WAITING
)


@pytest.mark.parametrize(("status", "times"), [(SLOW_DOWN, (1,)), (FULL, (1, 2, 3))])
async def test_a_wait_is_obeyed_and_then_all_is_well(
    claude: Path, tmp_path: Path, status: Status, times: tuple[int, ...]
) -> None:
    async with house(tmp_path, scripted(saying(status=status, nth=times)), queue_limit=0) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Say hello")
        assert len(here.chats()) == len(times) + 1
    assert "api_retry" in happened(turn)
    assert turn.result["is_error"] is False
    assert turn.result["duration_ms"] >= 2000


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("improper", "400 The upstream calls the request malformed"),
        ("suspended", "503 No upstream account can serve this request"),
        ("monthly", "429"),
        ("model", "issue with the selected model"),
    ],
)
async def test_what_waiting_cannot_mend_is_told_at_once(
    claude: Path, tmp_path: Path, status: str, told: str
) -> None:
    async with house(tmp_path, scripted(saying(status=status, nth=EVER))) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Say hello")
    assert turn.result["is_error"] is True
    assert told in turn.result["result"]
    assert turn.result["duration_ms"] < 20_000
    assert "api_retry" not in happened(turn)


async def test_an_overflow_is_followed_by_a_compaction_and_then_all_is_well(
    claude: Path, tmp_path: Path
) -> None:
    async with house(tmp_path, scripted(saying(status="too-long", nth=(3,)))) as here:
        await ask(claude, tmp_path, here.url, KEY, "Say hello, please")
        await ask(claude, tmp_path, here.url, KEY, "Say something else", "--continue")
        turn = await ask(claude, tmp_path, here.url, KEY, "Now say more", "--continue")
        statuses = [chat.status for chat in here.chats()]
    assert "compact_boundary" in happened(turn)
    assert turn.result["is_error"] is False
    assert "Now say more" in turn.result["result"]
    assert statuses[:5] == [200, 200, 400, 200, 200]


async def test_what_is_too_large_to_be_sent_is_followed_by_a_compaction_too(
    claude: Path, tmp_path: Path
) -> None:
    text = "lorem ipsum " * 1500
    async with house(tmp_path, upstream_body_limit=90_000) as here:
        for number in range(3):
            again = ["--continue"] if number else []
            turn = await ask(claude, tmp_path, here.url, KEY, f"Say hello {number} {text}", *again)
        assert {chat.status for chat in here.chats()} == {200}
    assert "compact_boundary" in happened(turn)
    assert turn.result["is_error"] is False


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [("a.png", base64.b64decode(PNG), "image-size"), ("a.pdf", pdf("Hello"), "document-count")],
)
async def test_a_file_that_kiro_refuses_is_taken_out_and_all_is_well(
    claude: Path, tmp_path: Path, name: str, data: bytes, status: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / name).write_bytes(data)
    rules = (
        saying(CallTool("Read", {"file_path": str(work / name)}), nth=(1,)),
        saying(status=status, nth=(1,)),
    )
    async with house(tmp_path, scripted(*rules), documents="native") as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Look at the file")
        sent = ['"bytes"' in json.dumps(chat.body) for chat in here.chats()]
    assert sent == [False, True, False]
    assert turn.result["is_error"] is False


async def test_a_long_call_that_kiro_cuts_off_is_taken_up_again(claude: Path, tmp_path: Path) -> None:
    cut = saying(Say("I write."), CallTool("Bash", '{"command": "' + "echo " * 2000, stop=False), nth=(1,))
    async with house(tmp_path, scripted(cut)) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Write much")
        assert len(here.chats()) == 2
    assert turn.tools() == []
    assert "Output token limit hit" in json.dumps(turn.messages)
    assert turn.result["is_error"] is False


async def test_models_of_the_gateway_are_discovered(claude: Path, tmp_path: Path) -> None:
    """Every one of them: the client leaves out ids that begin with neither `claude` nor `anthropic`."""
    async with house(tmp_path) as here:
        await ask(
            claude,
            tmp_path,
            here.url,
            KEY,
            "Say hello",
            CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY="1",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="",
            DISABLE_TELEMETRY="1",
        )
        listed = await here.http.get(
            "/v1/models?limit=1000", headers={"x-api-key": KEY, "user-agent": "claude-code/2.1.330"}
        )
    kept = json.loads((tmp_path / ".claude" / "cache" / "gateway-models.json").read_text())
    assert {row["id"] for row in listed.json()["data"]} == {row["id"] for row in kept["models"]}

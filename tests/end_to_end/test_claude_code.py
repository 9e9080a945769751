"""Claude Code holds a conversation with the gateway and never notices it."""

from pathlib import Path

import pytest

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Break, Match, Reply, Rule, Say, Script
from kiro_trio.simulator.simulator import Simulator
from tests.end_to_end.claude_code import ask, install
from tests.end_to_end.house import KEY, house


@pytest.fixture(scope="module")
def claude() -> Path:
    return install()


async def test_a_plain_answer(claude: Path, tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Say hello to the gateway")
    assert turn.result["subtype"] == "success", turn.stderr
    assert turn.result["is_error"] is False
    assert turn.result["result"]


async def test_a_conversation_with_a_tool_call(claude: Path, tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        turn = await ask(
            claude, tmp_path, here.url, KEY, "Run the command `echo gateway-$((40+2))` with Bash"
        )
        refused = [exchange.refused for exchange in here.simulator.seen if exchange.refused]
    assert turn.tools() == ["Bash"]
    assert "gateway-42" in turn.result["result"]
    assert turn.result["num_turns"] >= 2
    assert refused == []


async def test_a_broken_stream_is_survived(claude: Path, tmp_path: Path) -> None:
    broken = Rule(Match(nth=(1,)), Reply(steps=(Say("Half an ans"), Break("reset"))))
    simulator = Simulator(accounts=[Account("one@example.com")], script=Script((broken,)))
    async with house(tmp_path, simulator) as here:
        turn = await ask(claude, tmp_path, here.url, KEY, "Say hello to the gateway")
        assert len(here.chats()) >= 2
    assert turn.result["is_error"] is False
    assert "Half an ans" not in turn.result["result"]


async def test_a_wrong_key_fails_at_once(claude: Path, tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        turn = await ask(claude, tmp_path, here.url, "sk-wrong", "Hello")
        assert here.chats() == []
    assert turn.result["is_error"] is True
    assert turn.result["duration_ms"] < 20_000
    assert "403" in turn.result["result"]

"""A request is made ready for the origin that spoke last: for any other it would have to be encoded again."""

from kiro_trio.conversation.prompt import Prompt, Text, Turn
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.settings import Settings
from tests.end_to_end.house import house, prompt

PROMPT = Prompt("claude-sonnet-4-5", (Turn("user", (Text("Hello"),)),))


async def test_a_request_is_made_ready_for_the_origin_that_spoke_last(tmp_path) -> None:
    gateway = await open_gateway(Settings(credentials_file=str(tmp_path / "credentials.json")))
    ready = []
    for origin in ("KIRO_CLI", "KIRO_CLI", "AI_EDITOR"):
        gateway._attempts.note_origin(origin)
        ready.append((await gateway.take(PROMPT)).request._envelope._origin)
    assert ready == ["KIRO_CLI", "KIRO_CLI", "AI_EDITOR"]


async def test_the_origin_is_that_of_the_accounts_endpoint_every_time(tmp_path) -> None:
    async with house(tmp_path, default_endpoint="cli") as here:
        for _ in range(2):
            assert (await here.post(prompt())).status_code == 200
        said = [chat.body["conversationState"]["currentMessage"]["userInputMessage"] for chat in here.chats()]
    assert [message["origin"] for message in said] == ["KIRO_CLI", "KIRO_CLI"]

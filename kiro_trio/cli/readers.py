"""How the demo reads an answer: with the official SDK where it is installed, else with our own decoder."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import httpx

from kiro_trio.wire import ServerSentEvent, ServerSentEventDecoder

Speak = Callable[[str, str], None]
"""Takes pieces of the answer as they come: what it is (`text`, `thinking` or `tool`), and the piece."""


@dataclass(slots=True)
class Answer:
    """What is left to say of an answer when it is over; `complete` only if `message_stop` came."""

    stop_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    complete: bool = False


class Reader(Protocol):
    """Sends a request and reads its streamed answer; `name` is for people."""

    name: str

    async def read(self, gateway: str, key: str, body: dict[str, Any], speak: Speak) -> Answer:
        """Return when the answer is over; errors of the gateway are raised as the client raises them."""


def default_reader() -> Reader:
    """The best reader that is installed."""
    return OfficialReader() if find_spec("anthropic") else PlainReader()


class OfficialReader:
    """The `anthropic` SDK, as any program would use it."""

    def __init__(self) -> None:
        import anthropic  # noqa: PLC0415 - an extra; may not be there

        self._sdk = anthropic
        self.name = f"the official anthropic SDK {anthropic.__version__}"

    async def read(self, gateway: str, key: str, body: dict[str, Any], speak: Speak) -> Answer:
        """Stream the answer with `messages.stream`."""
        known = {name: body[name] for name in ("model", "max_tokens", "messages")}
        rest = {name: value for name, value in body.items() if name not in {*known, "stream"}}
        # What goes from this machine to itself takes no proxy. The SDK's client reads the environment for itself,
        # whatever `trust_env` says, but mounts go before that.
        straight = {"all://": None, "http://": None}
        http_client = self._sdk.DefaultAsyncHttpxClient(trust_env=False, mounts=straight)
        async with (
            self._sdk.AsyncAnthropic(
                base_url=gateway, api_key=key, http_client=http_client, max_retries=0
            ) as client,
            client.messages.stream(**known, extra_body=rest) as stream,
        ):
            async for event in stream:
                if event.type == "text":
                    speak("text", event.text)
                elif event.type == "thinking":
                    speak("thinking", event.thinking)
                elif event.type == "content_block_stop" and event.content_block.type == "tool_use":
                    block = event.content_block
                    speak("tool", f"{block.name} {json.dumps(block.input)}")
            message = await stream.get_final_message()
        usage = message.usage
        return Answer(message.stop_reason or "", usage.input_tokens, usage.output_tokens, complete=True)


class PlainReader:
    """httpx and our decoder of server-sent events."""

    name = "httpx and our own decoder (the SDK is not installed: pip install anthropic)"

    async def read(self, gateway: str, key: str, body: dict[str, Any], speak: Speak) -> Answer:
        """Stream the answer and take the events apart."""
        answer, decoder = Answer(), ServerSentEventDecoder()
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=None) as client,  # noqa: S113 - as long as it talks
            client.stream("POST", f"{gateway}/v1/messages", json=body, headers=headers) as response,
        ):
            if response.is_error:
                await response.aread()
            response.raise_for_status()
            async for data in response.aiter_bytes():
                decoder.receive_data(data)
                for event in decoder.events():
                    _take(event, answer, speak)
        decoder.close()
        return answer


def _take(event: ServerSentEvent, answer: Answer, speak: Speak) -> None:
    data = json.loads(event.data)
    match data["type"]:
        case "message_start":
            answer.input_tokens = data["message"]["usage"]["input_tokens"]
        case "content_block_start" if data["content_block"]["type"] == "tool_use":
            speak("tool", f"{data['content_block']['name']} ")
        case "content_block_delta":
            _speak_delta(data["delta"], speak)
        case "message_delta":
            answer.stop_reason = data["delta"]["stop_reason"]
            answer.input_tokens = data["usage"].get("input_tokens") or answer.input_tokens
            answer.output_tokens = data["usage"]["output_tokens"]
        case "message_stop":
            answer.complete = True
        case _:
            pass


def _speak_delta(delta: dict[str, str], speak: Speak) -> None:
    match delta["type"]:
        case "text_delta":
            speak("text", delta["text"])
        case "thinking_delta":
            speak("thinking", delta["thinking"])
        case "input_json_delta":
            speak("tool", delta["partial_json"])
        case _:
            pass

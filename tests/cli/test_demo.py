import re
import signal
from importlib.util import find_spec

import httpx

from kiro_trio.cli.demo import demo_request
from kiro_trio.cli.readers import OfficialReader, PlainReader, default_reader
from tests.cli.program import finished, running


async def test_one_request_goes_through_the_whole_house(tmp_path):
    nobody_there = "http://127.0.0.1:9"
    code, out, err = await finished(tmp_path, "demo", HTTP_PROXY=nobody_there, ALL_PROXY=nobody_there)
    assert code == 0, err
    assert re.search(r"^Kiro, simulated +http://127\.0\.0\.1:\d+$", out, re.MULTILINE)
    assert re.search(r"^(end_turn|tool_use): \d+ tokens in, \d+ out; first words after", out, re.MULTILINE)
    assert "export ANTHROPIC_BASE_URL=" in out
    assert "kiro-trio login --google" in out
    assert err == ""
    assert list(tmp_path.iterdir()) == []


async def test_kept_up_it_answers_until_it_is_asked_to_stop(tmp_path):
    async with running(tmp_path, "demo", "--keep") as program:
        base = (await program.said("export ANTHROPIC_BASE_URL=")).partition("=")[2]
        key = (await program.said("export ANTHROPIC_AUTH_TOKEN=")).partition("=")[2]
        for reader in (PlainReader(), *([OfficialReader()] if find_spec("anthropic") else [])):
            pieces = []
            body = demo_request()
            answer = await reader.read(
                base, key, body, lambda kind, text, pieces=pieces: pieces.append((kind, text))
            )
            assert answer.complete
            assert answer.output_tokens > 0
            assert any(text for _, text in pieces)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (
                await client.get(f"{base}/v1/models", headers={"x-api-key": "sk-wrong"})
            ).status_code >= 400
        assert await program.stop(signal.SIGINT) == 0
    assert b"Traceback" not in program.err
    assert len(program.err.splitlines()) <= 3


def test_the_official_client_is_preferred_where_it_is():
    assert isinstance(default_reader(), OfficialReader if find_spec("anthropic") else PlainReader)


def test_the_request_is_one_of_claude_code_and_tells_nothing_of_anybody():
    body = demo_request()
    assert body["stream"] is True
    assert len(body["tools"]) == 12
    assert body["messages"][1]["role"] == "system"
    text = str(body)
    assert not re.search(r"sk-|@|\b\d+\.\d+\.\d+\.\d+\b(?<!2\.1\.330\.010)|/home/(?!dev/)", text)
    assert set(re.findall(r"https?://[^/']+", text)) == {"https://json-schema.org"}

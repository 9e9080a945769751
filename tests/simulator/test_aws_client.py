"""AWS's own published client talks to the simulator, so the simulator speaks the real wire.

The client comes from the npm registry once, into a cache outside the tree.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import trio

from kiro_trio.simulator import Account, Match, Reply, Rule, Script, Simulator
from kiro_trio.simulator.script import (
    CallTool,
    Corrupt,
    Cut,
    Event,
    Metadata,
    Misfortunes,
    Say,
    Steps,
    Think,
    Throw,
)
from tests.simulator.talk import READ, asks, assistant, call, result, served, user

PACKAGE = "@aws/codewhisperer-streaming-client"
VERSION = "1.0.45"
SCRIPT = Path(__file__).with_name("aws_client.mjs")
PATIENCE = 35
"""Seconds for the whole installation; it takes about ten."""


@pytest.fixture(scope="session")
def client() -> Path:
    """The folder in which the client is installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("needs node and npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kiro-trio-tests"
    folder = cache / f"codewhisperer-streaming-client-{VERSION}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as fresh:
            _install(npm, Path(fresh) / "client")
            try:
                (Path(fresh) / "client").rename(folder)
            except OSError:
                assert folder.exists()  # another run was quicker
    return folder


def _install(npm: str, folder: Path) -> None:
    folder.mkdir()
    command = [
        npm,
        "install",
        "--prefix",
        folder,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=0",
    ]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {PACKAGE} in {PATIENCE} s")
    if done.returncode != 0:
        pytest.skip(f"npm could not install {PACKAGE}: {done.stderr.strip().splitlines()[-1:]}")


async def heard(
    client: Path, simulator: Simulator, *calls: tuple[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    async with served(simulator) as (base, _):
        told = {"endpoint": base, "token": "aoa1", "calls": calls}
        done = await trio.run_process(
            ["node", SCRIPT],
            stdin=json.dumps(told).encode(),
            capture_stdout=True,
            env=os.environ | {"CLIENT": str(client)},
        )
    return json.loads(done.stdout)


def scripted(*replies: tuple[str, tuple[Steps, ...], tuple[Misfortunes, ...]]) -> Simulator:
    rules = [Rule(Match(prompt=prompt), Reply(steps, misfortunes=fate)) for prompt, steps, fate in replies]
    account = Account("aws@example.com", tokens={"aoa1": float("inf")})
    return Simulator([account], script=Script(tuple(rules)))


def chat(words: str, *history: dict[str, Any], **root: Any) -> tuple[str, dict[str, Any]]:
    return "GenerateAssistantResponse", asks(user(words, tools=[READ]), *history, **root)


async def test_the_official_client_reads_what_it_knows_and_makes_errors_of_errors(client: Path) -> None:
    usage = {
        "uncachedInputTokens": 5.0,
        "outputTokens": 7.0,
        "totalTokens": 12.0,
        "cacheReadInputTokens": 3.0,
    }
    whole = (
        Think("hm", "c2ln"),
        Say(("Hel", "lo")),
        CallTool("Read", {"file_path": "a"}, id="tooluse_1", piece=8),
        Event("noveltyEvent", {"a": 1}),
        Metadata("TOOL_USE", usage),
    )
    modelled = Throw("error", "oops", "MODEL_TEMPORARILY_UNAVAILABLE")  # the schema's name of it in a stream
    simulator = scripted(
        ("everything", whole, ()),
        ("throw", (Say("half"), modelled), ()),
        ("other", (Throw("ThrottlingException", "slow down"),), ()),
        ("corrupt", (Say("half"), Say("more")), (Corrupt(2, -1),)),
        ("cut", (Say("half"), Say("more")), (Cut(300, "close"),)),
    )
    history = (
        user("read it"),
        assistant("Yes.", call("tooluse_0", file_path="a")),
        user("", toolResults=[result("tooluse_0")], tools=[]),
        assistant("Done."),
    )
    search = {"id": "1", "jsonrpc": "2.0", "method": "tools/call"}
    search["params"] = {"name": "web_search", "arguments": {"query": "trio"}}  # type: ignore[assignment]
    everything, throws, other, corrupt, cut, refused, improvised, found = await heard(
        client,
        simulator,
        chat(
            "everything", *history, profileArn="arn:aws:codewhisperer:us-east-1:1:profile/A", agentMode="vibe"
        ),
        chat("throw"),
        chat("other"),
        chat("corrupt"),
        chat("cut"),
        chat(" "),
        chat("hello"),
        ("InvokeMCP", search),
    )

    assert everything["conversationId"] == asks({})["conversationState"]["conversationId"]
    assert [next(iter(event)) for event in everything["events"]] == [
        "messageMetadataEvent",
        *["reasoningContentEvent"] * 2,
        *["assistantResponseEvent"] * 2,
        *["toolUseEvent"] * 5,
        "metadataEvent",
        "meteringEvent",
        "contextUsageEvent",
    ]
    events = [next(iter(event.values())) for event in everything["events"]]
    assert events[3]["content"] + events[4]["content"] == "Hello"
    assert "".join(event.get("input", "") for event in events[5:10]) == '{"file_path":"a"}'
    assert events[9]["stop"] is True
    assert events[10]["tokenUsage"] == usage
    exchange = simulator.seen[0]
    assert exchange.refused is None
    assert exchange.headers["x-amzn-kiro-agent-mode"] == "vibe"

    assert throws["error"] == throws["error"] | {
        "name": "InternalServerException",
        "message": "oops",
        "reason": "MODEL_TEMPORARILY_UNAVAILABLE",
    }
    assert throws["events"][-1]["assistantResponseEvent"]["content"] == "half"
    assert other["error"]["name"] == "ThrottlingException"
    assert other["events"] == []
    assert "checksum" in corrupt["error"]["message"].lower()
    assert cut["error"]
    assert refused["error"] == {
        "name": "ValidationException",
        "message": "Improperly formed request.",
        "reason": None,
        "status": 400,
    }
    said = "".join(
        event.get("assistantResponseEvent", {}).get("content", "") for event in improvised["events"]
    )
    assert said.startswith("Hello! You said: “hello”.")
    assert found["id"] == "1"
    assert found["result"]["isError"] is False

"""`kiro-trio replay` as a user runs it."""

import json
import os
import signal
import stat
import subprocess
from functools import partial

import pytest
import trio

from kiro_trio.cli.demo import demo_request
from kiro_trio.simulator.models import MODELS
from kiro_trio.simulator.rules import examine
from kiro_trio.simulator.script import Cut, Say
from tests.cli.program import called, finished, running
from tests.end_to_end.house import house, prompt, saying, scripted
from tests.gateway.test_capturing import kept

# Whoever leaves an answer at its first words leaves behind the generators that httpx and httpcore have within one another:
# nobody outside can close them, and trio does.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http(x|core)[.]:ResourceWarning")

REFUSE = '[[rules]]\nwhen = {{ body = {} }}\nreply = {{ status = "{}" }}\n'


async def captured(tmp_path, *rules, body=None, **settings):
    """The path of a capture."""
    folder = tmp_path / "captures"
    async with house(tmp_path, scripted(*rules), capture_folder=str(folder), **settings) as here:
        await here.post(body or prompt("Hello"))
        await kept(folder)
    (path,) = folder.iterdir()
    return str(path)


def captured_by(tmp_path, *rules, **chosen):
    """The same, for who is not in trio."""
    return trio.run(partial(captured, tmp_path, *rules, **chosen))


def written(tmp_path, content, name="request.json"):
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return name


def test_a_capture_is_replayed_and_ends_as_captured(tmp_path) -> None:
    path = captured_by(tmp_path, saying(Say("One two three.", piece=2), misfortunes=[Cut(500, "close")]))
    code, out, err = called(tmp_path, "replay", path)
    assert code == 0, err
    assert "event: content_block_delta" in out
    assert out.rstrip().split("\n")[-2] == "event: error"
    assert "account 1" in err
    assert "Ended as captured: HTTP 200, api_error: The reply of the upstream broke off" in err
    code, out, err = called(tmp_path, "replay", path, "--json", "--no-stream")
    told = json.loads(out)
    assert (code, err) == (1, "")  # in one piece it is another status
    assert (told["same"], told["ended"]["status"], told["captured"]["status"]) == (False, 502, 200)
    assert json.loads(told["answer"])["error"]["type"] == "api_error"


def test_a_request_from_a_report_is_answered_by_a_simulated_kiro(tmp_path) -> None:
    asked = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello"}]}
    name = written(tmp_path, asked)
    code, out, err = called(tmp_path, "replay", name)
    assert code == 0, err
    assert json.loads(out)["type"] == "message"
    assert "Ended: whole, HTTP 200, end_turn" in err
    code, out, _ = called(tmp_path, "replay", name, "--stream")
    assert out.startswith("event: message_start")
    assert code == 0
    code, out, _ = called(tmp_path, "replay", name, "--show-request")
    said = json.loads(out)["conversationState"]["currentMessage"]["userInputMessage"]
    assert (said["content"], said["modelId"], code) == ("Hello", "claude-sonnet-4.5", 0)
    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_a_request_may_come_from_stdin(tmp_path) -> None:
    name = written(tmp_path, prompt("Hello"))
    with (tmp_path / name).open() as file:
        async with running(tmp_path, "replay", "-", "--json", stdin=file.fileno()) as program:
            assert await program.process.wait() == 0
            assert json.loads(program.out.decode())["ended"]["whole"]


def cut_short():
    return '{"format": "kiro-trio capture", "version": 1, "asked'


WRONG = {
    "there is none": (None, "No such file"),
    "no JSON": ("hello", "is not JSON: Expecting value at line 1, column 1"),
    "cut short": (cut_short(), "(it ends too early)"),
    "no UTF-8": (b"\xff\xfe\x00", "is not JSON in UTF-8"),
    "something else": ({"a": 1}, "is neither a capture nor a request"),
    "a list": ([1], "is neither a capture nor a request"),
    "another version": (
        {"format": "kiro-trio capture", "version": 7},
        "is a capture of version 7; this program reads 1",
    ),
    "damaged": ({"format": "kiro-trio capture", "version": 1, "id": 5}, "is a damaged capture"),
    "too large to be kept": ("omitted", "the request was too large to be captured (77 bytes)"),
    "a request that is none": ({"model": "x", "messages": [{"role": 5}]}, "messages.0.role"),
}


def incomplete_capture():
    return {
        "format": "kiro-trio capture", "version": 1, "gateway": "0", "id": "r", "at": 1, "prose": "filler",
        "asked": {"path": "/v1/messages", "headers": {}, "size": 77}, "answer": {"outcome": "x", "status": 400},
    }  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_cannot_be_replayed_is_named_in_one_line(tmp_path, name) -> None:
    content, words = WRONG[name]
    content = incomplete_capture() if content == "omitted" else content
    if isinstance(content, bytes):
        (tmp_path / "x.json").write_bytes(content)
    elif content is not None:
        written(tmp_path, content, "x.json")
    flags = ["--show-request"] if name == "a request that is none" else []
    code, out, err = called(tmp_path, "replay", "x.json", *flags)
    assert (code, out) == (1 if content is None else 2, "")
    assert words in err
    assert "x.json" in err
    assert err.startswith("Error: ")
    assert len(err.strip().splitlines()) == 1


async def test_kiro_itself_is_not_asked_without_a_word(tmp_path) -> None:
    name = written(tmp_path, prompt())
    written(tmp_path, [], "credentials.json")
    async with running(tmp_path, "replay", name, "--live", stdin=subprocess.DEVNULL) as program:
        assert await program.process.wait() == 2
    assert (
        "asks Kiro once with the accounts of credentials.json, which costs credits; say --yes"
        in program.err.decode()
    )
    mine, its = os.openpty()
    try:
        async with running(tmp_path, "replay", name, "--live", "--minimize", stdin=its) as program:
            os.write(mine, b"n\n")
            assert await program.process.wait() == 1
        assert "up to 100 times" in program.err.decode()
        assert "Aborted" in program.err.decode()
    finally:
        os.close(mine)
        os.close(its)


async def test_live_is_the_way_of_the_config(tmp_path) -> None:
    name = written(tmp_path, prompt("Hello", stream=False))
    simulator = scripted(saying(Say("Live words.")))
    async with house(tmp_path, simulator) as here:
        flags = (
            "--live",
            "--yes",
            "--upstream",
            here.settings.upstream_url,
            "--credentials",
            "credentials.json",
        )
        code, out, err = await finished(tmp_path, "replay", name, *flags)
        assert code == 0, err
        assert json.loads(out)["content"] == [{"type": "text", "text": "Live words."}]
        assert len(here.chats()) == 1


def test_live_without_an_account_says_so(tmp_path) -> None:
    written(tmp_path, [], "credentials.json")
    name = written(tmp_path, prompt("Hello"))
    code, out, err = called(tmp_path, "replay", name, "--live", "--yes")
    assert code == 1
    assert json.loads(out)["error"]["type"] == "api_error"
    assert "Ended: HTTP 503" in err
    said = written(tmp_path, TALK, "said.json")
    code, out, err = called(tmp_path, "replay", said, "--live", "--yes")
    assert (code, out) == (1, "")
    assert "Error: no account can be used" in err


# What was said to Kiro, with one thing wrong in the middle of much that is right

TALK = {
    "conversationState": {
        "chatTriggerType": "MANUAL",
        "conversationId": "0b4445e1-f5be-49e1-87ce-62bbc28ad705",
        "history": [
            one
            for number in range(6)
            for one in (
                {
                    "userInputMessage": {
                        "content": f"Question {number}",
                        "modelId": "auto",
                        "origin": "AI_EDITOR",
                    }
                },
                {"assistantResponseMessage": {"content": f"Answer {number}"}},
            )
        ],
        "currentMessage": {
            "userInputMessage": {"content": "And now?", "modelId": "auto", "origin": "AI_EDITOR"},
        },
    },
}


def tool(name="Look", description="Looks at something.", **schema):
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, **schema}
    return {"toolSpecification": {"name": name, "description": description, "inputSchema": {"json": schema}}}


def talk(history=(), **context):
    body = json.loads(json.dumps(TALK))
    state = body["conversationState"]
    state["history"][4:4] = history
    tools = [tool(f"Other{number}") for number in range(5)]
    context = {**context, "tools": [*tools[:3], *context.get("tools", ()), *tools[3:]]}
    state["currentMessage"]["userInputMessage"]["userInputMessageContext"] = context
    return body


CULPRITS = {
    "a long name": (talk(tools=[tool("x" * 70)]), "of 65 characters", "`tool-names`", ()),
    "a result without its call": (
        talk(toolResults=[{"toolUseId": "t1", "content": [{"text": "done"}], "status": "success"}]),
        "toolResults",
        "`results-answer-calls`",
        (),
    ),
    "a keyword": (
        talk(tools=[tool(properties={"path": {"type": "string"}, "n": {"type": "integer", "minimum": 1}})]),
        "tool 'L' with inputSchema.properties.n.minimum",
        "`plain-schemas`, a rule that Kiro is suspected to have",
        ("--rule", "plain-schemas"),
    ),
    "a long description": (
        talk(tools=[tool(description="y" * 12_000)]),
        "description of 10025 characters",
        "`tools-described`",
        (),
    ),
    "two answers in a row": (
        talk(history=[{"assistantResponseMessage": {"content": "Again."}}]),
        "assistant: text, assistant: text",
        "`alternates`",
        (),
    ),
}


@pytest.mark.parametrize("name", CULPRITS)
def test_the_culprit_is_found_in_what_kiro_was_told(tmp_path, name) -> None:
    body, needed, rule, flags = CULPRITS[name]
    path = written(tmp_path, body)
    code, out, err = called(tmp_path, "replay", path, "--minimize", *flags)
    assert code == 0, err
    first, second = out.splitlines()
    assert first.startswith("Needed: ")
    assert needed in first
    assert rule in second
    smallest = tmp_path / "request.smallest.json"
    assert stat.S_IMODE(smallest.stat().st_mode) == 0o600
    assert len(smallest.read_bytes()) < len(json.dumps(body, indent=2)) / (1 if "description" in name else 2)
    found = examine(smallest.read_bytes(), MODELS, also={"plain-schemas"} if flags else frozenset())
    assert f"`{found.invariant}`" in rule


CLIENTS_CULPRITS = {
    "a keyword": ("'\"minimum\"'", "improper", "input_schema.properties.offset.minimum"),
    "a length": ("'(lorem ipsum[^<]*){12}'", "improper", "characters"),
}


@pytest.mark.parametrize("name", CLIENTS_CULPRITS)
def test_the_culprit_is_found_in_what_a_client_asked(tmp_path, name) -> None:
    pattern, status, needed = CLIENTS_CULPRITS[name]
    path = written(tmp_path, demo_request())
    written(tmp_path, REFUSE.format(pattern, status), "refuse.toml")
    flags = ("--minimize", "--script", "refuse.toml", "--json", "--out", "small.json")
    code, out, err = called(tmp_path, "replay", path, *flags)
    assert code == 0, err
    told = json.loads(out)
    assert needed in told["needed"]
    assert told["smallest"] == "small.json"
    assert told["exhausted"] is False
    assert [one["number"] for one in told["tries"]] == list(range(1, len(told["tries"]) + 1))
    assert len((tmp_path / "small.json").read_bytes()) < 20_000
    code, out, _ = called(tmp_path, "replay", "small.json", "--script", "refuse.toml", "--json")
    assert code == 1
    assert json.loads(out)["ended"]["message"] == told["refusal"]["message"]


def test_what_is_not_refused_cannot_be_minimised(tmp_path) -> None:
    path = captured_by(tmp_path, saying(status="improper"))
    code, out, err = called(tmp_path, "replay", path, "--minimize")
    assert (code, out) == (1, "")
    assert "there is nothing to minimise" in err
    assert "--live" in err


def test_a_capture_minimises_what_was_said(tmp_path) -> None:
    tools = [{"name": "Look", "description": "Looks.", "input_schema": {"type": "object", "properties": {
        "n": {"type": "integer", "minimum": 1}}, "required": ["n"]}}]  # fmt: skip
    path = captured_by(tmp_path, saying(status="improper"), body=prompt("Hello", tools=tools))
    code, out, err = called(tmp_path, "replay", path, "--minimize", "--said", "--rule", "plain-schemas")
    assert code == 0, err
    assert "Needed: tool 'L' with inputSchema." in out
    assert "Breaks `plain-schemas`, a rule that Kiro is suspected to have" in out
    said = json.loads(next((tmp_path / "captures").glob("*.smallest.json")).read_bytes())
    assert len(json.dumps(said)) < 400


def test_the_tries_are_bounded(tmp_path) -> None:
    body, _, _, flags = CULPRITS["a long description"]
    path = written(tmp_path, body)
    code, out, err = called(tmp_path, "replay", path, "--minimize", "--tries", "3", *flags)
    assert code == 0, err
    assert "The 3 tries are spent; there may be a smaller one." in err
    assert "with 3 tries" in err
    assert "Needed: " in out


async def test_who_is_interrupted_has_the_smallest_so_far(tmp_path) -> None:
    path = written(tmp_path, demo_request())
    script = (
        '[[rules]]\nwhen = { nth = [1, 2, 3] }\nreply = { status = "improper" }\n'
        '[[rules]]\n[[rules.reply.steps]]\ndo = "pause"\n'
    )
    written(tmp_path, script, "refuse.toml")
    async with running(tmp_path, "replay", path, "--minimize", "--script", "refuse.toml") as program:
        await program.said("  2: without", "err")
        assert await program.stop(signal.SIGINT) == 130
    assert "The smallest so far: request.smallest.json" in program.err.decode()
    assert len((tmp_path / "request.smallest.json").read_bytes()) < len(json.dumps(demo_request()))


async def test_live_minimising_waits_for_an_answer_that_tells_something(tmp_path) -> None:
    path = written(tmp_path, prompt("Hello, this is a longer text"))
    simulator = scripted(saying(status="improper", nth=(1, 2)), saying(status="suspended"))
    async with house(tmp_path, simulator) as here:
        flags = ("--live", "--yes", "--pause", "0", "--upstream", here.settings.upstream_url)
        async with running(tmp_path, "replay", path, "--minimize", *flags) as program:
            await program.said("  1: without", "err")
            await here.simulator.wait_until(lambda: len(here.chats()) == 3)
            assert await program.stop(signal.SIGTERM) == 130
    assert "The smallest so far" in program.err.decode()

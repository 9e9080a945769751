"""Captures as the gateway makes them: of what Kiro broke and nothing else, private, and at nobody's expense."""

import json
import stat
import time

import msgspec
import pytest
import trio
from structlog.testing import capture_logs

from kiro_trio.captures.capture import decode_capture
from kiro_trio.captures.folder import Folder
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.gateway.capturing import KIROS, Capturing, wanted
from kiro_trio.gateway.settled import SettledRequest
from kiro_trio.session.run import AttemptRecord, Outcome
from kiro_trio.settings import Settings
from kiro_trio.simulator.script import Corrupt, Cut, Pause, Say, Stall
from tests.end_to_end.house import house, prompt, saying, scripted
from tests.web.served import eventually

SLOW = 20


def captures(folder):
    return [decode_capture(json.loads(path.read_bytes())) for path in sorted(folder.glob("capture-*.json"))]


async def kept(folder, number=1):
    """The captures, as soon as there are so many."""
    await eventually(lambda: len(captures(folder)) >= number, SLOW)
    return captures(folder)


async def test_a_refused_request_is_kept_without_its_words(tmp_path) -> None:
    folder = tmp_path / "captures"
    async with house(tmp_path, scripted(saying(status="improper")), capture_folder=str(folder)) as here:
        answer = await here.post(prompt("My secret plan is ksk_0123456789"))
        (capture,) = await kept(folder)
    assert answer.status_code == capture.answer.status == 400
    assert capture.answer.message == answer.json()["error"]["message"]
    assert capture.id == answer.headers["request-id"]
    assert capture.asked.path == "/v1/messages"
    assert capture.asked.body["messages"] == [{"role": "user", "content": "Xx xxxxxx xxxx xx xxx_0000000000"}]
    (one,) = capture.tries
    assert (one.outcome, one.status) == ("bad_request", 400)
    (exchange,) = one.exchanges
    assert (exchange.status, exchange.ending, exchange.endpoint) == (400, "whole", "ide")
    assert json.loads(exchange.body)["message"] == "Improperly formed request."
    assert exchange.headers["x-amzn-errortype"].startswith("ValidationException")
    said = capture.said[exchange.said]["conversationState"]["currentMessage"]["userInputMessage"]
    assert said["content"] == "Xx xxxxxx xxxx xx xxx_0000000000"
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"plan" not in path.read_bytes()


async def test_words_are_kept_for_who_wants_them_but_no_secrets(tmp_path) -> None:
    folder = tmp_path / "captures"
    simulator = scripted(saying(status="improper"))
    async with house(tmp_path, simulator, capture_folder=str(folder), capture_prose="words") as here:
        await here.post(prompt("My plan is ksk_0123456789"))
        (capture,) = await kept(folder)
    assert capture.asked.body["messages"][0]["content"] == "My plan is xxx_0000000000"


BROKEN = {
    "cut": ((Cut(300, "close"),), "broken"),
    "reset": ((Cut(300),), "broken"),
    "silent": ((Stall(300),), "silent"),
    "never begun": ((Stall(),), "silent"),
    "closed before it began": ((Cut(how="close"),), "broken"),
    "corrupt": ((Corrupt(frame=1, byte=30),), "left"),
}


async def broken(folder, name, stream):
    """The captures of a stream that breaks so, and how much the simulator sent at each try."""
    misfortunes, _ = BROKEN[name]
    simulator = scripted(saying(Say("One two three", piece=2), misfortunes=misfortunes))
    limits = {"idle_timeout": 0.2, "first_byte_timeout": 0.2} if ending_of(name) == "silent" else {}
    async with house(folder, simulator, capture_folder=str(folder / "captures"), **limits) as here:
        await here.post(prompt(stream=stream))
        return await kept(folder / "captures"), [exchange.sent for exchange in here.chats()]


def ending_of(name):
    return BROKEN[name][1]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_broken_stream_is_kept_with_its_bytes(tmp_path, stream) -> None:
    found = {}

    async def note(name) -> None:
        (folder := tmp_path / name).mkdir()
        found[name] = await broken(folder, name, stream)

    async with trio.open_nursery() as nursery:  # at once: most of each is waiting before the next try
        for name in BROKEN:
            nursery.start_soon(note, name)
    for name, ((capture,), sent) in found.items():
        exchanges = [exchange for one in capture.tries for exchange in one.exchanges]
        assert [exchange.ending for exchange in exchanges] == [ending_of(name)] * len(sent), name
        if name != "corrupt":
            assert [exchange.size for exchange in exchanges] == sent, name
        assert all(exchange.size == len(exchange.body) for exchange in exchanges), name


async def test_nothing_is_kept_of_what_went_well_or_is_not_kiros(tmp_path) -> None:
    folder = tmp_path / "captures"
    rules = [
        saying(status="throttled", prompt="throttle"),
        saying(Pause(), prompt="leave"),
        saying(Say("Fine.")),
    ]
    async with house(tmp_path, scripted(*rules), capture_folder=str(folder)) as here:
        assert (await here.post(prompt("well"))).status_code == 200
        assert (await here.post(prompt("throttle"))).status_code == 429
        assert (await here.post({"messages": 1})).status_code == 400
        with trio.move_on_after(0.3):
            await here.post(prompt("leave"))
        await here.simulator.wait_until(lambda: here.simulator.figures.active == 0)
        await trio.sleep(0.3)
    assert not folder.exists()


async def test_nothing_is_noted_when_it_is_off(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(status="improper"))) as here:
        await here.post(prompt())
    assert {path.name.partition(".")[0] for path in tmp_path.iterdir() if path.suffix == ".json"} == {
        "credentials"
    }


@pytest.mark.parametrize(("which", "number"), [("failed", 0), ("troubled", 1), ("all", 2)])
async def test_which_are_kept_is_the_owners_choice(tmp_path, which, number) -> None:
    folder = tmp_path / "captures"
    broken = replace_nth(saying(Say("Oh"), misfortunes=[Cut(100)], prompt="twice"), (1,))
    simulator = scripted(broken, saying(Say("Fine.")))
    async with house(tmp_path, simulator, capture_folder=str(folder), capture_which=which) as here:
        assert (await here.post(prompt("twice"))).status_code == 200
        assert (await here.post(prompt("once"))).status_code == 200
        await kept(folder, number)
    found = captures(folder)
    assert len(found) == number
    if found:
        assert [one.outcome for one in found[0].tries] == ["connection_lost", "whole"]
        assert found[0].answer.outcome == "whole"
        assert found[0].tries[1].exchanges[0].ending == "whole"


def replace_nth(rule, nth):
    return msgspec.structs.replace(rule, when=msgspec.structs.replace(rule.when, nth=nth))


async def test_many_that_fail_at_once_are_all_answered_and_some_are_kept(tmp_path) -> None:
    folder = tmp_path / "captures"
    simulator = scripted(saying(status="improper"), accounts=4)
    statuses = []
    async with house(tmp_path, simulator, capture_folder=str(folder), capture_files=5) as here:

        async def ask(number) -> None:
            statuses.append((await here.post(prompt(f"Number {number}"))).status_code)

        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(ask, number)
        await kept(folder, 3)
    assert statuses == [400] * 30
    assert 3 <= len(captures(folder)) <= 5


async def test_a_full_disk_is_a_warning_once_and_no_failed_request(tmp_path, monkeypatch) -> None:
    tried = []

    def full(_folder, name, *_):
        tried.append(name)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "keep", full)
    with capture_logs() as logs:
        async with house(
            tmp_path, scripted(saying(status="improper")), capture_folder=str(tmp_path / "c")
        ) as here:
            for _ in range(3):
                assert (await here.post(prompt())).status_code == 400
            await eventually(lambda: len(tried) == 3, SLOW)
    told = [line for line in logs if line["event"] == "captures are not kept"]
    assert len(told) == 1
    assert told[0]["log_level"] == "warning"
    assert "No space left on device" in told[0]["problem"]


async def test_a_folder_that_is_a_file_is_a_warning_too(tmp_path) -> None:
    (tmp_path / "c").write_text("x")
    with capture_logs() as logs:
        async with house(
            tmp_path, scripted(saying(status="improper")), capture_folder=str(tmp_path / "c")
        ) as here:
            assert (await here.post(prompt())).status_code == 400
            await eventually(
                lambda: logs and "captures are not kept" in {line["event"] for line in logs}, SLOW
            )
    assert sum(line["event"] == "captures are not kept" for line in logs) == 1


async def test_what_fails_just_before_the_end_is_kept_too(tmp_path) -> None:
    folder = tmp_path / "captures"
    async with house(tmp_path, scripted(saying(status="improper")), capture_folder=str(folder)) as here:
        await here.post(prompt())
        here.shutdown.set()
        await here.stopped.wait()
    assert len(captures(folder)) == 1


async def test_failover_is_kept_with_its_accounts(tmp_path) -> None:
    folder = tmp_path / "captures"
    one = saying(status="throttled", account="user1@example.com")
    two = saying(status="improper", account="user2@example.com")
    async with house(tmp_path, scripted(one, two, accounts=2), capture_folder=str(folder)) as here:
        await here.post(prompt())
        (capture,) = await kept(folder)
    assert [(one.account, one.outcome) for one in capture.tries] == [(1, "throttled"), (2, "bad_request")]
    assert [exchange.said for one in capture.tries for exchange in one.exchanges] == [0, 0]
    assert len(capture.said) == 1


async def test_two_ways_of_saying_it_are_both_kept(tmp_path) -> None:
    folder = tmp_path / "captures"
    simulator = scripted(saying(status="tools"))
    schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 3, "format": "date"}}}
    tools = [{"name": "Look", "description": "Looks.", "input_schema": schema}]
    async with house(tmp_path, simulator, capture_folder=str(folder)) as here:
        await here.post(prompt(tools=tools))
        (capture,) = await kept(folder)
    assert [exchange.said for one in capture.tries for exchange in one.exchanges] == [0, 1]
    assert "minLength" in json.dumps(capture.said[0])
    assert "minLength" not in json.dumps(capture.said[1])


def outcome(final, *attempts):
    records = [AttemptRecord(1, 0.1, None if fault is None else Failure(fault)) for fault in attempts]
    return Outcome(failure=None if final is None else Failure(final), attempts=records)


def test_what_is_kept_stands_in_a_table() -> None:
    for fault in Fault:
        assert wanted("failed", outcome(fault, fault)) == (fault in KIROS)
        assert wanted("all", outcome(fault, fault))
        assert not wanted("failed", outcome(None, fault, None))
        assert wanted("troubled", outcome(None, fault, None)) == (fault in KIROS)
        assert not wanted("troubled", outcome(Fault.CLIENT_GONE, fault)) or fault is Fault.INTERNAL
    assert wanted("failed", outcome(Fault.INTERNAL))
    assert wanted(
        "failed", outcome(Fault.CONTEXT_OVERFLOW, Fault.BAD_REQUEST)
    )  # so we guess, Kiro did not say it
    assert not wanted("failed", outcome(Fault.CONTEXT_OVERFLOW, Fault.CONTEXT_OVERFLOW))
    assert wanted("failed", outcome(Fault.NO_CREDENTIAL, Fault.TRUNCATED_STREAM))


SETTLED = msgspec.convert(
    {
        "id": "req_1", "at": 1.0, "client": "c", "model": "m", "stream": True, "status": 400, "outcome": "bad_request",
        "seconds": 1.0, "firstContent": None, "bytes": 1, "pings": 0, "inputTokens": None, "outputTokens": None,
        "cacheReadTokens": None, "cacheWriteTokens": None, "credits": None, "measured": False, "estimate": 1,
        "prefixHash": "", "attempts": [],
    },
    SettledRequest,
)  # fmt: skip


async def test_whoever_finishes_a_request_never_waits(tmp_path, monkeypatch) -> None:
    entered, go = [], trio.Event()

    def slow(self, name, at, data):
        entered.append(name)
        trio.from_thread.run(go.wait)
        return tmp_path / name

    monkeypatch.setattr(Folder, "keep", slow)
    keeping = Capturing(Folder(tmp_path, 100, 10**6), "failed", "filler", 10**6)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(keeping.run)
            for number in range(10):
                recording = keeping.begin("/v1/messages", {}, b'{"messages": []}')
                settled = msgspec.structs.replace(SETTLED, id=f"req_{number}")
                before = time.perf_counter()
                keeping.finish(recording, settled, outcome(Fault.BAD_REQUEST, Fault.BAD_REQUEST), Settings())
                assert time.perf_counter() - before < 0.5
                if number == 0:
                    await eventually(lambda: entered, SLOW)
            go.set()
            nursery.cancel_scope.cancel()  # those that wait are written all the same
    assert entered == [f"req_{number}" for number in range(5)]
    assert keeping.lost == 5
    assert sum(line["event"] == "captures are not kept" for line in logs) == 1

import json
import time

import pytest
import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.prompt import Prompt, Text, Turn, WebSearch
from kiro_trio.conversation.reply import Usage
from kiro_trio.gateway.lessons import SAVE_EVERY, Lessons, calibration_path
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.session.run import AttemptRecord, Outcome

MODEL = "claude-opus-4.8"
PROMPT = Prompt(MODEL, (Turn("user", (Text("a"),)),), session="s")
PLAIN = RequestOptions()


def whole(tokens: int | None, **more) -> Outcome:
    return Outcome(usage=Usage(input_tokens=tokens, output_tokens=9, **more))


@pytest.fixture
def path(tmp_path):
    return calibration_path(tmp_path / "credentials.json")


def test_estimates_follow_what_kiro_counts(path) -> None:
    lessons = Lessons(path)
    lessons.learn(PROMPT, MODEL, 10_000, whole(12_000))
    assert lessons.correct(MODEL, 5000) == 6000
    assert lessons.correct("another", 5000) == 5000


def test_cached_tokens_are_input_too(path) -> None:
    lessons = Lessons(path)
    lessons.learn(PROMPT, MODEL, 10_000, whole(2000, cache_read_tokens=9000, cache_write_tokens=1000))
    assert lessons.correct(MODEL, 5000) == 6000


@pytest.mark.parametrize(
    ("prompt", "outcome"),
    [
        (PROMPT, whole(None)),
        (PROMPT, Outcome()),
        (PROMPT, Outcome(Failure(Fault.TRUNCATED_STREAM), usage=Usage(input_tokens=20_000))),
        (Prompt(MODEL, (), web_search=WebSearch()), whole(20_000)),
    ],
)
def test_what_says_nothing_of_the_prompt_teaches_nothing(path, prompt, outcome) -> None:
    lessons = Lessons(path)
    lessons.learn(prompt, MODEL, 10_000, outcome)
    assert lessons.correct(MODEL, 5000) == 5000


def test_refusals_are_learnt_only_from_what_succeeded_in_the_end(path) -> None:
    refused = AttemptRecord(1, 0.1, Failure(Fault.EFFORT_REFUSED))
    lessons = Lessons(path)
    lessons.learn(PROMPT, MODEL, 10, Outcome(Failure(Fault.EFFORT_REFUSED), [refused]))
    assert lessons.advise(PROMPT, PLAIN) == PLAIN
    lessons.learn(PROMPT, MODEL, 10, Outcome(None, [refused, AttemptRecord(1, 0.1, None)]))
    assert not lessons.advise(PROMPT, PLAIN).native_effort


async def running(lessons: Lessons, seconds: float = 0) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(lessons.run)
        await trio.sleep(seconds)
        nursery.cancel_scope.cancel()


async def test_what_was_learnt_outlives_the_process(path, autojump_clock) -> None:
    first = Lessons(path)
    async with trio.open_nursery() as nursery:
        await nursery.start(first.run)
        first.learn(PROMPT, MODEL, 10_000, whole(13_000))
        nursery.cancel_scope.cancel()
    assert path.stat().st_mode & 0o777 == 0o600
    second = Lessons(path)
    await running(second)
    assert second.correct(MODEL, 1000) == 1300


def until_there(path) -> None:
    for _ in range(500):
        if path.exists():
            return
        time.sleep(0.01)


async def test_it_is_saved_now_and_then(path, autojump_clock) -> None:
    lessons = Lessons(path)
    async with trio.open_nursery() as nursery:
        await nursery.start(lessons.run)
        lessons.learn(PROMPT, MODEL, 10_000, whole(13_000))
        await trio.sleep(SAVE_EVERY / 2)
        assert not path.exists()
        await trio.sleep(SAVE_EVERY)
        await trio.to_thread.run_sync(until_there, path)  # the file is written in real time
        assert json.loads(path.read_bytes()) == {"ratios": {MODEL: 1.3}}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"ratios":{"a":"b"}}', b"\xff", b'{"ratios":' + b"[" * 9999]
)
async def test_a_damaged_file_is_learnt_anew(path, content, autojump_clock) -> None:
    path.write_bytes(content)
    lessons = Lessons(path)
    await running(lessons)
    assert lessons.calibration.ratios == {}


async def test_a_file_that_cannot_be_written_troubles_nobody(path, autojump_clock) -> None:
    path.mkdir()
    lessons = Lessons(path)
    async with trio.open_nursery() as nursery:
        await nursery.start(lessons.run)
        lessons.learn(PROMPT, MODEL, 10_000, whole(13_000))
        await trio.sleep(3 * SAVE_EVERY)
        assert lessons.correct(MODEL, 1000) == 1300
        nursery.cancel_scope.cancel()


async def test_switched_off_it_neither_reads_nor_learns_counts(tmp_path, autojump_clock) -> None:
    lessons = Lessons(None)
    async with trio.open_nursery() as nursery:
        await nursery.start(lessons.run)
        lessons.learn(PROMPT, MODEL, 10_000, whole(13_000))
        nursery.cancel_scope.cancel()
    assert lessons.correct(MODEL, 1000) == 1000
    assert list(tmp_path.iterdir()) == []

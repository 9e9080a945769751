"""What is found is made small, kept, and replayed."""

import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from fuzz import corpus, run, written
from fuzz.__main__ import main
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.wire import Message
from kiro_trio.wire.headers import Timestamp


class Colour(Enum):
    RED = "r"


@dataclass(frozen=True)
class Thing:
    name: str
    size: float
    parts: tuple = ()


@pytest.mark.parametrize(
    "value",
    [
        Thing("a", 0.1, (Thing("b", float("inf")), Colour.RED)),
        {"x": [1, None, b"\xff", {2}, frozenset({3})]},
        (),
        (1,),
        Failure(Fault.DEADLINE, retry_after=1e300),
        UUID(int=3),
        [Timestamp(5)],
        "\ud800",
    ],
)
def test_what_is_written_is_read(value) -> None:
    assert written.read(written.write(value)) == value


def test_a_message_is_written_too() -> None:
    again = written.read(written.write(Message({":event-type": "x", "n": 1}, b"\x00")))
    assert (dict(again.headers), again.payload) == ({":event-type": "x", "n": 1}, b"\x00")


@pytest.fixture
def target(monkeypatch, tmp_path):
    """Makes a target out of its parts, with a corpus of its own."""

    def make(**parts) -> ModuleType:
        module = ModuleType("fuzz.targets.made")
        vars(module).update(parts)
        monkeypatch.setattr(run, "target", lambda _: module)
        return module

    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    return make


def refuse_sevens(example) -> None:
    assert 7 not in example.parts


def refuse_nul(data: bytes) -> None:
    assert b"\0" not in data


class Counter(RuleBasedStateMachine):
    count = 0

    @rule(by=st.integers(0, 9))
    def add(self, by) -> None:
        self.count += by
        assert self.count < 20


def test_a_failure_is_kept_small_and_replayed(target) -> None:
    examples = st.builds(Thing, st.text(), st.floats(), st.lists(st.integers(0, 9)).map(tuple))
    module = target(EXAMPLES=examples, check=refuse_sevens)
    row = run.search("made", 60)
    assert "AssertionError" in row.found
    (path,) = corpus.paths(module)
    assert row.kept == str(path)
    assert written.read(path.read_text()) == Thing("", 0.0, (7,))
    with pytest.raises(AssertionError):
        run.bounded(module)


def test_bytes_are_kept_as_they_are(target) -> None:
    module = target(EXAMPLES=st.binary(), check=refuse_nul, check_bytes=refuse_nul)
    assert run.search("made", 60).found
    (path,) = corpus.paths(module)
    assert path.read_bytes() == b"\0"
    with pytest.raises(AssertionError):
        corpus.replay(module)


def test_the_steps_of_a_machine_are_kept(target) -> None:
    module = target(MACHINE=Counter)
    row = run.search("made", 60)
    assert row.found
    (path,) = corpus.paths(module)
    assert path.suffix == ".steps"
    with pytest.raises(AssertionError):
        run.bounded(module)


@pytest.mark.parametrize(
    "parts", [{"EXAMPLES": st.binary(), "check": len}, {"MACHINE": RuleBasedStateMachine}]
)
def test_nothing_found_is_said_with_the_count(target, parts) -> None:
    if "MACHINE" in parts:
        parts = {"MACHINE": type("Fine", (RuleBasedStateMachine,), {"go": rule()(lambda _: None)})}
    target(**parts)
    row = run.search("made", 0.2)
    assert row.examples > 10
    assert "nothing found" in str(row)


def test_what_fails_is_made_small_as_bytes() -> None:
    assert corpus.minimised(b"x" * 1000 + b"ab" + b"y" * 77, lambda data: b"ab" in data) == b"ab"


def test_targets_run_beside_each_other() -> None:
    command = [
        sys.executable,
        "-m",
        "fuzz",
        "sse_round_trip",
        "decoder_round_trip",
        "--seconds=0.5",
        "--jobs=2",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("nothing found") == 3


def test_the_command_says_what_there_is_and_what_was_found(target, monkeypatch, capsys) -> None:
    target(__doc__="It is so.", EXAMPLES=st.binary(), check=refuse_nul)
    monkeypatch.setattr(run, "names", lambda: ["made"])

    def fuzz(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["fuzz", *arguments])
        return main()

    assert fuzz("--list") == 0
    assert capsys.readouterr().out.split() == ["made", "It", "is", "so."]
    assert fuzz("all", "--minutes", "1") == 1
    told = capsys.readouterr().out
    assert "FAILED, kept as" in told
    assert told.splitlines()[-1].endswith("found something: made")
    with pytest.raises(SystemExit) as caught:
        fuzz("nonsense")
    assert caught.value.code == 2
    assert "there are: made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "seconds", "most", "following"),
    [
        (10, 0.1, 500, 20),  # quick: twice as large, up to the most
        (320, 2.0, 500, 500),
        (10, 100.0, 500, 2),  # slow: what can be had in the time
        (1, 700.0, 500, 1),
        (10, 0.0, 500, 20),
        (40, 16.0, 100, 50),
    ],
)
def test_a_batch_does_not_take_long(size, seconds, most, following) -> None:
    assert run._next_batch(size, seconds, most) == following

import os
import pty
import sys
import termios

import pytest
import trio
import trio.testing

from kiro_trio.cli.figures import amount
from kiro_trio.cli.paste import pasted_lines
from kiro_trio.cli.terminal import printable
from kiro_trio.cli.words import day, until
from kiro_trio.simulator import Account, Simulator
from tests.cli.program import HOUSE
from tests.secrecy.listening import read_log
from tests.simulator.talk import served


async def read_until(descriptor, words):
    said = ""
    with trio.fail_after(30):
        while words not in said:
            await trio.lowlevel.wait_readable(descriptor)
            said += os.read(descriptor, 65536).decode()
    return said


async def test_a_person_at_a_terminal_sees_the_time_go_and_gives_up(tmp_path):
    simulator = Simulator([Account("b@example.invalid", "builder-id")])
    simulator.sign_in.pending_polls = 10_000
    ours, theirs = pty.openpty()
    try:
        before = termios.tcgetattr(ours)
        async with served(simulator) as (base, _):
            # The shell leads a session of its own, so the terminal that it opens is the one whose Ctrl-C it gets.
            line = (
                f"exec '{sys.executable}' -m kiro_trio login --builder-id --upstream {base} <$TTY >$TTY 2>&1"
            )
            process = await trio.lowlevel.open_process(
                ["sh", "-c", line],
                cwd=tmp_path,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOUSE), "TTY": os.ttyname(theirs),
                     "HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "xterm"},
            )  # fmt: skip
            shown = await read_until(ours, "9:58 left")
            assert "█▀▀" in shown
            assert "\x1b[2KWaiting for you: 10:00 left, Ctrl-C gives up." in shown
            os.write(ours, b"\x03")
            said = await read_until(ours, "given up; nothing was stored")
            with trio.fail_after(30):
                assert await process.wait() == 130
            assert "Traceback" not in said
            read_log(shown + said, "the terminal of kiro-trio login")
        assert termios.tcgetattr(ours) == before
    finally:
        os.close(ours)
        os.close(theirs)


async def lines_of(descriptor):
    return [line async for line in pasted_lines(descriptor)]


async def test_lines_come_whole_however_they_are_written():
    reading, writing = os.pipe()
    try:
        async with trio.open_nursery() as nursery:
            found = []

            async def read():
                found.extend(await lines_of(reading))

            nursery.start_soon(read)
            for piece in (b"on", b"e\ntwo\n\nth", b"ree"):
                os.write(writing, piece)
                await trio.testing.wait_all_tasks_blocked()
            os.close(writing)
        assert found == ["one", "two", "", "three"]
    finally:
        os.close(reading)


@pytest.mark.parametrize("content", [b"", b"one\ntwo", b"one\ntwo\n"])
async def test_lines_of_a_file_end_with_it(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    descriptor = os.open(tmp_path / "x", os.O_RDONLY)
    try:
        with trio.fail_after(5):
            assert await lines_of(descriptor) == content.decode().split()
    finally:
        os.close(descriptor)


async def test_no_input_at_all_is_no_lines():
    descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        with trio.fail_after(5):
            assert await lines_of(descriptor) == []
    finally:
        os.close(descriptor)
    assert await lines_of(descriptor) == []  # closed


async def test_waiting_for_a_line_can_be_cancelled():
    reading, writing = os.pipe()
    try:
        with trio.move_on_after(0.01) as scope:
            await lines_of(reading)
        assert scope.cancelled_caught
    finally:
        os.close(reading)
        os.close(writing)


def test_words():
    assert printable("a\x1b[2J\nb\u202e") == "a?[2J?b?"
    assert printable("a" * 300) == "a" * 199 + "…"
    assert [amount(n) for n in (0, 0.5, 12.345, 100, 1000.0)] == ["0", "0.5", "12.35", "100", "1000"]
    assert day(1_790_812_800.0) == "2026-10-01"
    assert day(1e300) == "?"
    ends = {-1: "over", 0: "over", 59: "59 s", 61: "1 min", 3601: "1 h", 86_399: "23 h", 200_000: "2 d"}
    assert {left: until(1000 + left, 1000) for left in ends} == ends

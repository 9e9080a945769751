"""The folder: private, bounded, and never a file that is half written."""

import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.captures.folder import Folder

HOUSE = Path(__file__).parents[2]

MANY = 120

WRITER = """
import sys
from pathlib import Path
from kiro_trio.captures.folder import Folder
folder, size = Folder(Path(sys.argv[1]), 50, 10**9), int(sys.argv[2])
for number in range(int(sys.argv[4])):
    folder.keep(f"{sys.argv[3]}{number:06}", 1e9 + number, b"[" + b"1," * size + b"1]")
    if number == 0:
        print("began", flush=True)
        sys.stdin.readline()
"""


def names(path):
    return sorted(one.name for one in path.iterdir())


def test_only_the_owner_can_read_it(tmp_path) -> None:
    os.umask(old := os.umask(0))
    path = Folder(tmp_path / "a" / "b", 3, 1000).keep("req_1", 0.0, b"{}")
    os.umask(old)
    assert path == tmp_path / "a" / "b" / "capture-19700101T000000.000-req_1.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@settings(max_examples=50)
@given(st.integers(1, 5), st.integers(50, 300), st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_neither_too_many_nor_too_much_and_the_newest_stays(tmp_path_factory, files, size, sizes) -> None:
    path = tmp_path_factory.mktemp("captures")
    folder = Folder(path, files, size)
    for number, length in enumerate(sizes):
        kept = folder.keep(f"r{number}", float(number), b"x" * min(length, size))
        assert kept.exists()
        found = list(path.iterdir())
        assert len(found) <= files
        assert sum(one.stat().st_size for one in found) <= size
        # no gap: what is there are the newest
        assert (
            names(path) == [f"capture-{_moment(one)}-r{one}.json" for one in range(number + 1)][-len(found) :]
        )


def _moment(second):
    return f"19700101T0000{second:02}.000"


def test_what_is_not_ours_is_not_touched(tmp_path) -> None:
    for name in ("notes.txt", "credentials.json", ".hidden", "capture.json"):
        (tmp_path / name).write_text("x")
    folder = Folder(tmp_path, 1, 100)
    for number in range(3):
        folder.keep(str(number), float(number), b"{}")
    assert names(tmp_path) == [
        ".hidden",
        "capture-19700101T000002.000-2.json",
        "capture.json",
        "credentials.json",
        "notes.txt",
    ]


def test_what_a_killed_writer_left_goes_when_it_is_nobodys(tmp_path) -> None:
    old, new = tmp_path / ".capture-1.json.abc.tmp", tmp_path / ".capture-2.json.abc.tmp"
    for left in (old, new):
        left.write_text("{")
    os.utime(old, (time.time() - 120,) * 2)  # noqa: TID251 - as the file system counts
    Folder(tmp_path, 9, 100).keep("1", 1.0, b"{}")
    assert names(tmp_path) == [new.name, "capture-19700101T000001.000-1.json"]


def writing(path, size, name="w", many=10**6):
    """A process that has written once, and goes on when it is told to."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", WRITER, str(path), str(size), name, str(many)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
    )
    assert process.stdout.readline() == b"began\n"
    return process


@pytest.mark.parametrize("wait", [0.0, 0.01, 0.03])
def test_a_writer_that_is_killed_leaves_no_half_file(tmp_path, wait) -> None:
    with writing(tmp_path, 2_000_000) as process:
        process.stdin.write(b"\n")
        process.stdin.flush()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = list(tmp_path.glob("capture-*.json"))
    assert found
    assert all(one.read_bytes().endswith(b"1]") for one in found)


def test_several_processes_share_it(tmp_path) -> None:
    with writing(tmp_path, 10, "a", MANY) as one, writing(tmp_path, 10, "b", MANY) as other:
        for writer in (one, other):
            writer.stdin.write(b"\n")
            writer.stdin.flush()
        assert [writer.wait(60) for writer in (one, other)] == [0, 0]
    # Whoever was ahead: the newest of both stay. Each can have counted before the other's last was there.
    found = names(tmp_path)
    assert 50 <= len(found) <= 51
    everything = sorted(
        f"capture-{datetime.fromtimestamp(1e9 + number, UTC):%Y%m%dT%H%M%S}.000-{name}{number:06}.json"
        for number in range(MANY) for name in "ab"
    )  # fmt: skip
    assert found == everything[-len(found) :]

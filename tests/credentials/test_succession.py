"""Somebody saves at the very moment at which we replace the file, or we are killed then, or both."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.file import CredentialsFile
from kiro_trio.credentials.succession import Overtaken, left_beside, recover, succeed
from kiro_trio.credentials.swap import exchange, read_settled, tells_writers
from tests.credentials import dying
from tests.credentials.editing import STYLES
from tests.credentials.entries import read_json, refresh_token, rotated, social

styles = pytest.mark.parametrize("style", STYLES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "credentials.json"


class Between:
    """`exchange`, and what somebody does before and after its calls: `before={1: do}` is before the first."""

    def __init__(self, before=(), after=()):
        self.before = dict(before)
        self.after = dict(after)
        self.calls = 0

    def __call__(self, one, other):
        self.calls += 1
        self.before.pop(self.calls, lambda: None)()
        exchange(one, other)
        self.after.pop(self.calls, lambda: None)()


def opened(path, between=exchange):
    file = CredentialsFile(path, Defaults(), between)
    file.open()
    return file


def begun(path):
    """A file with one account that has nothing left to be completed."""
    path.write_text(json.dumps([social("a")]))
    opened(path)


def edited(path, note):
    """What an editor saves who had the file open before."""
    return json.dumps([{**read_json(path)[0], "note": note}]).encode()


def check(path, file, note):
    [entry] = read_json(path)
    assert (entry.get("note"), entry["refreshToken"]) == (note, refresh_token("b"))
    assert (file.problem, file.stale(), left_beside(path)) == ("", False, [])
    assert file.credentials()[1].refresh_token == refresh_token("b")


class TestAtTheLastMoment:
    @styles
    @pytest.mark.parametrize("telling", [True, False])
    def test_what_is_saved_right_before_is_merged(self, path, style, telling, monkeypatch):
        if not telling:
            monkeypatch.delattr(fcntl, "F_SETLEASE")
        begun(path)
        data = edited(path, "mine")
        file = opened(path, Between(before={1: lambda: STYLES[style](path, data)}))
        file.save(1, rotated("b"))
        check(path, file, "mine")

    @styles
    @pytest.mark.parametrize("second", STYLES)
    def test_so_is_what_is_saved_before_it_is_back(self, path, style, second):
        begun(path)
        first, last = edited(path, "first"), edited(path, "last")
        between = Between(
            before={1: lambda: STYLES[style](path, first)}, after={1: lambda: STYLES[second](path, last)}
        )
        file = opened(path, between)
        file.save(1, rotated("b"))
        check(path, file, "last")

    @pytest.mark.parametrize("mode", ["wb", "r+b"])
    @pytest.mark.parametrize("moment", ["after-1", "before-2", "after-2"])
    def test_who_has_opened_the_file_before_and_writes_after_is_waited_for(self, path, mode, moment):
        begun(path)
        data, writers = edited(path, "mine"), []

        def fill():
            with writers.pop() as writer:
                writer.write(data)
                writer.truncate()

        when, _, call = moment.partition("-")
        hooks = {"before": {1: lambda: writers.append(path.open(mode))}, "after": {}}
        hooks[when][int(call)] = fill
        file = opened(path, Between(**hooks))
        file.save(1, rotated("b"))
        check(path, file, "mine")

    def test_who_never_closes_it_is_named_and_not_overwritten(self, path):
        begun(path)
        file, data = opened(path), edited(path, "mine")
        with path.open("r+b") as writer:
            file.save(1, rotated("b"))
            assert "changes it all the time" in file.problem
            assert read_json(path)[0]["refreshToken"] == refresh_token("a")
            writer.write(data)
            writer.truncate()
        assert file.stale()
        file.sync()
        check(path, file, "mine")

    def test_who_makes_a_file_where_there_was_none_keeps_his(self, path, monkeypatch):
        link = os.link

        def overtaken(*arguments, **options):
            path.write_bytes(b"theirs")
            link(*arguments, **options)

        path.write_bytes(b"theirs")
        with pytest.raises(Overtaken):
            succeed(path, b"ours", None)
        assert path.read_bytes() == b"theirs"
        path.unlink()
        with monkeypatch.context() as patch:
            patch.setattr(os, "link", overtaken)
            with pytest.raises(Overtaken):
                succeed(path, b"ours", None)
        assert path.read_bytes() == b"theirs"
        path.unlink()
        assert succeed(path, b"ours", None).stat.st_ino == path.stat().st_ino
        assert path.read_bytes() == b"ours"

    @pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL, errno.EPERM])
    def test_where_files_cannot_change_places_they_are_replaced(self, path, code):
        def cannot(*_):
            raise OSError(code, os.strerror(code))

        begun(path)
        file = opened(path, cannot)
        file.save(1, rotated("b"))
        check(path, file, None)
        assert file.place_problem == ""


KILLED = [
    ("before-fsync-1", ""),
    ("after-fsync-1", ""),
    ("after-exchange-1", ""),
    ("before-fsync-2", ""),
    ("before-exchange-1", "rename"),
    ("after-exchange-1", "rename"),
    ("after-exchange-1", "in-place"),
    ("before-exchange-2", "rename"),
    ("after-exchange-2", "rename"),
    ("after-exchange-2", "in-place"),
    ("before-sleep-1", "rename"),
    ("before-fsync-2", "rename"),
]


def test_killed_at_any_step_no_token_and_no_edit_is_lost(tmp_path):
    """Both for who starts then and for who has been running beside; and the file is readable from the beginning."""
    begun(tmp_path / "begun.json")
    data, lives = (tmp_path / "begun.json").read_bytes(), []
    for step, style in KILLED:
        path = tmp_path / f"{step}-{style}" / "credentials.json"
        path.parent.mkdir()
        path.write_bytes(data)
        path.with_name("edited.json").write_bytes(edited(path, "mine"))
        lives.append((f"{step}:{style}", "mine" if style else None, path, opened(path)))
    arguments = [f"{which}:{path.parent}" for which, _, path, _ in lives]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, dying.__file__, *arguments], env=environment, check=True)  # noqa: S603 - our own
    for which, note, path, beside in lives:
        assert len(read_json(path)) == 1, which
        later = shutil.copytree(path.parent, tmp_path / f"{which} later") / path.name
        assert beside.stale(), which
        beside.sync()
        check(path, beside, note)
        check(later, opened(later), note)


class TestWhatIsLeft:
    FROM, TO, ANOTHER, HALF = b'["from"]', b'["to"]', b'["another"]', b'["t'

    @pytest.mark.parametrize(
        ("here", "beside", "then", "versions"),
        [
            (TO, FROM, TO, []),
            (TO, ANOTHER, ANOTHER, [TO]),
            (ANOTHER, TO, ANOTHER, [TO]),
            (FROM, TO, FROM, [TO]),
            (FROM, HALF, FROM, []),
            (ANOTHER, FROM, ANOTHER, []),
            (TO, TO, TO, []),
            (None, TO, None, [TO]),
        ],
    )
    def test_is_told_by_its_name(self, path, here, beside, then, versions):
        if here is not None:
            path.write_bytes(here)
        marks = [hashlib.sha256(data).hexdigest()[:16] for data in (self.FROM, self.TO)]
        path.with_name(f".{path.name}.{'.'.join(marks)}.tmp").write_bytes(beside)
        assert recover(path) == versions
        assert (path.read_bytes() if path.exists() else None) == then
        assert len(left_beside(path)) == len(versions)


def test_who_writes_is_known(path):
    path.write_bytes(b"x")
    if not tells_writers(path):
        pytest.skip("this file system does not tell")
    with path.open("ab"):
        assert read_settled(path, telling=True) is None
        assert read_settled(path, telling=False) == b"x"
        assert not tells_writers(path)
    with path.open("rb"):
        assert read_settled(path, telling=True) == b"x"
    assert read_settled(path.with_name("none"), telling=True) is None


def test_who_opens_it_for_writing_while_it_is_read_is_known_too(path, monkeypatch):
    path.write_bytes(b"x")
    if not tells_writers(path):
        pytest.skip("this file system does not tell")
    writer, plain = threading.Thread(target=lambda: path.open("ab").close()), fcntl.fcntl

    def until_he_waits(descriptor, command, *argument):
        result = plain(descriptor, command, *argument)
        if command == fcntl.F_SETLEASE:
            writer.start()
            while plain(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK:
                pass
        return result

    monkeypatch.setattr(fcntl, "fcntl", until_he_waits)
    assert read_settled(path, telling=True) is None
    writer.join()

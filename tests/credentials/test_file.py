import contextlib
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kiro_trio.credentials import atomic, succession
from kiro_trio.credentials.atomic import replace_file
from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.credentials.file import CredentialsFile, NotWritten
from kiro_trio.credentials.ledger import DuplicateCredential
from tests.credentials import writer
from tests.credentials.entries import read_json, refresh_token, social

ROTATED = {
    "accessToken": "aoa-b",
    "refreshToken": refresh_token("b"),
    "expiresAt": "2026-09-21T16:00:00.000Z",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "credentials.json"


@pytest.fixture
def shared():
    """A directory that others than root can reach: pytest's own are closed to them."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    yield directory
    directory.chmod(0o777)
    shutil.rmtree(directory)


def opened(path, **options):
    file = CredentialsFile(path, Defaults(), **options)
    file.open()
    return file


def written(path, value, **options):
    path.write_text(json.dumps(value))
    return opened(path, **options)


def busy(*_):
    raise OSError(errno.EBUSY, "busy")


@contextlib.contextmanager
def as_nobody():
    """Without root's rights, which no permission stops."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


class TestForms:
    def test_single_stays_single(self, path):
        written(path, social("a", custom={"x": 1})).save(1, ROTATED)
        entry = read_json(path)
        assert (entry["refreshToken"], entry["custom"]) == (refresh_token("b"), {"x": 1})

    def test_an_array_stays_an_array(self, path):
        written(path, [social("a"), social("c", custom=[1])]).save(1, ROTATED)
        first, second = read_json(path)
        assert (first["refreshToken"], second["custom"]) == (refresh_token("b"), [1])

    def test_a_second_account_makes_an_array(self, path):
        assert written(path, social("a")).add(social("c")) == 2
        assert [entry["id"] for entry in read_json(path)] == [1, 2]

    def test_nothing_is_written_where_nothing_changed(self, path):
        written(path, [social("a")])
        before = path.stat()
        opened(path).sync()
        assert path.stat() == before

    def test_a_missing_file_is_made_when_there_is_something_to_write(self, path):
        file = opened(path)
        assert not path.exists()
        assert file.add(social("a")) == 1
        assert read_json(path)[0]["id"] == 1

    def test_only_the_owner_can_read_it(self, path):
        path.write_text(json.dumps([social("a")]))
        path.chmod(0o644)
        opened(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert {found.stat().st_mode & 0o777 for found in path.parent.iterdir()} == {0o600}

    def test_a_symbolic_link_is_followed(self, path, tmp_path):
        target = tmp_path / "elsewhere.json"
        path.symlink_to(target)
        written(path, [social("a")]).save(1, ROTATED)
        assert path.is_symlink()
        assert read_json(target)[0]["refreshToken"] == refresh_token("b")


class TestChanges:
    def test_an_owner_edits_one_key_of_one_entry(self, path):
        file = written(path, [social("a", priority=3), social("c")])
        file.edit(1, {"disabled": True, "priority": None})
        assert "priority" not in read_json(path)[0]
        assert file.credentials()[1].disabled

    @pytest.mark.parametrize("other", ["http://192.0.2.2:3128", "direct", None])
    def test_another_proxy_is_not_told_the_old_ones_password(self, path, other):
        theirs = {"proxyUsername": "me", "proxyPassword": "hunter2-of-one"}
        file = written(path, [social("a", proxyUrl="http://192.0.2.1:3128", **theirs)])
        file.edit(1, {"proxyUrl": "http://192.0.2.1:3128", "priority": 2})
        assert read_json(path)[0].items() >= theirs.items()
        file.edit(1, {"proxyUrl": other})
        assert read_json(path)[0].keys().isdisjoint(theirs)
        file.edit(1, {"proxyUrl": "http://192.0.2.3:3128", "proxyPassword": "another"})
        assert read_json(path)[0]["proxyPassword"] == "another"

    def test_an_edited_token_is_a_new_sign_in(self, path):
        file = written(path, [social("a")])
        file.save(1, ROTATED)
        file.edit(1, {"refreshToken": refresh_token("new"), "accessToken": None})
        assert file.signed_in == {1}
        assert file.credentials()[1].refresh_token == refresh_token("new")

    def test_removed_is_removed(self, path):
        file = written(path, [social("a"), social("c")])
        file.remove(1)
        assert [entry["id"] for entry in read_json(path)] == [2]
        with pytest.raises(KeyError):
            file.remove(1)
        with pytest.raises(KeyError):
            file.edit(1, {"priority": 1})

    def test_a_duplicate_is_refused_after_a_rotation(self, path):
        file = written(path, [social("a")])
        file.save(1, ROTATED)
        with pytest.raises(DuplicateCredential):
            opened(path).add(social("a"))

    def test_an_edit_from_outside_is_seen_and_kept(self, path):
        file = written(path, [social("a")])
        assert not file.stale()
        entries = read_json(path)
        path.write_text(json.dumps([{**entries[0], "priority": 8, "note": "mine"}, social("c")]))
        assert file.stale()
        file.save(1, ROTATED)
        assert not file.stale()
        first, second = read_json(path)
        assert (first["priority"], first["note"], first["refreshToken"]) == (8, "mine", refresh_token("b"))
        assert second["id"] == 2
        assert list(file.credentials()) == [1, 2]


class TestAtTheSameMoment:
    """An editor knows no lock: it saves while we are about to."""

    @staticmethod
    def saving_during_fsync(monkeypatch, path, *texts):
        """Let an editor save one of `texts` whenever we bring something to the disk."""
        left, fsync = list(texts), os.fsync

        def overtaken(descriptor):
            fsync(descriptor)
            if left:
                path.write_text(left.pop(0))

        monkeypatch.setattr(os, "fsync", overtaken)

    def edited(self, path, **keys):
        return json.dumps([{**read_json(path)[0], **keys}])

    def test_a_renewal_does_not_overwrite_it(self, path, monkeypatch):
        file = written(path, [social("a")])
        self.saving_during_fsync(
            monkeypatch, path, self.edited(path, note="first"), self.edited(path, note="second", priority=7)
        )
        file.save(1, ROTATED)
        [entry] = read_json(path)
        assert (entry["note"], entry["priority"], entry["refreshToken"]) == ("second", 7, refresh_token("b"))
        assert (file.problem, file.stale()) == ("", False)
        assert file.credentials()[1].priority == 7

    def test_an_owners_change_does_not_overwrite_it(self, path, monkeypatch):
        file = written(path, [social("a")])
        self.saving_during_fsync(monkeypatch, path, self.edited(path, note="mine"))
        assert file.add(social("c")) == 2
        assert [entry.get("note") for entry in read_json(path)] == ["mine", None]
        self.saving_during_fsync(monkeypatch, path, json.dumps(read_json(path)[1:]))
        with pytest.raises(KeyError):
            file.edit(1, {"priority": 1})

    def test_what_is_saved_right_after_we_have_read_is_noticed(self, path, monkeypatch):
        file = written(path, [social("a")])
        path.write_text(self.edited(path, priority=1))
        later, read_bytes = [self.edited(path, priority=2)], Path.read_bytes

        def read_and_overtaken(self):
            data = read_bytes(self)
            if later:
                self.write_text(later.pop())
            return data

        monkeypatch.setattr(Path, "read_bytes", read_and_overtaken)
        file.sync()
        assert file.stale()
        file.sync()
        assert file.credentials()[1].priority == 2

    def test_what_is_saved_right_after_we_have_written_is_noticed(self, path, monkeypatch):
        """Bringing the directory to the disk takes long enough for somebody to save his own."""
        file = written(path, [social("a")])
        sync = succession.sync_directory

        def synced_and_overtaken(directory):
            sync(directory)
            monkeypatch.setattr(succession, "sync_directory", sync)
            path.write_text(json.dumps([*read_json(path), social("c")]))

        monkeypatch.setattr(succession, "sync_directory", synced_and_overtaken)
        file.save(1, ROTATED)
        assert file.stale()
        file.sync()
        assert len(file.credentials()) == len(read_json(path)) == 2

    def test_in_place_neither(self, path, monkeypatch):
        file = written(path, [social("a")], exchange=busy)
        self.saving_during_fsync(monkeypatch, path, self.edited(path, note="mine"))
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", busy)
            file.save(1, ROTATED)
        [entry] = read_json(path)
        assert (entry["note"], entry["refreshToken"]) == ("mine", refresh_token("b"))

    def test_who_never_stops_is_named_and_the_token_kept_beside(self, path, monkeypatch):
        file = written(path, [social("a")])
        self.saving_during_fsync(monkeypatch, path, *(self.edited(path, note=n) for n in range(30)))
        file.save(1, ROTATED)
        assert "changes it all the time" in file.problem
        assert file.credentials()[1].refresh_token == refresh_token("b")
        file.sync()
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")


class TestTrouble:
    @pytest.mark.parametrize(
        "data",
        ["{", "5", "null", '[{"id": 1}, {"id": 1}]', '[{"note": ' + "9" * 5000 + "}]", "[" * 90 + "]" * 90],
    )
    def test_a_file_that_nobody_understands_stops_the_start_with_its_name(self, path, data):
        path.write_text(data)
        with pytest.raises(InvalidFile, match=r"credentials\.json: "):
            opened(path)
        assert path.read_text() == data

    @pytest.mark.parametrize("data", ["{", "", " ", None])
    def test_damaged_while_we_run_it_is_left_alone_and_the_token_kept_beside_it(self, path, data):
        file = written(path, [social("a")])
        whole = path.read_text()
        path.unlink() if data is None else path.write_text(data)
        file.sync()
        assert file.problem
        assert list(file.credentials()) == [1]
        if data is not None:
            file.save(1, ROTATED)
            assert path.read_text() == data
            assert str(file.rescue.path) in file.problem
            path.write_text(whole)  # mended, with the old token in it
            assert opened(path).credentials()[1].refresh_token == refresh_token("b")
            file.sync()
        else:
            file.save(1, ROTATED)
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")
        assert (file.problem, file.rescue.path.exists()) == ("", False)

    def test_what_cannot_be_written_is_said_at_once_and_kept_in_memory(self, shared):
        path = shared / "credentials.json"
        path.write_text(json.dumps([social("a")]))
        path.chmod(0o444)
        shared.chmod(0o555)
        with as_nobody():
            file = opened(path)
            assert "cannot be written" in file.place_problem
            file.save(1, ROTATED)
            assert "in memory only" in file.problem
            assert file.credentials()[1].refresh_token == refresh_token("b")
            with pytest.raises(NotWritten):
                file.edit(1, {"priority": 1})
            with pytest.raises(NotWritten):
                file.add(social("c"))
            with pytest.raises(NotWritten):
                file.remove(1)
            assert file.credentials()[1].priority == 0
            assert list(file.credentials()) == [1]
        path.chmod(0o666)
        shared.chmod(0o777)
        with as_nobody():
            assert file.stale()
            file.sync()
        assert (file.problem, file.place_problem, file.stale()) == ("", "", False)
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")

    def test_the_lock_of_another_user_is_named(self, shared):
        path = shared / "credentials.json"
        path.write_text(json.dumps([social("a", id=1)]))
        path.chmod(0o666)
        lock = Path(atomic.lock_beside(path).lock_file)
        lock.touch(0o000)
        with as_nobody(), pytest.raises(InvalidFile, match=rf"{lock.name}\)"):
            opened(path)

    def test_what_cannot_be_read_stops_the_start(self, shared):
        path = shared / "credentials.json"
        path.write_text("[]")
        path.chmod(0o000)
        with as_nobody(), pytest.raises(InvalidFile, match="cannot be read"):
            opened(path)

    def test_in_anothers_directory_it_is_overwritten(self, shared):
        path = shared / "credentials.json"
        path.write_text(json.dumps([social("a", note="x" * 1000)]))
        path.chmod(0o666)
        shared.chmod(0o555)
        with as_nobody():
            file = opened(path)
            file.edit(1, {"note": None})
            file.save(1, ROTATED)
        assert "only overwritten" in file.place_problem
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")
        assert "note" not in path.read_text()

    def test_a_mount_point_is_overwritten_and_named(self, path, monkeypatch):
        file = written(path, [social("a")], exchange=busy)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", busy)
            file.save(1, ROTATED)
        assert (file.problem, "only overwritten" in file.place_problem) == ("", True)
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")
        assert not list(path.parent.glob("*.tmp"))

    def test_a_full_disk_leaves_the_old_file_whole(self, path, monkeypatch):
        file = written(path, [social("a")])
        before = path.read_text()

        def full(*_):
            raise OSError(errno.ENOSPC, "no space")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            file.save(1, ROTATED)
        assert path.read_text() == before
        assert file.unsaved
        file.sync()
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")

    def test_a_lock_that_is_not_released_is_a_problem_and_not_the_end(self, path, monkeypatch):
        file = written(path, [social("a")])
        monkeypatch.setattr(atomic, "LOCK_PATIENCE", 0.05)
        with atomic.lock_beside(file.path):
            file.save(1, ROTATED)
            assert "another process" in file.problem
        file.sync()
        assert file.problem == ""
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")

    def test_remains_of_a_killed_writer_are_swept(self, path):
        path.write_text(json.dumps([social("a")]))
        names = f".{path.name}.{'0' * 16}.{'1' * 16}.tmp", f".{path.name}.unsaved.abc.tmp"
        for name in names:
            path.with_name(name).write_text("aor-secret")
        opened(path)
        assert not list(path.parent.glob(".*.tmp"))

    def test_a_file_that_is_about_to_be_filled_is_looked_at_again(self, path, monkeypatch):
        file = written(path, [social("a")])
        later = json.dumps([{**read_json(path)[0], "priority": 4}])
        path.write_text("")
        monkeypatch.setattr(time, "sleep", lambda _: path.write_text(later))
        file.save(1, ROTATED)
        assert (file.problem, file.credentials()[1].priority) == ("", 4)
        assert read_json(path)[0]["refreshToken"] == refresh_token("b")


def test_overwriting_in_place_is_whole_at_every_length(path, monkeypatch):
    monkeypatch.setattr(Path, "replace", busy)
    path.write_bytes(b"[]")
    for length in (10, 3000, 1, 0, 70_000, 5):
        data = json.dumps(["x" * length]).encode()
        assert not replace_file(path, data).replaced
        assert path.read_bytes() == data


def test_overwriting_that_is_cut_short_leaves_whole_json(path, monkeypatch):
    path.write_text(json.dumps(["x" * 1000]))
    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(os, "ftruncate", busy)
    with pytest.raises(OSError, match="busy"):
        replace_file(path, b'["new"]')
    assert read_json(path) == ["new"]


def test_overwriting_on_a_full_disk_leaves_the_old_content(path):
    """A limit for the size of files, in a process of its own, is as good as a full disk."""
    path.write_text(json.dumps(["x" * 1000]))
    program = """if True:
        import errno, resource, sys
        from pathlib import Path
        from kiro_trio.credentials import atomic
        def busy(*_):
            raise OSError(errno.EBUSY, "busy")
        path, Path.replace = Path(sys.argv[1]), busy
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        atomic._replace = busy
        try:
            atomic.replace_file(path, b'["' + b"y" * 9000 + b'"]')
        except OSError as error:
            sys.exit(0 if error.errno == errno.EFBIG else 3)
        sys.exit(4)
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program, str(path)], env=environment, check=False)  # noqa: S603
    assert done.returncode == 0
    assert read_json(path) == ["x" * 1000]


def start_writer(path, number, rounds, name):
    command = [sys.executable, writer.__file__, str(path), str(number), str(rounds), name]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, text=True, env=environment
    )


def test_two_processes_write_one_file_and_nothing_is_lost(path):
    written(path, [social("a"), social("b")])
    processes = [start_writer(path, number, 40, f"p{number}") for number in (1, 2)]
    seen = set()
    while any(process.poll() is None for process in processes):
        seen.add(len(read_json(path)))  # readable at every moment
    assert [process.wait() for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    assert seen == {2}
    assert [entry["counter"] for entry in read_json(path)] == [39, 39]
    assert [c.refresh_token for c in opened(path).credentials().values()] == [
        f"aor-p{number}-39-{writer.PADDING}" for number in (1, 2)
    ]


def test_killed_at_any_moment_the_file_is_whole_and_has_the_last_token(path):
    written(path, [social("a"), social("b")])
    chance = random.Random(5)  # noqa: S311 - no secret
    for life in range(6):
        process = start_writer(path, 1, 100_000, f"life{life}")
        first = process.stdout.readline()
        time.sleep(chance.random() * 0.05)
        process.kill()
        tokens = [first, *process.stdout]
        process.stdout.close()
        assert process.wait() == -9
        said = tokens[-1].strip()
        kept = read_json(path)[0]["refreshToken"]
        assert int(kept.split("-")[2]) >= int(said.split("-")[2])
        assert kept.split("-")[1] == f"life{life}"
    credentials = opened(path).credentials()
    assert [credential.flaw for credential in credentials.values()] == ["", ""]
    assert not list(path.parent.glob("*.tmp"))

import json
import os
import threading

import pytest
import trio
import trio.testing

from kiro_trio.credentials import atomic
from kiro_trio.credentials.atomic import Locked, lock_beside
from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.credentials.rescue import Rescue
from kiro_trio.credentials.store import FileStore
from tests.credentials.entries import refresh_token, social


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps([social("a"), social("b")]))
    return path


async def opened(path):
    store = FileStore(path, Defaults())
    await store.open()
    return store


async def test_many_tasks_change_it_and_nothing_is_lost(path):
    store = await opened(path)

    async def renew(number, count):
        await store.save(number, {f"key{count}": count})

    async with trio.open_nursery() as nursery:
        for count in range(20):
            nursery.start_soon(renew, 1 + count % 2, count)
    first, second = json.loads(path.read_text())
    assert {key: value for key, value in {**first, **second}.items() if key.startswith("key")} == {
        f"key{count}": count for count in range(20)
    }


async def test_a_token_is_kept_though_its_bringer_is_cancelled_while_he_waits_for_his_turn(path):
    store = await opened(path)
    lock = lock_beside(store.path)  # as another process would hold it
    lock.acquire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.edit, 2, {"priority": 1})
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(store.save, 1, {"refreshToken": refresh_token("c")})
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        lock.release()
    assert json.loads(path.read_text())[0]["refreshToken"] == refresh_token("c")


async def test_a_renewed_token_is_put_down_before_its_turn_and_outlives_who_brought_it(path, monkeypatch):
    store, beside = await opened(path), await opened(path)
    monkeypatch.setattr(atomic, "LOCK_PATIENCE", 0.01)
    with lock_beside(store.path):
        await store.save(1, {"refreshToken": refresh_token("c"), "accessToken": "aoa-c"})
    path.with_name("credentials.json.unsaved").unlink()  # killed while it waits, it has not come to this
    del store
    assert not [found for found in path.parent.glob(".*.renewed-1*") if found.stat().st_mode & 0o077]
    await beside.sync()
    assert beside.credentials[1].refresh_token == refresh_token("c")
    assert json.loads(path.read_text())[0]["accessToken"] == "aoa-c"
    assert not list(path.parent.glob(".*.renew*"))


async def test_what_was_put_down_is_of_no_use_once_the_account_has_moved_on(path):
    store, beside = await opened(path), await opened(path)
    await store.save(1, {"refreshToken": refresh_token("c")})
    old = store.credentials[1]
    await store.save(1, {"refreshToken": refresh_token("d")})
    late = {"refreshToken": refresh_token("c"), "tokenLineage": list(old.lineage)}
    Rescue(store.path).note(1, late)
    Rescue(store.path).note(2, {"refreshToken": refresh_token("e"), "tokenLineage": ["another", "one"]})
    await beside.sync()
    assert [one.refresh_token for one in beside.credentials.values()] == [
        refresh_token("d"),
        refresh_token("b"),
    ]
    assert not list(path.parent.glob(".*.renew*"))


async def test_credentials_are_a_picture_that_does_not_change(path):
    store = await opened(path)
    before = store.credentials
    await store.save(1, {"refreshToken": refresh_token("c")})
    assert before[1].refresh_token == refresh_token("a")
    assert store.credentials[1].refresh_token == refresh_token("c")
    with pytest.raises(TypeError):
        store.credentials[1] = before[1]


async def test_without_news_nothing_is_read(path):
    store = await opened(path)
    before = store.credentials
    await store.sync()
    assert store.credentials is before


async def test_sign_ins_are_told_once(path):
    store = await opened(path)
    path.write_text(json.dumps([social("new", id=1), social("b", id=2)]))
    await store.sync()
    assert store.sign_ins() == {1}
    assert store.sign_ins() == frozenset()


async def test_problems_name_file_entry_and_key(path):
    path.write_text(json.dumps([social("a"), social("b", id=7, region="?"), 5]))
    store = await opened(path)
    assert store.problems == (
        f"{path}: entry 2 (id 7): `region` is not a region",
        f"{path}: entry 3 is not an object",
    )


async def test_an_unreadable_file_is_named(path):
    path.write_text("{")
    with pytest.raises(InvalidFile, match=str(path)):
        await opened(path)


async def test_the_right_to_renew_is_one_per_credential(path, autojump_clock):
    one, two = FileStore(path, Defaults()), FileStore(path, Defaults())
    moments = []

    async def renew(store, number):
        async with store.renewing(number):
            await trio.sleep(3)
            moments.append((number, round(trio.current_time())))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(renew, one, 1)
        nursery.start_soon(renew, two, 1)
        nursery.start_soon(renew, two, 2)
    assert sorted(moments) == [(1, 3), (1, 6), (2, 3)]


async def test_another_process_that_hangs_is_not_waited_for_for_ever(path, autojump_clock):
    store = FileStore(path, Defaults())
    with lock_beside(store.path, "renewal-1"), pytest.raises(Locked):
        async with store.renewing(1):
            pass
    assert trio.current_time() == pytest.approx(90)


async def test_where_no_lock_can_be_made_there_is_no_waiting(tmp_path):
    (tmp_path / "file").write_text("")
    store = FileStore(tmp_path / "file" / "credentials.json", Defaults())
    began = trio.current_time()
    async with store.renewing(1):
        assert trio.current_time() - began < 5  # a lock that is held is waited for 90 s


async def test_the_news_that_another_task_has_just_read_are_waited_for(path, monkeypatch):
    """A renewal is being written, with what an editor has added: the file knows no news, and nobody has been told."""
    store = await opened(path)
    path.write_text(json.dumps([*json.loads(path.read_text()), social("c")]))
    fsync, reached, go = os.fsync, threading.Event(), threading.Event()

    def slow(descriptor):
        reached.set()
        go.wait(10)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    known = []

    async def look():
        await store.sync()
        known.extend(store.credentials)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.save, 1, {"accessToken": "aoaNew"})
        await trio.to_thread.run_sync(reached.wait)
        nursery.start_soon(look)
        await trio.testing.wait_all_tasks_blocked()
        assert known == []
        go.set()
    assert known == [1, 2, 3]

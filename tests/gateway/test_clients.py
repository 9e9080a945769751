"""Whose key is whose, and how much each may ask for."""

import json

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.gateway.clients import ANYBODY, DEFAULT, Clients, KeysNotWritten, NameTaken
from kiro_trio.gateway.history import History, Retention
from tests.gateway.test_history import NOON, Clock, settled


def clients(folder, configured: str = "", clock: Clock | None = None) -> Clients:
    clock = clock or Clock()
    return Clients(folder / "keys.json", configured, History(folder / "h.sqlite3", Retention(), clock), clock)


async def test_without_any_key_anybody_may_ask(tmp_path) -> None:
    known = clients(tmp_path)
    await known.open()
    assert not known.required
    assert known.find([]) == known.find(["x"]) == ANYBODY
    assert known.admit(ANYBODY) is None
    assert not (tmp_path / "keys.json").exists()


async def test_made_edited_and_revoked_keys_are_in_the_file(tmp_path) -> None:
    known, other = clients(tmp_path, "sk-configured"), clients(tmp_path)
    key, secret = await known.create("one", per_minute=5)
    with pytest.raises(NameTaken):
        await known.create("one")
    with pytest.raises(NameTaken):
        await known.create(DEFAULT)
    await other.open()
    assert other.find([secret]) == "one"
    assert known.find(["sk-configured"]) == DEFAULT
    assert known.find(["nothing"]) is None
    await other.edit(key.id, {"per_minute": None, "credits_per_month": 3.0})
    await known.open()
    assert (known.keys[0].per_minute, known.keys[0].credits_per_month) == (None, 3.0)
    await known.revoke(key.id)
    assert known.find([secret]) is None
    with pytest.raises(KeyError):
        await known.revoke(key.id)
    assert json.loads((tmp_path / "keys.json").read_text())["keys"] == []


async def test_changes_of_two_processes_do_not_undo_each_other(tmp_path) -> None:
    known, other = clients(tmp_path), clients(tmp_path)
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(known.create, f"a{number}")
            nursery.start_soon(other.create, f"b{number}")
    await known.open()
    assert len(known.keys) == 10


@pytest.mark.parametrize(("old", "new"), [("{", "{ damaged"), ('"digest": "', '"digest": "zz')])
async def test_an_edit_that_cannot_be_written_changes_nothing(tmp_path, old: str, new: str) -> None:
    known = clients(tmp_path)
    key, secret = await known.create("one")
    path = tmp_path / "keys.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(KeysNotWritten):
        await known.revoke(key.id)
    assert known.find([secret]) == "one"
    assert "damaged" in known.problem


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_never_more_than_so_many_in_any_minute(tmp_path_factory, pauses, limit: int) -> None:
    clock = Clock()
    folder = tmp_path_factory.mktemp("k")
    known = clients(folder, clock=clock)
    trio.run(lambda: known.create("one", per_minute=limit))
    times = []
    for pause in pauses:
        clock.now += pause
        refusal = known.admit("one")
        if refusal is None:
            times.append(clock.now)
        else:
            assert 0 < refusal.retry_after <= 60
    for began in times:
        assert sum(began <= at < began + 60 for at in times) <= limit


async def test_a_months_credits_come_back_with_the_month_and_are_remembered(tmp_path) -> None:
    clock = Clock()
    known = clients(tmp_path, clock=clock)
    await known.create("one", credits_per_month=1.0)
    known.charge("one", 0.75)
    assert known.admit("one") is None
    known.charge("one", 0.5)
    refusal = known.admit("one")
    assert refusal is not None
    assert "month" in refusal.message
    clock.now += refusal.retry_after + 1
    assert known.admit("one") is None
    assert known.spent("one") == 0


async def test_what_was_used_before_a_restart_counts(tmp_path, autojump_clock) -> None:
    clock = Clock()
    before = clients(tmp_path, clock=clock)
    await before.create("one", credits_per_month=1.0)
    before._history.note(settled(client="one", credits=2.0, at=NOON))
    after = clients(tmp_path, clock=clock)
    autojump_clock.autojump_threshold = 0.1
    async with trio.open_nursery() as nursery:
        await nursery.start(before._history.run)
        await before._history.last_used()
        await after.open()
        nursery.start_soon(after.run)
        await trio.sleep(1)
        assert after.admit("one") is not None
        nursery.cancel_scope.cancel()

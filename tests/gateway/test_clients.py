"""Whose key is whose, and how much each may ask for."""

import json

import pytest
import trio

from kiro_trio.gateway.clients import ANYBODY, DEFAULT, Clients, KeysNotWritten, NameTaken
from kiro_trio.gateway.history import History, Retention
from tests.gateway.test_history import Clock


def clients(folder, configured: str = "", clock: Clock | None = None) -> Clients:
    clock = clock or Clock()
    return Clients(folder / "keys.json", configured, History(folder / "h.sqlite3", Retention(), clock), clock)


async def test_without_any_key_anybody_may_ask(tmp_path) -> None:
    known = clients(tmp_path)
    await known.open()
    assert not known.required
    assert known.find([]) == known.find(["x"]) == ANYBODY
    assert await known.admit(ANYBODY) is None
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


async def test_while_the_file_is_damaged_nobody_is_anybody(tmp_path) -> None:
    (tmp_path / "keys.json").write_text("{ damaged")
    known = clients(tmp_path)
    await known.open()
    assert known.required
    assert known.find(["x"]) is None

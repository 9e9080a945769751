import pytest

from kiro_trio.credentials.record import Out, Record, encode_records
from kiro_trio.credentials.state import StateFile, state_path


@pytest.fixture
def path(tmp_path):
    return state_path(tmp_path / "credentials.json")


async def loaded(path):
    state = StateFile(path)
    await state.load()
    return state


async def test_what_is_saved_is_loaded(path):
    records = {1: Record(successes=3, outs={"SUSPENDED": Out(5.0)}), 7: Record(arn_mode="WITHOUT")}
    assert await (await loaded(path)).save(records) == records
    assert await StateFile(path).load() == records
    assert path.name == "credentials.state.json"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_two_processes_add_up(path):
    one, two = await loaded(path), await loaded(path)
    await one.save({1: Record(successes=3)})
    assert await two.save({1: Record(successes=4)}) == {1: Record(successes=7)}
    assert await one.save({1: Record(successes=5)}) == {1: Record(successes=9)}


async def test_accounts_that_are_gone_are_dropped_and_new_ones_of_others_kept(path):
    one, two = await loaded(path), await loaded(path)
    await one.save({1: Record(successes=1), 2: Record(successes=2)})
    await two.save({3: Record(successes=3)})
    assert set(await one.save({1: Record(successes=1)})) == {1, 3}


async def test_nothing_is_written_where_nothing_changed(path):
    state = await loaded(path)
    await state.save({1: Record(successes=1)})
    before = path.stat()
    await state.save({1: Record(successes=1)})
    assert path.stat() == before


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"credentials": 5}', b"\xff"])
async def test_a_damaged_file_is_said_and_replaced(path, data):
    path.write_bytes(data)
    state = StateFile(path)
    assert await state.load() == {}
    assert str(path) in state.problem
    await state.save({1: Record(successes=1)})
    assert state.problem == ""
    assert path.read_bytes() == encode_records({1: Record(successes=1)})


async def test_a_file_that_vanishes_loses_no_counts(path):
    state = await loaded(path)
    await state.save({1: Record(successes=5)})
    path.unlink()
    assert await state.save({1: Record(successes=6)}) == {1: Record(successes=6)}
    assert path.exists()


async def test_a_place_that_cannot_be_written_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("")
    state = await loaded(tmp_path / "file" / "state.json")
    assert await state.save({1: Record(successes=6)}) == {1: Record(successes=6)}
    assert "cannot be written" in state.problem

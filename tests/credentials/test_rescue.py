"""Notes of renewed tokens: each stays until it is in the file."""

from kiro_trio.credentials.rescue import Rescue


def test_a_note_that_comes_while_an_earlier_one_is_taken_along_stays(tmp_path):
    path = tmp_path / "credentials.json"
    ours, theirs = Rescue(path), Rescue(path)
    ours.note(1, {"refreshToken": "first"})
    assert ours.noted() == [{1: {"refreshToken": "first"}}]
    theirs.note(1, {"refreshToken": "second"})
    ours.forget()
    assert theirs.noted() == [{1: {"refreshToken": "second"}}]
    theirs.forget()
    assert theirs.notes() == []

"""Characters that come in two halves are put together again, and nothing that has no UTF-8 comes out."""

import json

from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.characters import WholeCharacters, whole_characters, whole_escapes

UNITS = st.text(st.sampled_from("a é\U0001f600\ud83d\ude00\udfff\ud800"), max_size=12)


def in_pieces(pieces: list[str]) -> str:
    characters = WholeCharacters()
    return "".join(map(characters.feed, pieces)) + characters.end()


@given(st.text(max_size=30))
def test_what_is_whole_stays_as_it_is(text: str) -> None:
    assert whole_characters(text) == text
    assert in_pieces(list(text)) == text


@given(st.text(max_size=30))
def test_halves_are_put_together(text: str) -> None:
    units = text.encode("utf-16-le")
    halves = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    assert whole_characters("".join(halves)) == text
    assert in_pieces(halves) == text


@given(st.lists(UNITS, max_size=8))
def test_pieces_change_nothing_and_everything_can_be_sent(pieces: list[str]) -> None:
    found = in_pieces(pieces)
    assert found == whole_characters("".join(pieces))
    assert found.encode().decode() == found


def test_a_half_alone_is_marked() -> None:
    assert whole_characters("a\ud83db") == "a\ufffdb"
    assert in_pieces(["a\ud83d"]) == "a\ufffd"
    assert in_pieces(["\ude00"]) == "\ufffd"


@given(UNITS)
def test_escapes_mean_the_same_when_they_are_whole(text: str) -> None:
    assert json.loads(whole_escapes(json.dumps(text))) == whole_characters(text)


@given(st.text(st.sampled_from("\\u d83eEcC09\n"), max_size=20))
def test_text_that_only_looks_like_an_escape_stays_as_it_is(text: str) -> None:
    assert json.loads(whole_escapes(json.dumps(text))) == text


@given(st.text(st.sampled_from('\\ud83eEcC09"'), max_size=20))
def test_any_escapes_are_read_as_before_but_for_halves(text: str) -> None:
    try:
        meant = json.loads(f'"{text}"')
    except ValueError:
        return
    assert json.loads(f'"{whole_escapes(text)}"') == whole_characters(meant)

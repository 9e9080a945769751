from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.kiro.stop_sequences import StopSequences

LETTERS = st.text("ab", max_size=12)


def cut(pieces, sequences):
    stops = StopSequences(sequences)
    return "".join([*map(stops.feed, pieces), stops.flush()]), stops.found


def first(text: str, sequences: tuple[str, ...]) -> tuple[str, str | None]:
    """As a model does it: stop with the first character that completes a sequence."""
    for end in range(1, len(text) + 1):
        done = [sequence for sequence in sequences if sequence and text[:end].endswith(sequence)]
        if done:
            longest = max(done, key=len)
            return text[: end - len(longest)], longest
    return text, None


@given(
    st.lists(LETTERS, max_size=5), st.lists(LETTERS.filter(lambda text: len(text) < 4), max_size=3).map(tuple)
)
def test_the_answer_ends_where_the_first_sequence_is_complete(pieces, sequences) -> None:
    wanted = first("".join(pieces), sequences)
    assert cut(pieces, sequences) == wanted
    assert cut("".join(pieces), sequences) == wanted


@given(LETTERS, st.lists(LETTERS.filter(bool), max_size=3).map(tuple))
def test_no_more_is_held_back_than_needed(text, sequences) -> None:
    stops = StopSequences(sequences)
    given_out = "".join(map(stops.feed, text))
    if stops.found is None:
        held = text[len(given_out) :]
        assert not held or any(
            len(held) < len(sequence) and sequence.startswith(held) for sequence in sequences
        )


def test_examples() -> None:
    assert cut(["a\n\nHu", "man: b"], ("\n\nHuman:",)) == ("a", "\n\nHuman:")
    assert cut(["a\n\nHu", "mid"], ("\n\nHuman:",)) == ("a\n\nHumid", None)
    assert cut(["xab"], ("ab", "xab")) == ("", "xab")
    assert cut(["abcd"], ("abcd", "b")) == ("a", "b")


def test_nothing_comes_behind_the_end() -> None:
    stops = StopSequences(("x",))
    assert stops.feed("ax b") == "a"
    assert stops.feed("more") == ""
    assert stops.flush() == ""

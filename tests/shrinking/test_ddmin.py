"""Delta debugging: what is left fails, none of it can be spared, and nobody is asked too often."""

from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.shrinking.ddmin import ddmin

SETS = st.integers(0, 14).flatmap(
    lambda size: st.tuples(
        st.just(list(range(size))), st.lists(st.sets(st.integers(0, max(size - 1, 0))), max_size=4)
    )
)


def search(pieces, fails):
    """The result, and all that was asked for."""
    asked, steps = [], ddmin(pieces)
    try:
        candidate = next(steps)
        while True:
            asked.append(candidate)
            candidate = steps.send(fails(candidate))
    except StopIteration as done:
        return done.value, asked


@given(SETS)
def test_what_is_left_fails_and_none_of_it_can_be_spared(case) -> None:
    pieces, culprits = case

    def fails(kept):  # any of the culprits together, or all of it
        return any(one <= set(kept) for one in culprits) or len(kept) == len(pieces)

    left, _ = search(pieces, fails)
    assert fails(left)
    assert not any(fails(left[:index] + left[index + 1 :]) for index in range(len(left)))


@given(st.integers(0, 12), st.randoms(use_true_random=False))
def test_also_of_those_who_answer_as_they_like(size, random) -> None:
    answers = {}

    def fails(kept):
        return kept == tuple(range(size)) or answers.setdefault(kept, random.random() < 0.3)

    left, asked = search(list(range(size)), fails)
    assert fails(left)
    assert not any(fails(left[:index] + left[index + 1 :]) for index in range(len(left)))
    assert len(set(asked)) == len(asked) <= size * size + 3 * size + 1
    assert all(list(one) == sorted(one) for one in asked)


@given(st.integers(1, 500), st.data())
def test_one_culprit_of_many_is_found_with_few_questions(size, data) -> None:
    culprit = data.draw(st.integers(0, size - 1))
    left, asked = search(list(range(size)), lambda kept: culprit in kept)
    assert left == (culprit,)
    assert len(asked) <= 2 * size.bit_length() + 1


def test_of_nothing_nothing_is_left() -> None:
    assert search([], lambda _: True) == ((), [])


def test_what_fails_without_any_piece_needs_none() -> None:
    assert search("abc", lambda _: True) == ((), [()])

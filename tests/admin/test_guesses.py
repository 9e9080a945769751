from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.admin.guesses import EVERY, TRIES, Guesses


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_address_has_a_few_tries_and_gets_more_with_time():
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(TRIES):
        assert guesses.wait("a") is None
        guesses.wrong("a")
    wait = guesses.wait("a")
    assert wait is not None
    assert 0 < wait <= EVERY
    assert guesses.wait("b") is None
    clock.now += wait
    assert guesses.wait("a") is None
    guesses.wrong("a")
    assert guesses.wait("a") is not None


@given(st.lists(st.floats(0, 60), max_size=200))
def test_never_more_than_the_rate_allows(pauses: list[float]):
    clock = Clock()
    guesses, made = Guesses(clock), 0
    for pause in pauses:
        clock.now += pause
        if guesses.wait("a") is None:
            guesses.wrong("a")
            made += 1
    assert made <= TRIES + (clock.now - 1000.0) / EVERY + 1


def test_the_memory_is_bounded():
    guesses = Guesses(Clock())
    for number in range(10_000):
        guesses.wrong(str(number))
    assert len(guesses._full_at) <= 4096

from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.credentials.affinity import Affinity


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 3), st.floats(0, 20))))
def test_it_is_bounded_and_remembers_the_latest(uses):
    affinity, now, last = Affinity(size=3, ttl=50), 0.0, {}
    for session, number, pause in uses:
        now += pause
        affinity.bind(session, number, now)
        last.pop(session, None)
        last[session] = (number, now)
        assert len(affinity) <= 3
    for session, (number, since) in list(last.items())[-3:]:
        assert affinity.of(session, now) == (number if now - since <= 50 else None)
    for session in list(last)[:-3]:
        assert affinity.of(session, now) is None


def test_no_session_has_no_bond():
    affinity = Affinity()
    affinity.bind("", 1, 0.0)
    assert (affinity.of("", 0.0), len(affinity)) == (None, 0)

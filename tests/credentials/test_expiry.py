from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.credentials.expiry import format_expiry, parse_expiry

MOMENTS = st.integers(10_000_000, 9_999_999_999).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(MOMENTS)
def test_what_is_written_is_read_back_to_the_millisecond(moment):
    seconds = moment.timestamp()
    assert abs(parse_expiry(format_expiry(seconds)) - seconds) <= 0.001


@given(MOMENTS, st.sampled_from([1, 1000]), st.booleans())
def test_epoch_numbers_are_seconds_or_milliseconds(moment, factor, as_text):
    number = int(moment.timestamp()) * factor
    assert parse_expiry(str(number) if as_text else number) == int(moment.timestamp())


@given(
    st.one_of(
        st.none(),
        st.text(),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.lists(st.integers()),
        st.dictionaries(st.text(), st.none()),
    )
)
def test_nothing_raises_and_all_that_is_read_can_be_written(value):
    seconds = parse_expiry(value)
    assert seconds is None or isinstance(format_expiry(seconds), str)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-12-31T02:32:45.144Z", 1767148365.144),
        ("2025-12-31T02:32:45.144123456Z", 1767148365.144123),
        ("2025-12-31T02:32:45Z", 1767148365),
        ("2025-12-31T04:32:45+02:00", 1767148365),
        ("2025-12-31T02:32:45", 1767148365),
        (" 1767148365 ", 1767148365),
        ("1767148365.5", 1767148365.5),
        ("soon", None),
        ("", None),
        (True, None),
        (-1, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_forms_in_the_wild(text, seconds):
    assert parse_expiry(text) == (None if seconds is None else pytest.approx(seconds, abs=1e-6))

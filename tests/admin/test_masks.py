from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.admin.masks import hashed, masked, moment


def test_as_kiro_rs_masks():
    assert masked("ksk_0123456789wxyz") == "ksk_...wxyz"
    assert masked("0123456789abcdef") == "***"
    assert masked("sixteen and more, nicht deutsch: ä") == "***"
    assert masked("") is None


@given(st.text(min_size=1))
def test_never_more_than_eight_characters_of_a_secret(secret: str):
    shown = masked(secret)
    assert shown is not None
    assert len(shown.replace("...", "").replace("***", "")) <= 8
    assert len(secret) <= 16 or secret not in shown


@given(st.text())
def test_hashes_are_those_of_the_text(secret: str):
    told = hashed(secret)
    assert (told is None) == (secret == "")
    assert told is None or len(told) == 64


@given(st.floats() | st.none())
def test_any_number_is_a_moment_or_none(seconds: float | None):
    told = moment(seconds)
    assert told is None or told.endswith("Z")

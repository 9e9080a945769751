import pytest

from kiro_trio.kiro.limits import PromptRefused, guard


def test_what_fits_passes():
    guard("body", 10, 10, "bytes")
    guard("body", 10**9, 0, "bytes")


def test_what_does_not_fit_is_refused_with_its_numbers():
    with pytest.raises(PromptRefused) as refusal:
        guard("body", 11, 10, "bytes", "messages")
    error = refusal.value
    assert str(error) == "prompt is too long: the body would have 11 bytes > 10 maximum"
    assert error.message == str(error)
    assert (error.limit, error.size, error.maximum, error.path, error.status) == (
        "body",
        11,
        10,
        "messages",
        400,
    )

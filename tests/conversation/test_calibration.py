import json

from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.calibration import Calibration

COUNTS = st.integers(0, 2_000_000)
SAMPLES = st.lists(st.tuples(st.sampled_from(["a", "b"]), COUNTS, COUNTS), max_size=20)


def learnt(samples) -> Calibration:
    calibration = Calibration()
    for model, estimated, measured in samples:
        calibration = calibration.learn(model, estimated=estimated, measured=measured)
    return calibration


@given(SAMPLES, COUNTS, COUNTS)
def test_a_correction_is_bounded_and_monotonic(samples, first, second) -> None:
    calibration = learnt(samples)
    low, high = sorted((calibration.apply("a", first), calibration.apply("a", second)))
    assert (low, high) == (
        calibration.apply("a", min(first, second)),
        calibration.apply("a", max(first, second)),
    )
    assert all(0.25 <= ratio <= 4 for ratio in calibration.ratios.values())


@given(SAMPLES)
def test_what_is_stored_is_what_was_learnt(samples) -> None:
    calibration = learnt(samples)
    again = Calibration.from_ratios(json.loads(json.dumps(calibration.ratios)))
    assert again.ratios == calibration.ratios
    assert again.apply("a", 10_000) == calibration.apply("a", 10_000)


def test_it_finds_a_constant_factor_at_once_and_follows_a_change() -> None:
    calibration = learnt([("a", 10_000, 13_000)])
    assert calibration.apply("a", 1000) == 1300
    calibration = learnt([("a", 10_000, 13_000)] * 10 + [("a", 10_000, 9_000)] * 60)
    assert 0.89 < calibration.ratios["a"] < 0.92


def test_one_odd_sample_moves_little() -> None:
    calibration = learnt([("a", 10_000, 10_000)] * 20 + [("a", 10_000, 40_000)])
    assert calibration.ratios["a"] < 1.31


def test_models_are_apart_and_unknown_ones_untouched() -> None:
    calibration = learnt([("a", 10_000, 20_000)])
    assert calibration.apply("b", 777) == 777
    assert Calibration().apply("a", 777) == 777


def test_small_prompts_teach_nothing() -> None:
    assert learnt([("a", 999, 20_000), ("a", 20_000, 999), ("a", 0, 0)]).ratios == {}


def test_the_number_of_models_is_bounded() -> None:
    calibration = learnt(
        [(f"m{number}", 10_000, 11_000) for number in range(300)] + [("m50", 10_000, 11_000)]
    )
    assert len(calibration.ratios) == 256
    assert list(calibration.ratios)[-1] == "m50"
    assert len(Calibration.from_ratios({f"m{number}": 1.0 for number in range(300)}).models) == 256


def test_stored_nonsense_is_pulled_into_bounds() -> None:
    assert Calibration.from_ratios({"a": 99.0, "b": 0.0}).ratios == {"a": 4.0, "b": 0.25}


def test_learning_gives_a_new_value() -> None:
    first = Calibration()
    first.learn("a", estimated=10_000, measured=20_000)
    assert first.ratios == {}

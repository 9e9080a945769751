import pytest

from kiro_trio.conversation.prompt import ThinkingMode, ThinkingWish
from kiro_trio.kiro.catalog import DEFAULT, Resolution
from kiro_trio.kiro.effort import ThinkingPlan, named_wish, plan_thinking
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.kiro.tally import Tally

OFF, ENABLED, ADAPTIVE = ThinkingMode.OFF, ThinkingMode.ENABLED, ThinkingMode.ADAPTIVE
MODELS = DEFAULT.models
SONNET, OPUS = MODELS["claude-sonnet-4.5"], MODELS["claude-opus-4.6"]


def plan(wish, model=SONNET, *, system="", max_tokens=None, **changes):
    tally = Tally()
    return plan_thinking(wish, model, system, max_tokens, RequestOptions(**changes), tally), tally.warnings()


@pytest.mark.parametrize("model", ["claude-sonnet-4.5", "claude-opus-4.6", "gpt-5.6-sol", "glm-5"])
def test_no_wish_no_thinking(model):
    assert plan(ThinkingWish(OFF), MODELS[model]) == (ThinkingPlan(), ())
    left_out = ("effort without thinking left out (1)",)
    assert plan(ThinkingWish(OFF, effort="high"), MODELS[model]) == (ThinkingPlan(), left_out)


@pytest.mark.parametrize(
    ("wish", "effort"),
    [
        (ThinkingWish(ADAPTIVE), "high"),
        (ThinkingWish(ADAPTIVE, effort="low"), "low"),
        (ThinkingWish(ENABLED, 31_999), "high"),
        (ThinkingWish(ENABLED, 12_288), "medium"),
        (ThinkingWish(ENABLED, 1_024), "low"),
        (ThinkingWish(ENABLED, 1_024, "max"), "max"),
    ],
)
def test_native_effort_comes_from_effort_or_budget(wish, effort):
    made, warnings = plan(wish, OPUS)
    assert made.fields == {
        "output_config": {"effort": effort},
        "thinking": {"type": "adaptive", "display": "summarized"},
    }
    assert (made.native, made.by_tags, made.tags) == (True, False, "")
    assert warnings == ()


def test_the_display_of_native_thinking_may_be_left_to_the_model():
    assert plan(ThinkingWish(ADAPTIVE), OPUS, thinking_display="")[0].fields == {
        "output_config": {"effort": "high"}
    }


@pytest.mark.parametrize(("asked", "said"), [("max", "xhigh"), ("xhigh", "xhigh"), ("low", "low")])
def test_gpt_models_have_a_field_of_their_own(asked, said):
    made, _ = plan(ThinkingWish(ADAPTIVE, effort=asked), MODELS["gpt-5.6-sol"])
    assert made.fields == {"reasoning": {"effort": said}}


@pytest.mark.parametrize(
    ("wish", "tags"),
    [
        (
            ThinkingWish(ENABLED, 8_000),
            "<thinking_mode>enabled</thinking_mode><max_thinking_length>8000</max_thinking_length>",
        ),
        (
            ThinkingWish(ADAPTIVE),
            "<thinking_mode>adaptive</thinking_mode><thinking_effort>high</thinking_effort>",
        ),
        (
            ThinkingWish(ADAPTIVE, effort="low"),
            "<thinking_mode>adaptive</thinking_mode><thinking_effort>low</thinking_effort>",
        ),
    ],
)
@pytest.mark.parametrize("model", ["auto", "claude-sonnet-4.5", "claude-haiku-4.5"])
def test_other_claude_models_are_asked_by_tags(wish, tags, model):
    assert plan(wish, MODELS[model]) == (ThinkingPlan(tags=tags, by_tags=True), ())


def test_a_model_that_refused_effort_is_asked_by_tags():
    made, _ = plan(ThinkingWish(ADAPTIVE), OPUS, native_effort=False)
    assert made.by_tags
    assert made.fields is None


@pytest.mark.parametrize("model", ["glm-5", "gpt-5.6-luna"])
def test_models_without_thinking_are_not_asked_for_it(model):
    assert plan(ThinkingWish(ADAPTIVE), MODELS[model]) == (
        ThinkingPlan(),
        ("thinking not available for this model (1)",),
    )


@pytest.mark.parametrize(
    ("budget", "max_tokens", "cap", "said"),
    [
        (31_999, None, 24_576, 24_576),
        (31_999, None, 0, 31_999),
        (24_576, 32_000, 24_576, 24_576),
        (20_000, 10_000, 24_576, 9_999),
        (20_000, 1, 24_576, 1),
        (0, None, 24_576, 1),
        (-5, None, 0, 1),
    ],
)
def test_a_budget_leaves_room_and_says_when_it_is_lowered(budget, max_tokens, cap, said):
    made, warnings = plan(ThinkingWish(ENABLED, budget), max_tokens=max_tokens, thinking_budget=cap)
    assert f"<max_thinking_length>{said}<" in made.tags
    assert warnings == (("thinking budget lowered (1)",) if said != budget else ())


@pytest.mark.parametrize(
    "tag", ["<thinking_mode>enabled</thinking_mode>", "<max_thinking_length>9</max_thinking_length>"]
)
def test_a_client_that_writes_the_tags_itself_is_not_helped(tag):
    for wish in (ThinkingWish(), ThinkingWish(ADAPTIVE)):
        assert plan(wish, OPUS, system=f"S {tag}")[0] == ThinkingPlan(by_tags=True)


@pytest.mark.parametrize(
    ("wish", "resolution", "expected"),
    [
        (ThinkingWish(), Resolution(SONNET), ThinkingWish()),
        (ThinkingWish(), Resolution(SONNET, thinking=True), ThinkingWish(ENABLED)),
        (ThinkingWish(), Resolution(OPUS, thinking=True), ThinkingWish(ADAPTIVE)),
        (ThinkingWish(ENABLED, 5_000), Resolution(OPUS, thinking=True), ThinkingWish(ENABLED, 5_000)),
        (ThinkingWish(), Resolution(SONNET, effort="low"), ThinkingWish(ADAPTIVE, effort="low")),
        (
            ThinkingWish(ADAPTIVE, effort="max"),
            Resolution(OPUS, effort="low"),
            ThinkingWish(ADAPTIVE, effort="low"),
        ),
    ],
)
def test_the_models_name_may_ask_too(wish, resolution, expected):
    assert named_wish(wish, resolution) == expected

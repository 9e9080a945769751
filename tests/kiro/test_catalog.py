import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.kiro.catalog import DEFAULT, Catalog, UnknownModel

AS_RECORDED = [
    ("claude-sonnet-4-5", "claude-sonnet-4.5", False),
    ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5", False),
    ("claude-sonnet-4-6", "claude-sonnet-4.6", False),
    ("claude-sonnet-4-6[1m]", "claude-sonnet-4.6", False),
    ("claude-sonnet-4-20250514", "claude-sonnet-4", False),
    ("claude-opus-4-6", "claude-opus-4.6", False),
    ("claude-opus-4-8", "claude-opus-4.8", False),
    ("claude-opus-5", "claude-opus-5", False),
    ("claude-opus-5-5", "claude-opus-5", True),
    ("claude-sonnet-5-5", "claude-sonnet-5", True),
    ("claude-haiku-5-5", "claude-haiku-4.5", True),
    ("claude-haiku-4-5-20251001", "claude-haiku-4.5", False),
    ("claude-haiku-4.5", "claude-haiku-4.5", False),
    ("claude-3-5-haiku-20241022", "claude-haiku-4.5", True),
    ("claude-3-5-sonnet-latest", "claude-sonnet-4", True),
    ("claude-opus-4-1-20250805", "claude-opus-4.5", True),
    ("claude-opus-4.6-fast", "claude-opus-4.6", True),
    ("auto", "auto", False),
    ("kiro-auto", "auto", False),
    ("kiro/claude-sonnet-4.5", "claude-sonnet-4.5", False),
    (" Claude-Sonnet-4.5 ", "claude-sonnet-4.5", False),
    ("claude-4.5-sonnet", "claude-sonnet-4.5", False),
    ("claude-sonnet-4.0", "claude-sonnet-4", False),
    ("claude-sonnet-4-0", "claude-sonnet-4", False),
    ("CLAUDE_SONNET_4_20250514_V1_0", "claude-sonnet-4", False),
    ("CLAUDE_3_7_SONNET_20250219_V1_0", "claude-sonnet-4", True),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4.5", False),
    ("anthropic/claude-opus-4.5", "claude-opus-4.5", False),
    ("claude-sonnet-4-5@20250929", "claude-sonnet-4.5", False),
    ("opus", "claude-opus-5", False),
    ("haiku", "claude-haiku-4.5", False),
    ("claude-sonnet", "claude-sonnet-5", False),
    ("deepseek-3.2", "deepseek-3.2", False),
    ("gpt-5", "gpt-5", False),
    ("qwen3-max", "qwen3-max", False),
    ("kimi-k2-thinking", "kimi-k2-thinking", False),
    ("claude-fable-5", "claude-fable-5", False),
    ("claude-2.1", "claude-2.1", False),
]


@pytest.mark.parametrize(("asked", "model_id", "substitute"), AS_RECORDED)
def test_what_clients_call_models(asked, model_id, substitute):
    resolution = DEFAULT.resolve(asked)
    assert (resolution.model.id, resolution.substitute) == (model_id, substitute)


@pytest.mark.parametrize(
    ("asked", "model_id", "thinking", "effort"),
    [
        ("claude-sonnet-4-5-20250929-thinking", "claude-sonnet-4.5", True, None),
        ("claude-opus-4-6-thinking", "claude-opus-4.6", True, None),
        ("claude-opus-4.8-high", "claude-opus-4.8", False, "high"),
        ("claude-opus-4-8-xhigh", "claude-opus-4.8", False, "xhigh"),
        ("claude-opus-4-6-thinking-max", "claude-opus-4.6", True, "max"),
        ("claude-opus-5-5-low", "claude-opus-5", False, "low"),
        ("gpt-5.6-sol-medium", "gpt-5.6-sol", False, "medium"),
        ("unknown-high", "unknown-high", False, None),
    ],
)
def test_a_name_may_ask_for_thinking(asked, model_id, thinking, effort):
    resolution = DEFAULT.resolve(asked)
    assert (resolution.model.id, resolution.thinking, resolution.effort) == (model_id, thinking, effort)


@settings(max_examples=60)
@given(st.text(max_size=40) | st.from_regex(r"claude-[a-z0-9.-]{0,20}", fullmatch=True))
def test_every_name_means_some_model_and_its_id_means_the_same(asked):
    model = DEFAULT.resolve(asked).model
    if model.id in DEFAULT.models:
        assert DEFAULT.resolve(model.id).model == model
    else:
        assert model.window == 200_000


def test_every_id_and_every_listed_name_means_its_model():
    for model in DEFAULT.models.values():
        assert DEFAULT.resolve(model.id).model is model
    for line in DEFAULT.listing():
        resolution = DEFAULT.resolve(line.id)
        assert resolution.model.window == line.window
        assert not resolution.substitute
        assert resolution.thinking is line.id.endswith("-thinking")


class TestUnknown:
    def test_claude_models_may_be_passed_on_with_a_guess_at_what_they_are(self):
        passing = DEFAULT.overridden(unknown="pass")
        model = passing.resolve("claude-opus-5-5-high").model
        assert (model.id, model.window, model.effort) == ("claude-opus-5.5", 1_000_000, "output_config")
        assert passing.resolve("claude-3-5-haiku-20241022").model.id == "claude-haiku-3.5"
        assert passing.resolve("claude-3-5-haiku-20241022").model.effort == ""

    @pytest.mark.parametrize("asked", ["claude-opus-5-5", "gpt-5", ""])
    def test_names_may_be_refused(self, asked):
        with pytest.raises(UnknownModel):
            DEFAULT.overridden(unknown="refuse").resolve(asked)


class TestConfiguration:
    def test_models_and_aliases_are_laid_over(self):
        catalog = DEFAULT.overridden(
            models={"claude-opus-5.5": {"window": 2_000_000, "effort": "none"}, "auto": {"name": "Any"}},
            aliases={"Best ": "claude-opus-5.5", "claude-haiku-4.5": "auto"},
        )
        assert catalog.resolve("claude-opus-5-5").model.window == 2_000_000
        assert catalog.resolve("best").model.effort == ""
        assert catalog.resolve("claude-haiku-4-5-20251001").model.id == "auto"
        assert catalog.models["auto"].display_name == "Any"
        assert catalog.models["auto"].window == 200_000
        assert DEFAULT.resolve("best").model.id == "best"

    @pytest.mark.parametrize(
        "fields",
        [
            {"window": "1M"},
            {"window": 0},
            {"size": 1},
            {"effort": "much"},
            {"window": True},
            {"created": "today"},
        ],
    )
    def test_mistakes_are_named(self, fields):
        with pytest.raises(ValueError, match=rf"models\.m: .*{next(iter(fields))}"):
            DEFAULT.overridden(models={"m": fields})


ROW = {
    "modelId": "claude-sonnet-4.6",
    "modelName": "Claude Sonnet 4.6 (new)",
    "rateMultiplier": 1.5,
    "tokenLimits": {"maxInputTokens": 500_000, "maxOutputTokens": 32_000},
}


class TestListAvailableModels:
    @pytest.mark.parametrize("key", ["models", "availableModels"])
    def test_brings_models_in_and_corrects_figures(self, key):
        answer = {key: [ROW, {"modelId": "claude-opus-6", "tokenLimits": {"maxInputTokens": 3_000_000}}]}
        catalog = DEFAULT.enriched(json.dumps(answer).encode())
        model = catalog.models["claude-sonnet-4.6"]
        assert (model.window, model.max_output, model.rate, model.name) == (
            500_000,
            32_000,
            1.5,
            ROW["modelName"],
        )
        assert model.effort == "output_config"
        newcomer = catalog.resolve("claude-opus-6-5").model
        assert (newcomer.id, newcomer.window, newcomer.effort) == (
            "claude-opus-6",
            3_000_000,
            "output_config",
        )
        assert set(DEFAULT.models) < set(catalog.models)
        assert catalog == DEFAULT.enriched(answer)

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"not json",
            b"[]",
            b"{}",
            b'{"models":null}',
            b'{"models":{}}',
            b'{"models":[null,{},{"modelId":3},{"modelId":""}]}',
            b'{"models":[{"modelId":"auto","rateMultiplier":true,"modelName":1,"tokenLimits":3}]}',
            b'{"models":[{"modelId":"auto","rateMultiplier":1.0,"tokenLimits":{"maxInputTokens":-1,"maxOutputTokens":"x"}}]}',
            b'{"models":[{"modelId":"auto","tokenLimits":{"maxInputTokens":1e30,"maxOutputTokens":0.5}}]}',
            b"[" * 100_000,
        ],
    )
    def test_whatever_cannot_be_read_changes_nothing(self, answer):
        assert DEFAULT.enriched(answer) == DEFAULT


class TestListing:
    def test_claude_models_have_anthropics_spelling_and_a_thinking_twin(self):
        lines = {line.id: line for line in DEFAULT.listing()}
        assert list(lines)[:3] == ["auto", "claude-opus-5", "claude-opus-5-thinking"]
        sonnet = lines["claude-sonnet-4-5"]
        assert (sonnet.display_name, sonnet.created_at) == ("Claude Sonnet 4.5", "2025-09-29T00:00:00Z")
        assert (sonnet.window, sonnet.max_output) == (200_000, 64_000)
        assert lines["claude-sonnet-4-5-thinking"].display_name == "Claude Sonnet 4.5 (Thinking)"
        assert lines["claude-opus-5"].created_at == "1970-01-01T00:00:00Z"
        assert "deepseek-3.2-thinking" not in lines
        assert len(DEFAULT.listing(thinking_names=False)) == len(DEFAULT.models)

    def test_one_model_by_any_of_its_names(self):
        assert DEFAULT.listed("claude-sonnet-4-5-20250929").id == "claude-sonnet-4-5-20250929"
        assert DEFAULT.listed("claude-sonnet-4.5-thinking").display_name == "Claude Sonnet 4.5 (Thinking)"
        assert DEFAULT.listed("claude-opus-5-5") is None
        assert DEFAULT.listed("nope") is None


def test_catalogues_are_compared_by_what_is_in_them():
    assert Catalog() == DEFAULT
    assert Catalog(unknown="pass") != DEFAULT

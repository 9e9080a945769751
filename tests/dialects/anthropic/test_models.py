import json
from datetime import UTC, datetime

import pytest
from anthropic.types import ModelInfo
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.models import Page, model_item, models_page, parse_page

ITEMS = [model_item(f"claude-{number}", f"Claude {number}") for number in range(7)]
IDS = [item["id"] for item in ITEMS]


def page(**query: str) -> tuple[list[str], bool]:
    body = json.loads(models_page(ITEMS, parse_page(query)))
    ids = [item["id"] for item in body["data"]]
    assert (body["first_id"], body["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
    return ids, body["has_more"]


def test_the_official_sdk_reads_a_model():
    item = model_item(
        "m",
        "M",
        created_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        max_input_tokens=200_000,
        max_tokens=64_000,
    )
    model = ModelInfo.model_validate(item)
    assert (model.id, model.display_name, model.type) == ("m", "M", "model")
    assert (model.created_at, model.max_input_tokens, model.max_tokens) == (
        datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        200_000,
        64_000,
    )


def test_readers_of_openais_lists_find_their_fields():
    body = json.loads(models_page(ITEMS))
    assert body["object"] == "list"
    assert body["data"][0] | {"object": "model", "created": 0, "owned_by": "kiro"} == body["data"][0]


def test_without_a_limit_everything_is_on_one_page():
    assert page() == (IDS, False)


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        ({"limit": "1000"}, IDS, False),
        ({"limit": "3"}, IDS[:3], True),
        ({"limit": "3", "after_id": "claude-2"}, IDS[3:6], True),
        ({"limit": "3", "after_id": "claude-5"}, IDS[6:], False),
        ({"after_id": "claude-6"}, [], False),
        ({"limit": "2", "before_id": "claude-5"}, IDS[3:5], True),
        ({"limit": "2", "before_id": "claude-1"}, IDS[:1], False),
        ({"limit": "2", "after_id": "claude-0", "before_id": "claude-5"}, IDS[1:3], True),
    ],
)
def test_pages(query, ids, has_more):
    assert page(**query) == (ids, has_more)


@settings(max_examples=20, deadline=None)
@given(limit=st.integers(1, 9))
def test_leafing_through_shows_every_model_once(limit):
    seen: list[str] = []
    more = True
    while more:
        ids, more = page(limit=str(limit), **({"after_id": seen[-1]} if seen else {}))
        seen += ids
    assert seen == IDS


@pytest.mark.parametrize(
    "limit", ["0", "1001", "-1", "many", "1.5", "²", "9" * 5000, "0001" + "9" * 5000, "00100000"]
)
def test_a_wrong_limit_is_refused(limit):
    with pytest.raises(InvalidRequest, match="limit: expected an integer from 1 to 1000"):
        parse_page({"limit": limit})


def test_an_unknown_cursor_is_refused():
    with pytest.raises(InvalidRequest, match="after_id: no model of that id"):
        models_page(ITEMS, Page(after_id="gpt"))

"""Models in Anthropic's shape, with the few fields more that OpenAI's readers look for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kiro_trio.dialects.anthropic.errors import InvalidRequest

# Anthropic's words: "may be set to an epoch value if the release date is unknown".
_UNKNOWN = datetime.fromtimestamp(0, UTC)
_MOST = 1000
_DIGITS = 9  # more are not worth reading


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list a client wants; `limit` None is everything, for OpenAI's readers know no second page."""

    limit: int | None = None
    after_id: str | None = None
    before_id: str | None = None


def parse_page(query: Mapping[str, str]) -> Page:
    """The page that a query string asks for. Raises `InvalidRequest` for a limit that is not from 1 to 1000."""
    limit = query.get("limit")
    if limit and not (
        limit.isascii() and limit.isdigit() and len(limit) <= _DIGITS and 1 <= int(limit) <= _MOST
    ):
        raise InvalidRequest(f"expected an integer from 1 to {_MOST}", "limit")
    return Page(int(limit) if limit else None, query.get("after_id"), query.get("before_id"))


def model_item(
    model_id: str,
    display_name: str,
    *,
    created_at: datetime = _UNKNOWN,
    max_input_tokens: int | None = None,
    max_tokens: int | None = None,
) -> dict[str, Any]:
    """One model: the answer of `GET /v1/models/{id}`, and an item of the list. `created_at` is aware."""
    return {
        "type": "model",
        "id": model_id,
        "display_name": display_name,
        "created_at": created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "max_input_tokens": max_input_tokens,
        "max_tokens": max_tokens,
        "object": "model",
        "created": int(created_at.timestamp()),
        "owned_by": "kiro",
    }


def models_page(items: Sequence[Mapping[str, Any]], page: Page = Page()) -> bytes:
    """The answer of `GET /v1/models`: a page of `items`, each made by `model_item`.

    Raises `InvalidRequest` if the page begins at a model that is not there.
    """
    ids = [item["id"] for item in items]
    begin, end = 0, len(ids)
    if page.after_id is not None:
        begin = _position(ids, page.after_id, "after_id") + 1
    if page.before_id is not None:
        end = _position(ids, page.before_id, "before_id")
    whole = items[begin:end]
    limit = len(whole) if page.limit is None else page.limit
    backwards = page.before_id is not None and page.after_id is None
    part = whole[max(0, len(whole) - limit) :] if backwards else whole[:limit]
    body = {
        "object": "list",
        "data": part,
        "has_more": len(part) < len(whole),
        "first_id": part[0]["id"] if part else None,
        "last_id": part[-1]["id"] if part else None,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _position(ids: list[str], model_id: str, field: str) -> int:
    if model_id not in ids:
        raise InvalidRequest("no model of that id", field)
    return ids.index(model_id)

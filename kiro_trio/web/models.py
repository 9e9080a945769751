"""`GET /v1/models` and `GET /v1/models/{id}`."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from quart import Response, request

from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.models import model_item, models_page, parse_page
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.kiro.catalog import ListedModel

# Claude Code's model discovery, which leaves out what does not begin with one of these.
_DISCOVERY = "claude-code/"
_DISCOVERED = ("claude", "anthropic")


async def list_models(gateway: Gateway) -> Response:
    """List the models that clients may ask for, in pages if they want."""
    lines = gateway.catalog.listing()
    if request.headers.get("user-agent", "").startswith(_DISCOVERY):
        lines = tuple(replace(line, id=_discoverable(line.id)) for line in lines)
    items = [_item(line) for line in lines]
    return Response(models_page(items, parse_page(request.args)), content_type="application/json")


async def retrieve_model(gateway: Gateway, model_id: str) -> Response:
    """Describe one model by any of its names."""
    line = gateway.catalog.listed(model_id)
    if line is None:
        raise InvalidRequest(f"model: {model_id[:200]}", status=404, error_type="not_found_error")
    return Response(json.dumps(_item(line)), content_type="application/json")


def _discoverable(model_id: str) -> str:
    """A name of the model that discovery takes; `kiro_trio.kiro.model_names` knows what it means."""
    return model_id if model_id.startswith(_DISCOVERED) else f"anthropic/{model_id}"


def _item(line: ListedModel) -> dict[str, Any]:
    return model_item(
        line.id,
        line.display_name,
        created_at=datetime.fromisoformat(line.created_at),
        max_input_tokens=line.window,
        max_tokens=line.max_output,
    )

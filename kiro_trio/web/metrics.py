"""`GET /metrics`: the figures of `kiro_trio.gateway.metrics` for Prometheus."""

from quart import Response, request
from werkzeug.exceptions import NotFound, Unauthorized

from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.keys import digest_key, find_key, presented_keys
from kiro_trio.gateway.metrics import CONTENT_TYPE
from kiro_trio.settings import is_loopback


async def show_metrics(gateway: Gateway) -> Response:
    """Return all figures as text, to whom the settings let see them: the owner's key does, and any client's."""
    settings = gateway.settings
    if settings.metrics == "off":
        raise NotFound
    if settings.metrics == "auto" and not is_loopback(settings.host):
        owner = {"owner": digest_key(settings.admin_api_key)} if settings.admin_api_key else {}
        keys = presented_keys(request.headers)
        if find_key(keys, owner) is None and gateway.books.clients.find(keys) is None:
            raise Unauthorized("a key is required for the figures")
    return Response(gateway.metrics.page(), content_type=CONTENT_TYPE)

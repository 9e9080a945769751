"""`GET /metrics`: the figures of `kiro_trio.gateway.metrics` for Prometheus."""

from quart import Response

from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.metrics import CONTENT_TYPE


async def show_metrics(gateway: Gateway) -> Response:
    """Return all figures as text."""
    return Response(gateway.metrics.page(), content_type=CONTENT_TYPE)

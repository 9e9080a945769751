"""`GET /healthz` and `GET /readyz`: for whoever watches over the process. No key is asked for, and nothing is told."""

import json

from quart import Response

from kiro_trio.gateway.gateway import Gateway


async def alive(_gateway: Gateway) -> Response:
    """The process answers."""
    return _answer(200, {"status": "alive"})


async def ready(gateway: Gateway) -> Response:
    """A request would be served: an account can take it, and what it changes (a renewed token) can be kept."""
    checks = {
        "accounts": gateway.keeper.available() > 0,
        "store": await gateway.store_writable(),
        "serving": not gateway.draining,
    }
    good = all(checks.values())
    return _answer(200 if good else 503, {"status": "ready" if good else "not ready", "checks": checks})


def _answer(status: int, content: object) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(json.dumps(content), status, headers, content_type="application/json")

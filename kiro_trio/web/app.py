"""The routes, and what every answer has: a request id, Anthropic's shape for errors, a key at the door, a count."""

import math
from collections.abc import Awaitable, Callable
from functools import partial
from secrets import token_hex

import structlog
import trio
from quart import Response, g, request
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from werkzeug.exceptions import HTTPException

from kiro_trio import __version__
from kiro_trio.dialects.anthropic.errors import InvalidRequest, error_body
from kiro_trio.gateway.clients import ANYBODY, Clients
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.keys import presented_keys
from kiro_trio.web import health, messages, metrics, models, openapi, usage
from kiro_trio.web.connection import Conducted, Connection, when_over
from kiro_trio.web.messages import HELD_PREFIXES, PREFIXES
from kiro_trio.web.problems import BUG, LONGEST_WHY, TOO_SLOW

log = structlog.get_logger(__name__)

TYPE_OF_STATUS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
}
"""Anthropic's error type for the statuses that the web framework answers with; others by their hundred."""


LIMITED = frozenset({messages.create, messages.create_held})
"""Handlers whose requests count for the limits of a client's key."""

COUNTED = {"messages": "messages", "count_tokens": "count_tokens", "models": "models", "admin": "admin"}
"""What an answer is counted as, by a word of its rule; others are `other`."""


class App(QuartTrio):
    """quart-trio with our connection class."""

    asgi_http_class: type[TrioASGIHTTPConnection] = Connection


_DRAINED = 1024 * 1024
_LINGER = 0.25
_DRAIN_PATIENCE = 1.0

Extension = Callable[[App, Gateway], None]
"""Adds routes of another room to the application."""


def make_app(gateway: Gateway, *extensions: Extension) -> App:
    """Build the ASGI application; the gateway's background tasks live in its lifespan."""
    app = App("kiro_trio", static_folder=None)
    app.config.update(
        RESPONSE_TIMEOUT=None,
        BODY_TIMEOUT=gateway.settings.body_timeout,
        MAX_CONTENT_LENGTH=gateway.settings.body_limit,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )

    @app.before_serving
    async def start() -> None:
        await app.nursery.start(gateway.run)

    @app.after_serving
    async def stop() -> None:
        gateway.stop()

    _add_hooks(app, gateway)
    _add_routes(app, gateway)
    for extend in extensions:
        extend(app, gateway)
    return app


def _add_hooks(app: App, gateway: Gateway) -> None:
    @app.before_request
    async def name_it() -> None:
        g.request_id = f"req_{token_hex(12)}"

    @app.before_websocket
    async def refuse_websockets() -> Response:
        await name_it()
        response = problem(400, "invalid_request_error", "websockets are not spoken here")
        response.headers["request-id"] = g.request_id
        return response

    @app.after_request
    async def label(response: Response) -> Response:
        response.headers["request-id"] = g.request_id
        if not isinstance(response, Conducted):  # those are counted and told when they are over
            gateway.metrics.note_answer(_counted_as(), response.status_code)
            _tell(response.status_code)
            if not await _drained():
                response.headers["connection"] = "close"
        return response

    @app.errorhandler(InvalidRequest)
    async def invalid(error: InvalidRequest) -> Response:
        g.why = str(error)
        return Response(error.body(g.request_id), error.status, content_type="application/json")

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        kind = TYPE_OF_STATUS.get(status, "invalid_request_error" if status < 500 else "api_error")  # noqa: PLR2004
        response = problem(status, kind, _explain(error, status, gateway))
        if allowed := getattr(error, "valid_methods", None):
            response.headers["allow"] = ", ".join(sorted(allowed))
        return response

    @app.errorhandler(Exception)
    async def bug(error: Exception) -> Response:
        log.error("bug", request_id=g.request_id, exc_info=error)
        return problem(BUG.status, BUG.error_type, BUG.message)


def _add_routes(app: App, gateway: Gateway) -> None:
    def guarded(handler: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        async def guard(**arguments: str) -> Response:
            keys, clients = presented_keys(request.headers), gateway.books.clients
            name = clients.find(keys)
            if name is None and not keys:
                return problem(401, "authentication_error", "x-api-key or authorization header is required")
            if name is None:
                # Not 401: Claude Code repeats a 401 for almost three minutes before it shows it.
                return problem(403, "permission_error", "the API key is not one of this gateway's keys")
            if name == ANYBODY and "origin" in request.headers:
                # Else any page that is open in a browser of this machine could spend the credits.
                return problem(403, "permission_error", "pages in a browser need a key: set apiKey")
            g.client = name
            refused = await _enter(clients, name) if handler in LIMITED else None
            return refused or await handler(gateway, **arguments)

        return guard

    for held, prefixes in ((False, PREFIXES), (True, HELD_PREFIXES)):
        for prefix in prefixes:
            handler = messages.create_held if held else messages.create
            _route(app, "POST", f"{prefix}/messages", guarded(handler))
            _route(app, "POST", f"{prefix}/messages/count_tokens", guarded(messages.count_tokens))
            _route(app, "GET", f"{prefix}/models", guarded(models.list_models))
            _route(app, "GET", f"{prefix}/models/<path:model_id>", guarded(models.retrieve_model))
            _route(app, "GET", f"{prefix}/kiro-trio/usage", guarded(usage.show_usage))

    async def root() -> Response:
        return Response(f'{{"name":"kiro_trio","version":"{__version__}"}}', content_type="application/json")

    _route(app, "GET", "/", root)
    for path, show in (
        ("/healthz", health.alive),
        ("/readyz", health.ready),
        ("/metrics", metrics.show_metrics),
        ("/openapi.json", openapi.show_document),
    ):
        _route(app, "GET", path, partial(show, gateway))


async def _enter(clients: Clients, name: str) -> Response | None:
    """Count a request for the limits of its client until it is over; an answer if it is one too many."""
    refusal = await clients.admit(name)
    if refusal is None:
        when_over(clients.leave, name)
        return None
    response = problem(429, "rate_limit_error", refusal.message)
    response.headers["retry-after"] = str(math.ceil(refusal.retry_after))
    return response


async def _drained() -> bool:
    """Take what is left of a body that nobody wanted, within reason; whether that was all.

    With a rest unread the connection is closed right behind the answer, which then may never be seen; and a client that is
    not told of it sends its next request into the closing connection.
    """
    left = _DRAINED
    with trio.move_on_after(_DRAIN_PATIENCE):
        try:
            async for chunk in request.body:
                left -= len(chunk)
                if left < 0:
                    return False
        except HTTPException:
            # Too large: quart throws away what comes, and does not say when it has come. Some megabytes come meanwhile.
            await trio.sleep(_LINGER)
            return False
        return True
    return False


def _tell(status: int) -> None:
    """One line for an answer that is no message; those that went well, and strangers' paths, are for the curious."""
    route = _counted_as()
    changed = route == "admin" and request.method not in {"GET", "HEAD"}
    say = log.info if changed or (status >= 400 and route != "other") else log.debug  # noqa: PLR2004
    told = {"client": g.get("client"), "why": g.get("why", "")[:LONGEST_WHY]}
    say(
        "answer",
        request_id=g.request_id,
        route=route,
        method=request.method,
        path=request.path[:LONGEST_WHY],
        status=status,
        **{name: value for name, value in told.items() if value},
    )


def _counted_as() -> str:
    words = request.url_rule.rule.split("/") if request.url_rule else []
    return next((COUNTED[word] for word in reversed(words) if word in COUNTED), "other")


def _route(app: App, method: str, path: str, handler: Callable[..., Awaitable[Response]]) -> None:
    app.add_url_rule(path, endpoint=f"{method} {path}", view_func=handler, methods=[method])


def problem(status: int, error_type: str, message: str) -> Response:
    """Return an error answer in Anthropic's shape."""
    g.why = message
    return Response(error_body(error_type, message, g.request_id), status, content_type="application/json")


def _explain(error: HTTPException, status: int, gateway: Gateway) -> str:
    match status:
        case 404:
            return f"no such path: {request.path[:200]}"
        case 405:
            return f"{request.method} is not possible on {request.path[:200]}"
        case 408:
            return TOO_SLOW.message
        case 413:
            return f"the request body is larger than {gateway.settings.body_limit} bytes"
        case _:
            return error.description or error.name

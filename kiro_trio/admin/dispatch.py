"""From HTTP to a route and back: the key or the cookie, the body's size and shape, one shape for every error."""

import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio
from quart import Request, Response

from kiro_trio.admin.place import Place
from kiro_trio.admin.problems import Kind, Problem, invalid
from kiro_trio.admin.routes import PREFIX, Asked, Nothing, Route, find_route
from kiro_trio.admin.sessions import COOKIE, CSRF_HEADER
from kiro_trio.gateway.keys import digest_key, find_key, presented_keys
from kiro_trio.telemetry import get_logger

BODY_LIMIT = 2 * 1024 * 1024

_LOG = get_logger("admin")

_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with more to it than a JSON value."""

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


async def answer(place: Place, routes: Sequence[Route], request: Request, path: str) -> Response:
    """Answer a request to `path` (behind the prefix); whatever is wrong with it becomes an error answer."""
    try:
        return _respond(await _handle(place, routes, request, path))
    except Problem as problem:
        return _refuse(problem)
    except Exception:  # noqa: BLE001 - a bug in one route must look like every other error
        _LOG.exception("bug", method=request.method, path=path[:200])
        return _refuse(Problem(Kind.INTERNAL, "The gateway has a bug; its log says more."))


async def _handle(place: Place, routes: Sequence[Route], request: Request, path: str) -> Any:
    if not place.gateway.settings.admin_api_key:
        raise Problem(Kind.NOT_FOUND, "the admin API is switched off: there is no adminApiKey")
    found = find_route(routes, request.method, path)
    public = not isinstance(found, frozenset) and found[0].public
    by_cookie = False if public else _authenticate(place, request)
    if isinstance(found, frozenset):
        if found:
            allowed = ", ".join(sorted(found))
            raise Problem(Kind.METHOD, f"{PREFIX}{path[:200]} can be asked with {allowed}")
        raise Problem(Kind.NOT_FOUND, f"no such path: {PREFIX}{path[:200]}")
    route, ids = found
    asked = Asked(
        place, ids, _read_query(route, request), await _read_body(route, request), by_cookie=by_cookie
    )
    return await route.handler(asked)


def address_of(request: Request) -> str:
    """Who asks, for the count of wrong keys."""
    return request.remote_addr or ""


def check_key(place: Place, request: Request, keys: list[str]) -> None:
    """Compare keys with the owner's; raises Problem for wrong ones, and for right ones too after too many of those."""
    address = address_of(request)
    if (wait := place.guesses.wait(address)) is not None:
        raise Problem(Kind.RATE_LIMITED, "too many wrong keys from this address", wait)
    if find_key(keys, {"owner": digest_key(place.gateway.settings.admin_api_key)}) is None:
        place.guesses.wrong(address)
        _LOG.warning("wrong admin key", address=address)
        raise Problem(Kind.AUTHENTICATION, "Invalid or missing admin API key")


def cookie_of(request: Request) -> str:
    """The session's cookie, "" for none."""
    return str(request.cookies.get(COOKIE, ""))


def _authenticate(place: Place, request: Request) -> bool:
    """Let the owner pass: by key, or (True) by cookie; raises Problem for everybody else."""
    if keys := presented_keys(request.headers):
        check_key(place, request, keys)
        return False
    session = place.sessions.find(cookie_of(request), place.gateway.settings.admin_api_key)
    if session is None:
        raise Problem(Kind.AUTHENTICATION, "Invalid or missing admin API key")
    shown = digest_key(request.headers.get(CSRF_HEADER, ""))
    if request.method != "GET" and not hmac.compare_digest(shown, digest_key(session.csrf_token)):
        raise Problem(Kind.FORBIDDEN, f"the {CSRF_HEADER} header is missing or wrong")
    return True


def _read_query(route: Route, request: Request) -> Any:
    if route.query is Nothing:
        return None
    try:
        return msgspec.convert(request.args.to_dict(), route.query, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(f"query: {error}") from None


async def _read_body(route: Route, request: Request) -> Any:
    if route.body is None:
        return None
    data = await _read(request)
    try:
        return msgspec.json.decode(data or b"{}", type=route.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"body: {error}") from None


async def _read(request: Request) -> bytes:
    if (request.content_length or 0) > BODY_LIMIT:
        raise _too_large()
    data = bytearray()
    with trio.move_on_after(request.body_timeout or math.inf) as scope:
        async for chunk in request.body:
            data += chunk
            if len(data) > BODY_LIMIT:
                raise _too_large()
    if scope.cancelled_caught:
        raise invalid("the request body did not arrive in time")
    return bytes(data)


def _too_large() -> Problem:
    return Problem(Kind.TOO_LARGE, f"the request body is larger than {BODY_LIMIT} bytes")


def _respond(result: Any) -> Response:
    if isinstance(result, Response):
        result.headers.extend(_HEADERS)
        return result
    if not isinstance(result, Answer):
        result = Answer(result)
    headers = {**_HEADERS, **result.headers}
    return Response(encoded(result.value), 200, headers, content_type=result.content_type)


def encoded(value: Any) -> bytes:
    """JSON of whatever is answered; half of a surrogate pair, which a file of accounts may hold, has no UTF-8 but an escape."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value)).encode()


def _refuse(problem: Problem) -> Response:
    headers = dict(_HEADERS)
    if problem.retry_after is not None:
        headers["retry-after"] = str(math.ceil(problem.retry_after))
    content = {"error": {"type": problem.kind.word, "message": problem.message}}
    return Response(encoded(content), problem.kind.status, headers, content_type="application/json")

"""Sessions of the owner's page: in with the key, out again."""

from quart import request

from kiro_trio.admin.dispatch import Answer, check_key, cookie_of
from kiro_trio.admin.masks import moment
from kiro_trio.admin.problems import Kind, Problem
from kiro_trio.admin.routes import PREFIX, Asked
from kiro_trio.admin.sessions import COOKIE, LIFETIME, Session
from kiro_trio.admin.shapes import Shape, Success


class Login(Shape):
    """The owner's key."""

    admin_api_key: str


class Entrance(Shape):
    """A session: what to send as `x-csrf-token` with every change, and until when it lasts without a request."""

    csrf_token: str
    expires_at: str | None


async def log_in(asked: Asked) -> Answer:
    """Begin a session: a cookie that no script can read, and a token for changes."""
    key = asked.body.admin_api_key.strip()
    check_key(asked.place, request, [key] if key else [])
    cookie, session = asked.place.sessions.begin(key)
    return Answer(_entrance(session), {"set-cookie": _cookie(cookie, int(LIFETIME))})


async def show_session(asked: Asked) -> Entrance:
    """The session of the cookie: what a page asks when it was loaded anew."""
    key = asked.place.gateway.settings.admin_api_key
    session = asked.place.sessions.find(cookie_of(request), key) if asked.by_cookie else None
    if session is None:
        raise Problem(Kind.NOT_FOUND, "this request has a key and no session")
    return _entrance(session)


async def log_out(asked: Asked) -> Answer:
    """End the session."""
    asked.place.sessions.end(cookie_of(request))
    return Answer(Success(message="logged out"), {"set-cookie": _cookie("", 0)})


def _entrance(session: Session) -> Entrance:
    return Entrance(csrf_token=session.csrf_token, expires_at=moment(session.expires_at))


def _cookie(value: str, age: int) -> str:
    secure = request.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"
    flags = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path={PREFIX}; Max-Age={age}; HttpOnly; SameSite=Strict{flags}"

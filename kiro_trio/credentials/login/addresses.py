"""The addresses of a sign-in: an organisation's start URL, the address to open, the one that comes back. Pure."""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from kiro_trio.credentials.login.desk import SignInFailed

CALLBACK_PATH = "/oauth/callback"
"""Where the browser comes back to, on this machine. Source: docs/wire.md, "Sign-in"."""

_LONGEST = 8192
_ERROR_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class InvalidStartUrl(ValueError):
    """The start URL of an organisation cannot be one."""


class NotOurCallback(ValueError):
    """An address that does not finish this sign-in; the message says why and repeats nothing of it."""


def read_start_url(text: str) -> str:
    """An organisation's start URL as the service knows it, from what people copy out of their browser.

    Raises:
        InvalidStartUrl: it is none; the message repeats no part of it but the scheme.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidStartUrl("is not an address") from None
    if parts.scheme != "https":
        raise InvalidStartUrl("must begin with https://, such as https://d-1234567890.awsapps.com/start")
    if not host or "." not in host or parts.username is not None or not text.strip().isascii():
        raise InvalidStartUrl("has no host such as d-1234567890.awsapps.com")
    # The portal adds "#/" and the browser keeps it; the service compares texts.
    place = host if port is None else f"{host}:{port}"
    return f"https://{place}{parts.path.rstrip('/')}"


def with_query(address: str, fields: Mapping[str, str]) -> str:
    """`address` with a query of those fields that are not empty."""
    return f"{address}?{urlencode({name: value for name, value in fields.items() if value})}"


def redirect_uri(port: int) -> str:
    """Where the browser comes back to when we listen on `port`."""
    return f"http://127.0.0.1:{port}{CALLBACK_PATH}"


def read_callback(address: str, state: str) -> str:
    """The code in the address with which the browser came back: a whole one, its path with the query, or the query.

    Raises:
        NotOurCallback: it has no code, or not the `state` of this sign-in.
        SignInFailed: the provider says no, in an answer to this sign-in.
    """
    found = _fields(address)
    if not found.keys() & {"code", "error"}:
        raise NotOurCallback("there is no code in it: copy the whole address out of the address bar")
    if not hmac.compare_digest(found.get("state", "").encode("utf-8", "surrogatepass"), state.encode()):
        raise NotOurCallback("it belongs to another sign-in: use the page that was opened last")
    if "error" in found:
        code = found["error"] if _ERROR_CODE.fullmatch(found["error"]) else "an unknown error"
        raise SignInFailed(f"the sign-in was refused: {code}")
    return found["code"]


def _fields(address: str) -> dict[str, str]:
    text = address.strip().strip("'\"<>").strip()[:_LONGEST]
    query = text.partition("#")[0]
    query = query.partition("?")[2] if "?" in query else query
    try:
        return {name: values[0] for name, values in parse_qs(query, max_num_fields=50).items()}
    except ValueError:
        return {}

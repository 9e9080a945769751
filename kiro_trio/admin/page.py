"""The owner's page at `/admin`: the files of `static`, read once when the application is made.

What is none of them is not found, so that no path leads anywhere else. The page is told to run nothing but these files and to talk to nobody but this gateway.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quart import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound

FOLDER = Path(__file__).parent / "static"
PREFIX = "/admin"
START = "index.html"
METHODS = ("GET", "HEAD")

TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served, by the end of its name."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

_HEADERS = {
    # Asked for anew with every load, and answered by 304: an upgraded gateway never meets the page of the one before.
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent; `tag` is its entity tag, without quotes."""

    body: bytes
    content_type: str
    tag: str


def read_files(folder: Path = FOLDER) -> Mapping[str, StaticFile]:
    """The files of the page by name; the page itself is `""` too."""
    files = {path.name: _read(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES}
    return {**files, "": files[START]}


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    return StaticFile(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:32])


def serve_file(files: Mapping[str, StaticFile], name: str, request: Request) -> Response:
    """Answer a request for a file.

    Raises:
        NotFound: there is no such file.
        MethodNotAllowed: it can only be read.
    """
    file = files.get(name)
    if file is None:
        raise NotFound
    if request.method not in METHODS:
        raise MethodNotAllowed(METHODS)
    response = Response(file.body, 200, _HEADERS, content_type=file.content_type)
    response.set_etag(file.tag)
    if request.if_none_match.contains_weak(file.tag):
        response.status_code = 304
        response.set_data(b"")
        del response.headers["content-length"]
    return response

"""The page's files as they are served: those and no others, with what keeps a page to itself."""

import re

import trio

from kiro_trio.admin.page import FOLDER, TYPES, read_files
from tests.admin.owner import ADMIN_KEY, owner
from tests.end_to_end.house import KEY

FILES = sorted(path.name for path in FOLDER.iterdir())

# As a client would never send them by itself: they go over a plain socket.
STRANGE = [
    "/admin/../mount.py",
    "/admin/../../../../etc/passwd",
    "/admin/%2e%2e/mount.py",
    "/admin/..%2fmount.py",
    "/admin/..%5cmount.py",
    "/admin/..\\mount.py",
    "/admin/%2e%2e%2f%2e%2e%2fpyproject.toml",
    "/admin/%252e%252e/mount.py",
    "/admin/static/app.js",
    "/admin//app.js",
    "/admin/./app.js",
    "/admin/app.js/",
    "/admin/APP.JS",
    "/admin/app.js%00",
    "/admin/app.js%00.css",
    "/admin/mount.py",
    "/admin/__init__.py",
    "/admin/.",
    "/admin/%2f",
    "/adminapp.js",
    "/admin;/app.js",
]


async def raw(me, request: str) -> tuple[int, str]:
    async with await trio.open_tcp_stream("127.0.0.1", me.here.port) as stream:
        await stream.send_all(f"{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        answer = b""
        with trio.fail_after(5):
            while data := await stream.receive_some(65536):
                answer += data
    return int(answer.split(None, 2)[1]), answer.decode("utf-8", "replace")


async def test_every_file_is_served_for_what_it_is(tmp_path) -> None:
    assert {"index.html", "app.js", "base.css", "icon.svg"} <= set(FILES)
    async with owner(tmp_path) as me:
        for name in ("", *FILES):
            answer = await me.here.http.get(f"/admin/{name}")
            assert answer.status_code == 200
            assert answer.content == (FOLDER / (name or "index.html")).read_bytes()
            assert answer.headers["content-type"] == TYPES[f".{(name or 'index.html').rpartition('.')[2]}"]
        bare = await me.here.http.get("/admin")
    assert bare.text == (FOLDER / "index.html").read_text()


async def test_it_runs_nothing_but_its_own_files_and_talks_to_nobody_else(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for path in ("/admin", "/admin/app.js", "/admin/base.css"):
            headers = (await me.here.http.get(path)).headers
            policy = dict(
                part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
            )
            assert policy == {
                "default-src": "'none'",
                "script-src": "'self'",
                "style-src": "'self'",
                "img-src": "'self' data:",
                "connect-src": "'self'",
                "form-action": "'none'",
                "frame-ancestors": "'none'",
                "base-uri": "'none'",
                "require-trusted-types-for": "'script'",
                "trusted-types": "'none'",
            }
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert "set-cookie" not in headers
            assert "access-control-allow-origin" not in headers


async def test_no_path_leads_anywhere_else(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert (await raw(me, "GET /admin/app.js"))[0] == 200
        answers = {path: await raw(me, f"GET {path}") for path in STRANGE}
    assert {path: status for path, (status, _) in answers.items() if status not in {400, 404}} == {}
    for _, answer in answers.values():
        for inside in ("import", "root:", "build-system", "export "):
            assert inside not in answer


async def test_a_file_is_asked_for_anew_and_sent_only_when_it_changed(tmp_path) -> None:
    async with owner(tmp_path) as me:
        http = me.here.http
        first = await http.get("/admin/app.js")
        tag = first.headers["etag"]
        again = await http.get("/admin/app.js", headers={"if-none-match": f'"x", W/{tag}'})
        other = await http.get("/admin/app.js", headers={"if-none-match": '"x"'})
        head = await http.head("/admin/app.js")
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "content-security-policy" in again.headers
    assert other.status_code == 200
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))


async def test_files_have_tags_of_their_own() -> None:
    files = read_files()
    tags = [file.tag for name, file in files.items() if name]
    assert len(set(tags)) == len(tags)


async def test_it_can_only_be_read(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = await me.here.http.request(method, "/admin/app.js")
            assert answer.status_code == 405
            assert answer.headers["allow"] == "GET, HEAD"
        status, _ = await raw(me, "TRACE /admin")
    assert status == 405


async def test_without_a_key_there_is_no_page(tmp_path) -> None:
    async with owner(tmp_path, admin_api_key="") as me:
        for method in ("GET", "HEAD", "POST"):
            for path in ("/admin", "/admin/", "/admin/app.js"):
                answer = await me.here.http.request(method, path, headers={"x-api-key": KEY})
                assert answer.status_code == 404
                assert "html" not in answer.headers["content-type"]


async def test_the_page_needs_no_key_and_tells_nothing(tmp_path) -> None:
    async with owner(tmp_path) as me:
        answer = await me.here.http.get("/admin")
    assert answer.status_code == 200
    for secret in (ADMIN_KEY, KEY, "user1@example.com"):
        assert secret not in answer.text


async def test_the_sessions_cookie_is_for_the_api_only(tmp_path) -> None:
    async with owner(tmp_path) as me:
        login = await me.here.http.post("/api/admin/session", json={"adminApiKey": ADMIN_KEY})
        page = await me.here.http.get("/admin")
        api = await me.here.http.get("/api/admin/session")
        change = await me.here.http.post("/api/admin/reload")
    flags = login.headers["set-cookie"]
    assert {"Path=/api/admin", "HttpOnly", "SameSite=Strict"} <= set(flags.split("; "))
    assert "cookie" not in page.request.headers
    assert re.search(r"kiro_trio_admin=", api.request.headers["cookie"])
    assert (api.status_code, change.status_code) == (200, 403)

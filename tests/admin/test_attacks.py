"""What a page of somebody else's, a guest and a careless link can do to the owner's API: nothing."""

import json
import re

import httpx
import pytest

from kiro_trio.admin.table import ROUTES
from tests.admin.owner import ADMIN_KEY, Owner, Pieces, owner
from tests.end_to_end.house import KEY, prompt

SCRIPT = "<img src=x onerror=alert(1)>"
CHANGES = [route for route in ROUTES if route.changes and not route.public]
WITH_BODY = [route for route in ROUTES if route.body is not None]

# One that would work, for those that look at it before anything else.
BODIES = {
    "/credentials": {"refreshToken": "r" * 120},
    "/credentials/{id}": {"priority": 3},
    "/credentials/{id}/disabled": {"disabled": True},
    "/credentials/{id}/priority": {"priority": 7},
    "/credentials/import": {"text": "r" * 120, "verify": False},
    "/credentials/export": {"confirm": True, "adminApiKey": ADMIN_KEY},
    "/sign-ins": {"provider": "google"},
    "/keys": {"name": "intruder"},
    "/config/load-balancing": {"mode": "balanced"},
    "/config/log-level": {"level": "debug"},
}


def where(route) -> str:
    return "/api/admin" + re.sub(r"\{\w+\}", "1", route.path)


async def state(me: Owner) -> list[object]:
    accounts = [(entry["id"], entry.get("priority"), entry.get("disabled")) for entry in me.file]
    return [accounts, *[await me.get(path) for path in ("/keys", "/sign-ins", "/config")]]


async def logged_in(me: Owner) -> str:
    answer = await me.here.http.post("/api/admin/session", json={"adminApiKey": ADMIN_KEY})
    return answer.json()["csrfToken"]


FOREIGN = {
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "a form with text": {"content-type": "text/plain"},
    "a foreign page": {"origin": "https://evil.example", "content-type": "application/json"},
    "an empty token": {"x-csrf-token": ""},
    "a made-up token": {"x-csrf-token": "x" * 43},
    "a token of bytes": {"x-csrf-token": "\x80\xff"},
}


async def test_a_cookie_alone_changes_nothing(tmp_path) -> None:
    assert {route.path for route in CHANGES} >= set(BODIES)
    async with owner(tmp_path) as me:
        await logged_in(me)
        before = await state(me)
        for route in CHANGES:
            content = json.dumps(BODIES.get(route.path, {})).encode()
            for what, headers in FOREIGN.items():
                coded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
                answer = await me.here.http.request(
                    route.method, where(route), content=content, headers=coded
                )
                assert answer.status_code == 403, (route.path, what)
                assert "access-control-allow-origin" not in answer.headers
        assert await state(me) == before


async def test_the_token_of_one_session_opens_no_other(tmp_path) -> None:
    async with owner(tmp_path) as me:
        foreign = await logged_in(me)
        mine = await logged_in(me)  # the browser has the second cookie now
        for token, status in ((foreign, 403), (mine, 200)):
            answer = await me.here.http.post(
                "/api/admin/credentials/1/priority", json={"priority": 1}, headers={"x-csrf-token": token}
            )
            assert answer.status_code == status


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "a=b; c", "\x80", "A" * 5000])
async def test_made_up_cookies_open_nothing(tmp_path, cookie) -> None:
    async with owner(tmp_path) as me:
        await logged_in(me)
        async with httpx.AsyncClient(base_url=me.here.url, trust_env=False) as http:
            header = [(b"cookie", f"kiro_trio_admin={cookie}".encode("latin-1"))]
            answer = await http.get("/api/admin/credentials", headers=header)
        assert answer.status_code == 401


async def test_a_preflight_allows_nobody_anything(tmp_path) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with owner(tmp_path) as me:
        for path in ("/api/admin/credentials", "/api/admin/sign-ins", "/v1/messages"):
            answer = await me.here.http.options(path, headers=headers)
            assert answer.status_code in {401, 404, 405}
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_script_comes_back_as_data_if_at_all(tmp_path) -> None:
    """Wherever it is put, what comes back is JSON that no browser takes for a page."""
    async with owner(tmp_path) as me:
        await me.do("PATCH", "/credentials/1", {"email": SCRIPT})
        await me.here.post(prompt(model=SCRIPT))
        answers = [
            await me.ask("GET", f"/{SCRIPT}"),
            await me.ask("GET", f"/requests?outcome={SCRIPT}"),
            await me.ask("GET", f"/requests?limit={SCRIPT}"),
            await me.ask("GET", "/credentials", headers={"accept": "text/html", "x-request-id": SCRIPT}),
            await me.ask("POST", "/keys", {"name": SCRIPT}),
            await me.ask("POST", "/sign-ins", {"provider": SCRIPT}),
            await me.ask("POST", "/sign-ins", {"provider": "idc", "startUrl": f"https://{SCRIPT}/start"}),
            await me.ask("POST", "/sign-ins/1/address", {"address": SCRIPT}),
            await me.ask("POST", "/credentials/import", {"text": SCRIPT, "dryRun": True}),
            await me.ask("GET", "/requests"),
            await me.ask("GET", "/live"),
            await me.here.http.get("/api/admin/credentials", headers={"x-api-key": SCRIPT}),
        ]
        for answer in answers:
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "x-request-id" not in answer.headers
        assert SCRIPT in answers[3].text  # the owner's own name for an account is told as it is
        figures = (await me.here.http.get("/metrics")).text
        assert "<img" not in figures
        for path in (f"/{SCRIPT}", f"/v1/models/{SCRIPT}"):
            answer = await me.here.http.get(path, headers={"x-api-key": KEY})
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: f"{route.method} {route.path}")
async def test_no_route_reads_a_body_without_end_or_bottom(tmp_path, route) -> None:
    async with owner(tmp_path) as me:
        key = {"x-api-key": ADMIN_KEY}
        for content, status in ((b" " * (2 * 1024 * 1024 + 1), 413), (b"[" * 200_000, 400), (b"\xff", 400)):
            request = me.here.http.build_request(route.method, where(route), content=content, headers=key)
            request.stream = Pieces(content)
            answer = await me.here.http.send(request)
            assert answer.status_code == status
            assert set(answer.json()["error"]) == {"type", "message"}
            assert len(answer.content) < 1000


TRAVERSALS = [
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "1%00",
    "1%0d%0aset-cookie: a=b",
    "-",
    "1;2",
]


async def test_no_word_of_a_path_leads_to_a_file(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for route in ROUTES:
            for word in TRAVERSALS if "{" in route.path else ():
                url = "/api/admin" + re.sub(r"\{\w+\}", lambda _, word=word: word, route.path)
                answer = await me.here.http.request(
                    route.method, url, content=b"{}", headers={"x-api-key": ADMIN_KEY}
                )
                assert answer.status_code in {400, 404, 405}, (route.path, word, answer.text)
                assert "root:" not in answer.text
                assert "refreshToken" not in answer.text
                assert "set-cookie" not in answer.headers


async def test_an_import_reads_no_file_that_was_not_offered(tmp_path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps([{"refreshToken": "r" * 120}]))
    async with owner(tmp_path) as me:
        for path in ("/etc/passwd", str(tmp_path / "mine.json"), "../credentials.json", "file:///etc/passwd"):
            answer = await me.ask("POST", "/credentials/import", {"stores": [path], "dryRun": True})
            assert (answer.status_code, "root:" in answer.text) == (400, False)

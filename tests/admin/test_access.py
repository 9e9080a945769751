"""Who gets in and who does not: keys, guesses, cookies, foreign pages, strange paths and large bodies."""

import itertools

import pytest
import trio

from kiro_trio.admin.guesses import TRIES
from tests.admin.owner import ADMIN_KEY, Pieces, owner
from tests.end_to_end.house import KEY
from tests.web.served import get


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": ADMIN_KEY},
        {"authorization": f"Bearer {ADMIN_KEY}"},
        {"authorization": f"bearer {ADMIN_KEY}"},
    ],
)
async def test_either_header_opens(tmp_path, headers) -> None:
    async with owner(tmp_path) as me:
        answer = await me.here.http.get("/api/admin/credentials", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


STRANGERS = [{}, {"x-api-key": "wrong"}, {"x-api-key": KEY}, {"x-api-key": ""}]
PLACES = ["/credentials", "/nowhere", "/config", "/openapi.json"]


async def test_others_stay_outside(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for path, headers in itertools.product(PLACES, STRANGERS):
            answer = await me.here.http.get(f"/api/admin{path}", headers=headers)
            assert answer.status_code == 401
            assert answer.json() == {
                "error": {"type": "authentication_error", "message": "Invalid or missing admin API key"}
            }


async def test_the_owners_key_is_no_clients_key(tmp_path) -> None:
    async with owner(tmp_path) as me:
        answer = await me.here.http.get("/v1/models", headers={"x-api-key": ADMIN_KEY})
    assert answer.status_code == 403


async def test_wrong_keys_are_slowed_down_and_a_session_is_not(tmp_path) -> None:
    async with owner(tmp_path) as me:
        http = me.here.http
        entrance = (await http.post("/api/admin/session", json={"adminApiKey": ADMIN_KEY})).json()
        statuses = [
            (await http.get("/api/admin/status", headers={"x-api-key": f"wrong{number}"})).status_code
            for number in range(TRIES + 3)
        ]
        right = await http.get("/api/admin/status", headers={"x-api-key": ADMIN_KEY})
        login = await http.post("/api/admin/session", json={"adminApiKey": ADMIN_KEY})
        cookie = await http.get("/api/admin/status")
    assert statuses == [401] * TRIES + [429] * 3
    assert (right.status_code, right.json()["error"]["type"]) == (429, "rate_limit_error")
    assert 1 <= int(right.headers["retry-after"]) <= 10
    assert login.status_code == 429
    assert cookie.status_code == 200
    assert entrance["csrfToken"]


async def test_a_session_needs_its_token_for_changes(tmp_path) -> None:
    change = {"disabled": True}
    async with owner(tmp_path) as me:
        http = me.here.http
        login = await http.post("/api/admin/session", json={"adminApiKey": ADMIN_KEY})
        token = login.json()["csrfToken"]
        again = (await http.get("/api/admin/session")).json()["csrfToken"]
        seen = await http.get("/api/admin/credentials")
        bare = await http.post("/api/admin/credentials/1/disabled", json=change)
        wrong = await http.post(
            "/api/admin/credentials/1/disabled", json=change, headers={"x-csrf-token": token[:-1] + "~"}
        )
        assert not me.file[0].get("disabled")
        right = await http.post(
            "/api/admin/credentials/1/disabled", json=change, headers={"x-csrf-token": token}
        )
        out = await http.delete("/api/admin/session", headers={"x-csrf-token": token})
        after = await http.get("/api/admin/credentials", headers={"cookie": login.headers["set-cookie"]})
    cookie = login.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/api/admin" in cookie
    assert ADMIN_KEY not in cookie
    assert again == token
    assert seen.status_code == 200
    assert (bare.status_code, bare.json()["error"]["type"]) == (403, "permission_error")
    assert wrong.status_code == 403
    assert right.status_code == 200
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert after.status_code == 401


async def test_behind_tls_the_cookie_is_for_tls_only(tmp_path) -> None:
    async with owner(tmp_path) as me:
        answer = await me.here.http.post(
            "/api/admin/session", json={"adminApiKey": ADMIN_KEY}, headers={"x-forwarded-proto": "https"}
        )
    assert "; Secure" in answer.headers["set-cookie"]


async def test_a_login_with_anything_else_is_refused(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for body in ({"adminApiKey": "wrong"}, {"adminApiKey": ""}, {}, {"adminApiKey": 5}, []):
            answer = await me.here.http.post("/api/admin/session", json=body)
            assert answer.status_code in {400, 401}
            assert "set-cookie" not in answer.headers


STRANGE = [
    "/../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/credentials/../credentials",
    "/credentials/%2e%2e/1",
    "/credentials/1/../../../v1/models",
    "/credentials/1%00/reset",
    "/requests/%2e%2e%2f%2e%2e%2fcredentials.json",
    "//credentials",
    "/credentials/",
    "/" + "x" * 4000,
]


async def test_strange_paths_lead_nowhere(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for path in STRANGE:
            async with await trio.open_tcp_stream("127.0.0.1", me.here.port) as stream:
                status, body = await get(stream, f"/api/admin{path}", [("x-api-key", ADMIN_KEY)])
            assert status in {400, 404}, path
            assert b"root:" not in body
            assert b"refreshToken" not in body


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(tmp_path, chunked: bool) -> None:
    large = b'{"refreshToken":"' + b"x" * (2 * 1024 * 1024) + b'"}'

    async with owner(tmp_path) as me:
        http = me.here.http
        request = http.build_request(
            "POST", "/api/admin/credentials", headers={"x-api-key": ADMIN_KEY}, content=large
        )
        if chunked:
            del request.headers["content-length"]
            request.headers["transfer-encoding"] = "chunked"
        request.stream = Pieces(large)
        answer = await http.send(request)
        assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")
        assert (await me.ask("GET", "/status")).status_code == 200


async def test_other_methods_are_named(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert await me.refused("PUT", "/credentials") == (405, "method_not_allowed")
        assert await me.refused("PATCH", "/keys") == (405, "method_not_allowed")
        assert await me.refused("GET", "/nowhere") == (404, "not_found")
        assert (await me.ask("OPTIONS", "/credentials")).status_code == 405


async def test_an_export_wants_the_key_once_more_from_a_page(tmp_path) -> None:
    async with owner(tmp_path) as me:
        http = me.here.http
        token = (await http.post("/api/admin/session", json={"adminApiKey": ADMIN_KEY})).json()["csrfToken"]
        asks = [
            {"confirm": True},
            {"confirm": True, "adminApiKey": "wrong"},
            {"confirm": False, "adminApiKey": ADMIN_KEY},
            {"confirm": True, "adminApiKey": ADMIN_KEY},
        ]
        statuses = [
            (
                await http.post("/api/admin/credentials/export", json=ask, headers={"x-csrf-token": token})
            ).status_code
            for ask in asks
        ]
    assert statuses == [401, 401, 400, 200]

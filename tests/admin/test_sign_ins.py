"""Signing in over the owner's API: what is asked and answered, to the last field. `tests/gateway` has every way and its ends."""

from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import trio

from kiro_trio.admin.sign_ins import _at_home
from kiro_trio.gateway.sign_ins import MOST
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.simulator import Simulator
from tests.admin.owner import followed, owner
from tests.end_to_end.house import prompt

# A browser somewhere else: no port of this machine is listened on for it.
ELSEWHERE = {"x-forwarded-for": "203.0.113.7"}
START_URL = "https://d-1234567890.awsapps.com/start"
FIELDS = {
    "id", "provider", "method", "state", "url", "userCode", "redirectUri", "needsAddress", "startedAt", "expiresAt",
    "message", "credentialId", "email", "subscriptionTitle", "remaining", "replaced",
}  # fmt: skip


def nobody(*newcomers, **options):
    simulator = Simulator(accounts=[*newcomers], **options)
    simulator.sign_in.pending_polls = 10**6
    return simulator


async def begin(me, **wish):
    answer = await me.ask("POST", "/sign-ins", wish, headers=ELSEWHERE)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == FIELDS
    return answer.json()


async def browse(url):
    async with httpx.AsyncClient(trust_env=False) as browser:
        return await browser.get(url)


async def test_a_builder_id_from_the_code_to_the_first_answer(tmp_path) -> None:
    (tmp_path / "credentials.json").write_text("[]")
    one = Account("b@example.com", "builder-id")
    async with owner(tmp_path, nobody(one)) as me:
        begun = await begin(me, provider="builder-id", priority=4)
        assert (begun["method"], begun["state"], begun["needsAddress"]) == ("device", "waiting", False)
        assert begun["userCode"] in begun["url"]
        assert begun["redirectUri"] is begun["credentialId"] is begun["email"] is begun["remaining"] is None
        assert begun["expiresAt"] - begun["startedAt"] == pytest.approx(600, abs=3)
        assert await me.get("/sign-ins") == {"signIns": [begun]}
        assert (await browse(begun["url"])).status_code == 200
        done = await followed(me, begun["id"])
        assert done | {"startedAt": 0, "expiresAt": 0} == {
            **begun,
            "startedAt": 0,
            "expiresAt": 0,
            "state": "done",
            "message": "Stored as account 1.",
            "credentialId": 1,
            "email": "b@example.com",
            "subscriptionTitle": "KIRO PRO",
            "remaining": 987.5,
        }
        [account] = (await me.get("/credentials"))["credentials"]
        assert (account["email"], account["priority"], account["standing"]) == ("b@example.com", 4, "ready")
        assert account["balance"]["remaining"] == 987.5
        assert (await me.here.post(prompt(stream=False))).status_code == 200


@pytest.mark.parametrize("provider", ["google", "github"])
async def test_a_pasted_address_finishes_and_a_wrong_one_does_not(tmp_path, provider) -> None:
    (tmp_path / "credentials.json").write_text("[]")
    async with owner(tmp_path, nobody(Account("s@example.com"))) as me:
        begun = await begin(me, provider=provider)
        assert (begun["method"], begun["needsAddress"], begun["userCode"]) == ("browser", True, None)
        assert dict(parse_qsl(urlsplit(begun["url"]).query))["redirect_uri"] == begun["redirectUri"]
        path = f"/sign-ins/{begun['id']}/address"
        for wrong in ("https://example.com", "?code=a&state=b"):
            assert await me.refused("POST", path, {"address": wrong}) == (400, "invalid_request")
        back = (await browse(begun["url"])).headers["location"]
        done = await me.do("POST", path, {"address": back})
        assert (done["state"], done["credentialId"], done["replaced"]) == ("done", 1, False)
        assert await me.refused("POST", path, {"address": back}) == (400, "invalid_request")
        again = await begin(me, provider=provider)
        back = (await browse(again["url"])).headers["location"]
        done = await me.do("POST", f"/sign-ins/{again['id']}/address", {"address": back})
        assert (done["state"], done["credentialId"], done["replaced"]) == ("done", 1, True)
        assert len(me.file) == 1


async def test_a_no_of_the_provider_is_an_end_and_no_error(tmp_path) -> None:
    async with owner(tmp_path, nobody()) as me:
        begun = await begin(me, provider="github")
        state = dict(parse_qsl(urlsplit(begun["url"]).query))["state"]
        answer = await me.do(
            "POST", f"/sign-ins/{begun['id']}/address", {"address": f"?error=access_denied&state={state}"}
        )
        assert (answer["state"], answer["message"]) == ("failed", "The sign-in was refused: access_denied.")


async def test_an_organisation_with_code_and_with_browser(tmp_path) -> None:
    (tmp_path / "credentials.json").write_text("[]")
    async with owner(tmp_path, nobody(Account("o@example.com", "idc"))) as me:
        by_code = await begin(me, provider="idc", startUrl=f"{START_URL}/#/")
        await browse(by_code["url"])
        assert (await followed(me, by_code["id"]))["state"] == "done"
        assert me.file[0]["startUrl"] == START_URL
        in_browser = await begin(me, provider="idc", startUrl=START_URL, region="us-east-1", browser=True)
        assert in_browser["method"] == "browser"
        back = (await browse(in_browser["url"])).headers["location"]
        done = await me.do("POST", f"/sign-ins/{in_browser['id']}/address", {"address": back})
        assert (done["state"], done["replaced"]) == ("done", True)


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({}, "provider"),
        ({"provider": "facebook"}, "facebook"),
        ({"provider": "idc"}, "`startUrl` is missing"),
        ({"provider": "idc", "startUrl": "http://d-1.awsapps.com/start"}, "`startUrl` must begin with https"),
        ({"provider": "builder-id", "startUrl": START_URL}, "only for"),
        ({"provider": "idc", "startUrl": START_URL, "browser": True}, "`browser` needs `region`"),
        ({"provider": "builder-id", "region": "mars"}, "`region` is not a region"),
        ({"provider": "google", "region": "us-east-1"}, "of no use"),
        ({"provider": "google", "proxyUrl": "gopher://x"}, "`proxyUrl` must be"),
        ({"provider": "google", "proxyPassword": "hunter2-the-secret"}, "`proxyUrl` is missing"),
        ({"provider": "google", "colour": 1}, "colour"),
        ({"provider": "google", "priority": -1}, "priority"),
        ({"provider": "google", "browser": "yes"}, "browser"),
    ],
)
async def test_what_cannot_be_meant(tmp_path, wish, word) -> None:
    async with owner(tmp_path, nobody()) as me:
        answer = await me.ask("POST", "/sign-ins", wish, headers=ELSEWHERE)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request")
        assert word in answer.json()["error"]["message"]
        assert "hunter2" not in answer.text
        assert await me.get("/sign-ins") == {"signIns": []}


async def test_empty_words_are_none(tmp_path) -> None:
    async with owner(tmp_path, nobody()) as me:
        begun = await begin(me, provider="google", startUrl="", region="", proxyUrl="", priority=None)
        assert begun["state"] == "waiting"


async def test_it_is_cancelled_then_forgotten_and_unknown_ones_are(tmp_path) -> None:
    async with owner(tmp_path, nobody()) as me:
        begun = await begin(me, provider="google")
        path = f"/sign-ins/{begun['id']}"
        answer = await me.do("DELETE", path)
        assert answer == {"message": "The sign-in was cancelled; nothing was stored.", "success": True}
        assert (await me.get(path))["state"] == "cancelled"
        await me.do("DELETE", path)
        for method, where in (("GET", path), ("DELETE", path), ("POST", f"{path}/address")):
            assert await me.refused(method, where, {"address": "x"}) == (404, "not_found")


async def test_only_so_many_at_once(tmp_path) -> None:
    async with owner(tmp_path, nobody()) as me:
        for _ in range(MOST):
            await begin(me, provider="google")
        answer = await me.ask("POST", "/sign-ins", {"provider": "google"}, headers=ELSEWHERE)
        assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
        assert answer.headers["retry-after"] == "30"
        assert len((await me.get("/sign-ins"))["signIns"]) == MOST


async def test_a_file_that_cannot_be_written_is_said_before_anybody_signs_in(tmp_path) -> None:
    async with owner(tmp_path, nobody()) as me:
        (tmp_path / "credentials.json").unlink()
        (tmp_path / "credentials.json").mkdir()
        assert await me.refused("POST", "/sign-ins", {"provider": "google"}) == (500, "internal_error")


async def test_a_page_that_is_closed_loses_no_sign_in(tmp_path) -> None:
    """The request that began it is gone before there is anything to show; the list has it nevertheless."""
    one = Account("b@example.com", "builder-id")
    async with owner(tmp_path, nobody(one)) as me:
        body = b'{"provider": "builder-id"}'
        head = f"POST /api/admin/sign-ins HTTP/1.1\r\nhost: x\r\nx-api-key: sk-owner-key-of-the-suite\r\ncontent-length: {len(body)}\r\n\r\n"
        stream = await trio.open_tcp_stream("127.0.0.1", me.here.port)
        await stream.send_all(head.encode() + body)
        with trio.fail_after(10):
            while not (found := (await me.get("/sign-ins"))["signIns"]):
                pass
            await stream.aclose()
            while not found[0]["url"]:
                found = (await me.get("/sign-ins"))["signIns"]
        await browse(found[0]["url"])
        assert (await followed(me, found[0]["id"]))["state"] == "done"


async def test_the_gateways_stop_waits_for_no_sign_in(tmp_path) -> None:
    async with owner(tmp_path, nobody()) as me:
        await begin(me, provider="google")
        await begin(me, provider="builder-id")
        me.here.shutdown.set()
        with trio.fail_after(10):
            await me.here.stopped.wait()


@pytest.mark.parametrize(
    ("address", "host", "headers", "home"),
    [
        ("127.0.0.1", "localhost:8990", {}, True),
        ("127.0.0.1", "127.0.0.1:8990", {}, True),
        ("::1", "[::1]:8990", {}, True),
        ("127.0.0.1", "localhost", {}, True),
        ("127.0.0.1", "kiro.example.com", {}, False),
        ("127.0.0.1", "localhost:8990", {"x-forwarded-for": "192.0.2.1"}, False),
        ("127.0.0.1", "localhost:8990", {"forwarded": "for=192.0.2.1"}, False),
        ("192.0.2.1", "localhost:8990", {}, False),
        (None, "", {}, False),
    ],
)
def test_where_the_browser_is(address, host, headers, home) -> None:
    assert _at_home(SimpleNamespace(remote_addr=address, host=host, headers=headers)) is home

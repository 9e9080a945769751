"""kiro.rs's routes with kiro.rs's shapes: its scripts work unchanged."""

import pytest
import trio

from tests.admin.owner import owner, stranger
from tests.end_to_end.house import house, prompt
from tests.web.served import eventually

FIELDS = {
    "id": int,
    "priority": int,
    "disabled": bool,
    "failureCount": int,
    "isCurrent": bool,
    "authMethod": str,
    "hasProfileArn": bool,
    "successCount": int,
    "hasProxy": bool,
    "refreshFailureCount": int,
    "endpoint": str,
}
NULLABLE = {"expiresAt", "refreshTokenHash", "apiKeyHash", "maskedApiKey", "email", "lastUsedAt"}


async def test_the_list_has_the_shape(tmp_path) -> None:
    async with owner(tmp_path) as me:
        await me.here.post(prompt(stream=False))
        page = await me.get("/credentials")
    assert {"total", "available", "currentId", "credentials"} == set(page)
    assert (page["total"], page["available"], page["currentId"]) == (2, 2, 1)
    for row in page["credentials"]:
        for name, kind in FIELDS.items():
            assert type(row[name]) is kind, name
        assert set(row) >= NULLABLE
        assert all(row[name] is None or isinstance(row[name], str) for name in NULLABLE)
        assert "proxyUrl" not in row
        assert "disabledReason" not in row
        assert row["maskedApiKey"] is None
        assert row["apiKeyHash"] is None
        assert len(row["refreshTokenHash"]) == 64
    first = page["credentials"][0]
    assert first["isCurrent"]
    assert first["successCount"] == 1
    assert first["lastUsedAt"].endswith("Z")


async def test_accounts_are_sorted_by_priority(tmp_path) -> None:
    async with owner(tmp_path) as me:
        done = await me.do("POST", "/credentials/1/priority", {"priority": 7})
        page = await me.get("/credentials")
        assert me.file[0]["priority"] == 7
    assert done["success"] is True
    assert isinstance(done["message"], str)
    assert [row["id"] for row in page["credentials"]] == [2, 1]
    assert page["currentId"] == 2


async def test_switching_off_and_on(tmp_path) -> None:
    async with owner(tmp_path) as me:
        await me.do("POST", "/credentials/1/disabled", {"disabled": True})
        off = await me.get("/credentials")
        assert me.file[0]["disabled"] is True
        await me.do("POST", "/credentials/1/disabled", {"disabled": False})
        on = await me.get("/credentials")
        assert not me.file[0].get("disabled")
    row = next(row for row in off["credentials"] if row["id"] == 1)
    assert (row["disabled"], row["disabledReason"]) == (True, "Manual")
    assert (off["available"], off["currentId"]) == (1, 2)
    assert on["available"] == 2


async def test_an_account_is_added_only_when_its_token_can_be_renewed(tmp_path) -> None:
    async with owner(tmp_path) as me:
        newcomer = stranger(me.here.simulator)
        good = newcomer.credential()
        body = {"refreshToken": good["refreshToken"], "priority": 3, "email": "new@example.com"}
        added = await me.do("POST", "/credentials", body)
        assert added["success"] is True
        assert added["credentialId"] == 3
        assert added["email"] == "new@example.com"
        page = await me.get("/credentials")
        assert page["total"] == 3
        assert page["available"] == 3
        assert await me.refused("POST", "/credentials", {"refreshToken": good["refreshToken"]}) == (
            400,
            "invalid_request",
        )
        status, _ = await me.refused("POST", "/credentials", {"refreshToken": "x" * 150})
        assert status == 502
        assert (await me.get("/credentials"))["total"] == 3
        assert len(me.file) == 3


async def test_an_api_key_is_added_unverified_and_masked(tmp_path) -> None:
    async with owner(tmp_path) as me:
        key = "ksk_abcdefghijklmnopqrstuvwxyz"
        added = await me.do("POST", "/credentials", {"kiroApiKey": key, "authMethod": "api_key"})
        page = await me.get("/credentials")
        row = next(row for row in page["credentials"] if row["id"] == added["credentialId"])
        assert await me.refused("POST", f"/credentials/{row['id']}/refresh") == (400, "invalid_request")
    assert row["maskedApiKey"] == "ksk_...wxyz"
    assert len(row["apiKeyHash"]) == 64
    assert row["refreshTokenHash"] is None
    assert row["expiresAt"] is None
    assert row["authMethod"] == "api_key"


UNUSABLE = [
    {},
    {"refreshToken": ""},
    {"refreshToken": "short"},
    {"refreshToken": 5},
    {"refreshToken": "x" * 150, "endpoint": "nowhere"},
    {"refreshToken": "x" * 150, "region": "mars"},
    {"refreshToken": "x" * 150, "authMethod": "idc"},
    {"refreshToken": "x" * 150, "proxyUrl": "ftp://x"},
    {"refreshToken": "x" * 150, "priority": -1},
    {"kiroApiKey": "with spaces in it"},
    [],
    None,
]


async def test_what_cannot_be_used_is_not_added(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for body in UNUSABLE:
            assert await me.refused("POST", "/credentials", body) == (400, "invalid_request")
            assert len(me.file) == 2


async def test_removing_needs_a_disabled_account(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert await me.refused("DELETE", "/credentials/1") == (400, "invalid_request")
        await me.do("POST", "/credentials/1/disabled", {"disabled": True})
        await me.do("DELETE", "/credentials/1")
        assert [entry["id"] for entry in me.file] == [2]
        assert await me.refused("DELETE", "/credentials/1") == (404, "not_found")


async def test_a_reset_brings_back_and_a_refresh_renews(tmp_path) -> None:
    async with owner(tmp_path) as me:
        before = me.file[0]["refreshToken"]
        await me.do("POST", "/credentials/1/disabled", {"disabled": True})
        await me.do("POST", "/credentials/1/reset")
        assert (await me.get("/credentials"))["available"] == 2
        await me.do("POST", "/credentials/1/refresh")
        assert me.file[0]["refreshToken"] != before or me.file[0]["accessToken"]


async def test_the_balance(tmp_path) -> None:
    async with owner(tmp_path) as me:
        await me.do("POST", "/credentials/1/disabled", {"disabled": True})
        balance = await me.get("/credentials/1/balance")
        again = await me.get("/credentials/1/balance")
        calls = [seen for seen in me.here.simulator.seen if seen.call == "usage"]
        shown = (await me.get("/credentials/1"))["balance"]
    names = ["subscriptionTitle", "currentUsage", "usageLimit", "remaining", "usagePercentage", "nextResetAt"]
    assert set(balance) >= {"id", *names}
    assert balance["remaining"] == pytest.approx(balance["usageLimit"] - balance["currentUsage"])
    assert again == balance == shown
    assert len(calls) == 1


async def test_the_order_is_changed_kept_and_nothing_else_in_the_file(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert await me.get("/config/load-balancing") == {"mode": "priority"}
        assert await me.do("PUT", "/config/load-balancing", {"mode": "balanced"}) == {"mode": "balanced"}
        assert await me.get("/config/load-balancing") == {"mode": "balanced"}
        assert await me.refused("PUT", "/config/load-balancing", {"mode": "random"}) == (
            400,
            "invalid_request",
        )
    content = (tmp_path / "config.json").read_text()
    assert '"loadBalancingMode": "balanced"' in content
    assert '"unknownToUs"' in content
    assert "systemVersion" not in content


ACTIONS = ["disabled", "priority", "reset", "refresh"]


async def test_accounts_that_do_not_exist(tmp_path) -> None:
    bodies = {"disabled": {"disabled": True}, "priority": {"priority": 1}}
    async with owner(tmp_path) as me:
        for action in ACTIONS:
            for number in ("9", "999999999999999", "-1"):
                refused = await me.refused("POST", f"/credentials/{number}/{action}", bodies.get(action))
                assert refused == (404, "not_found")
        assert await me.refused("GET", "/credentials/9/balance") == (404, "not_found")


async def test_the_account_of_the_environment_is_shown_and_cannot_be_changed(tmp_path) -> None:
    async with owner(tmp_path, kiro_api_key="ksk_0123456789abcdefghijkl") as me:
        page = await me.get("/credentials")
        row = next(row for row in page["credentials"] if row["id"] == 0)
        refused = await me.refused("POST", "/credentials/0/priority", {"priority": 1})
    assert row["maskedApiKey"] == "ksk_...ijkl"
    assert row["fromEnvironment"]
    assert refused == (400, "invalid_request")


async def test_without_a_key_there_is_no_such_api(tmp_path) -> None:
    async with house(tmp_path) as here:
        for path in ("/credentials", "/session", "/nowhere", ""):
            answer = await here.http.get(f"/api/admin{path}", headers={"x-api-key": ""})
            assert answer.status_code == 404


@pytest.mark.parametrize("after", [0.005, 0.02, 0.05])
async def test_adding_that_is_cancelled_leaves_nothing_half_done(tmp_path, after: float) -> None:
    async with owner(tmp_path) as me:
        token = stranger(me.here.simulator).credential()["refreshToken"]
        with trio.move_on_after(after):
            await me.ask("POST", "/credentials", {"refreshToken": token})
        await trio.sleep(0.1)
        await eventually(lambda: not any(entry.get("disabled") for entry in me.file))
        assert len(me.file) in {2, 3}

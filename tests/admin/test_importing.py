"""Accounts in by the dozen, and out again."""

import json

from tests.admin.owner import owner, stranger
from tests.end_to_end.house import house


def managed(account) -> dict:
    entry = account.credential()
    return {"email": account.email, "nickname": "n", "credentials": {"refreshToken": entry["refreshToken"]}}


async def test_a_dry_run_changes_nothing_and_says_what_would_become_of_each(tmp_path) -> None:
    async with owner(tmp_path) as me:
        newcomer = stranger(me.here.simulator)
        rows = [
            newcomer.credential(),
            me.file[0],
            newcomer.credential(),
            {"refreshToken": "short"},
            {"nothing": 1},
            5,
        ]
        told = await me.do("POST", "/credentials/import", {"data": rows, "dryRun": True})
        assert len(me.file) == 2
        done = await me.do("POST", "/credentials/import", {"data": rows})
        assert len(me.file) == 3
        assert (await me.get("/credentials"))["available"] == 3
    assert told["dryRun"]
    assert [row["status"] for row in told["results"]] == [
        "would_add",
        "skipped",
        "skipped",
        "refused",
        "refused",
        "refused",
    ]
    assert told["results"][1]["credentialId"] == 1
    assert done["counts"] == {"added": 1, "skipped": 2, "refused": 3}
    assert done["results"][0]["credentialId"] == 3


async def test_an_account_managers_export(tmp_path) -> None:
    async with owner(tmp_path) as me:
        people = [stranger(me.here.simulator, f"m{number}@example.com") for number in range(3)]
        export = {"version": "1.0", "accounts": [managed(person) for person in people]}
        export["accounts"][2]["status"] = "error"
        done = await me.do("POST", "/credentials/import", {"data": export})
        page = await me.get("/credentials")
    assert done["counts"] == {"added": 2, "refused": 1}
    assert {row["email"] for row in page["credentials"]} >= {"m0@example.com", "m1@example.com"}


async def test_lines_of_tokens_and_keys(tmp_path) -> None:
    async with owner(tmp_path) as me:
        token = stranger(me.here.simulator).credential()["refreshToken"]
        text = f"# mine\n{token}\n\nksk_abcdefghijklmnopqrstuvwxyz\n"
        done = await me.do("POST", "/credentials/import", {"text": text})
    assert done["counts"] == {"added": 2}


async def test_what_cannot_be_renewed_is_not_kept(tmp_path) -> None:
    async with owner(tmp_path) as me:
        rows = [{"refreshToken": "a" * 150}, {"refreshToken": "b" * 150}]
        done = await me.do("POST", "/credentials/import", {"data": rows})
        assert len(me.file) == 2
        kept = await me.do("POST", "/credentials/import", {"data": rows, "verify": False})
        assert len(me.file) == 4
    assert done["counts"] == {"failed": 2}
    assert kept["counts"] == {"added": 2}
    assert "a" * 20 not in json.dumps([done, kept])


NOTHING = [
    {},
    {"data": []},
    {"data": {"x": 1}},
    {"data": 5},
    {"text": ""},
    {"text": "\n# nothing\n"},
    {"stores": ["/etc/passwd"]},
    {"stores": ["../../credentials.json"]},
    {"data": [], "text": "x"},
    {"data": [{"refreshToken": "x"}], "what": 1},
]


async def test_what_is_nothing_to_import(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for body in NOTHING:
            assert await me.refused("POST", "/credentials/import", body) == (400, "invalid_request")


async def test_official_stores_of_this_machine(tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    (home / ".aws/sso/cache").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    async with owner(tmp_path) as me:
        assert (await me.get("/credentials/stores"))["stores"] == []
        newcomer = stranger(me.here.simulator).credential()
        token = home / ".aws/sso/cache/kiro-auth-token.json"
        token.write_text(
            json.dumps({"refreshToken": newcomer["refreshToken"], "authMethod": "social", "accessToken": "x"})
        )
        before = token.read_bytes()
        stores = (await me.get("/credentials/stores"))["stores"]
        assert [(store["path"], store["accounts"]) for store in stores] == [(str(token), 1)]
        done = await me.do("POST", "/credentials/import", {"stores": [str(token)]})
        assert token.read_bytes() == before
    assert done["counts"] == {"added": 1}
    assert done["results"][0]["source"] == "Kiro IDE"


async def test_an_export_comes_back_whole(tmp_path) -> None:
    async with owner(tmp_path) as me:
        assert await me.refused("POST", "/credentials/export", {}) == (400, "invalid_request")
        assert await me.refused("POST", "/credentials/export", {"confirm": False}) == (400, "invalid_request")
        while True:  # a token may just be renewed
            before = me.file
            exported = await me.do("POST", "/credentials/export", {"confirm": True})
            if me.file == before:
                break
        one = await me.do("POST", "/credentials/export", {"confirm": True, "ids": [2]})
        assert exported["accounts"] == before
        assert [entry["id"] for entry in one["accounts"]] == [2]
    (tmp_path / "other").mkdir()
    async with house(tmp_path / "other") as _:
        pass


async def test_an_account_is_edited_and_what_is_wrong_is_not(tmp_path) -> None:
    async with owner(tmp_path) as me:
        changes = {
            "email": "other@example.com",
            "authRegion": "eu-west-1",
            "apiRegion": "eu-central-1",
            "proxyUrl": "http://192.0.2.1:3128",
            "proxyUsername": "user",
            "proxyPassword": "hunter2-hunter2",
            "endpoint": "cli",
            "priority": 4,
            "concurrency": 3,
        }
        await me.do("PATCH", "/credentials/1", changes)
        shown = await me.get("/credentials/1")
        assert me.file[0] | changes == me.file[0]
        for wrong in (
            {},
            {"authRegion": "mars"},
            {"endpoint": "nowhere"},
            {"concurrency": 0},
            {"refreshToken": "x"},
            {"id": 9},
        ):
            assert await me.refused("PATCH", "/credentials/1", wrong) == (400, "invalid_request")
        await me.do("PATCH", "/credentials/1", {"proxyUrl": None, "endpoint": None})
        cleared = await me.get("/credentials/1")
    assert (shown["email"], shown["authRegion"], shown["apiRegion"]) == (
        "other@example.com",
        "eu-west-1",
        "eu-central-1",
    )
    assert (shown["proxyUrl"], shown["hasProxy"], shown["endpoint"]) == ("http://192.0.2.1:3128", True, "cli")
    assert (shown["concurrency"], shown["priority"]) == (3, 4)
    assert "hunter2" not in json.dumps(shown)
    assert "user" not in shown["proxyUrl"]
    assert "proxyUrl" not in cleared


async def test_half_of_a_surrogate_pair_in_a_name_hides_no_account(tmp_path) -> None:
    text = json.dumps([{"refreshToken": "r" * 120, "email": "\ud800@example.com"}])
    async with owner(tmp_path) as me:
        done = await me.do("POST", "/credentials/import", {"text": text, "verify": False})
        assert done["results"][0]["status"] == "added"
        accounts = (await me.get("/credentials"))["credentials"]
        assert accounts[2]["email"] == "\ufffd@example.com"
        exported = await me.do("POST", "/credentials/export", {"confirm": True})
    assert exported["accounts"][2]["email"] == "\ud800@example.com"

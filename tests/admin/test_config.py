"""Settings that change while requests run."""

import json

from tests.admin.owner import ADMIN_KEY, owner
from tests.end_to_end.house import KEY, prompt


def rewrite(folder, **content) -> None:
    (folder / "config.json").write_text(json.dumps(content))


async def test_the_log_level_is_changed_and_kept(tmp_path, capsys) -> None:
    async with owner(tmp_path) as me:
        assert await me.get("/config/log-level") == {"level": "info"}
        assert await me.do("PUT", "/config/log-level", {"level": "debug"}) == {"level": "debug"}
        assert await me.refused("PUT", "/config/log-level", {"level": "loud"}) == (400, "invalid_request")
        assert await me.do("PUT", "/config/log-level", {"level": "info"}) == {"level": "info"}
    assert json.loads((tmp_path / "config.json").read_text())["logLevel"] == "info"


async def test_settings_are_shown_without_their_secrets(tmp_path) -> None:
    async with owner(tmp_path, proxy_password="hunter2-hunter2") as me:
        shown = await me.get("/config")
    rows = {row["key"]: row for row in shown["settings"]}
    assert rows["apiKey"]["value"] is None
    assert rows["apiKey"]["isSet"]
    assert rows["adminApiKey"]["isSet"]
    assert rows["region"]["value"] == "us-east-1"
    text = json.dumps(shown)
    assert KEY not in text
    assert ADMIN_KEY not in text
    assert "hunter2" not in text


async def test_a_reload_takes_over_what_it_can_and_names_the_rest(tmp_path) -> None:
    async with owner(tmp_path) as me:
        rewrite(
            tmp_path,
            apiKey="sk-another-key-of-clients",
            adminApiKey=ADMIN_KEY,
            loadBalancingMode="balanced",
            region="eu-west-1",
            strange=1,
        )
        told = await me.do("POST", "/reload")
        old = await me.here.post(prompt(stream=False))
        new = await me.here.http.get("/v1/models", headers={"x-api-key": "sk-another-key-of-clients"})
        assert await me.get("/config/load-balancing") == {"mode": "balanced"}
        rewrite(tmp_path, region=5)
        assert await me.refused("POST", "/reload") == (400, "invalid_request")
        assert await me.get("/config/load-balancing") == {"mode": "balanced"}
    assert {"apiKey", "loadBalancingMode"} <= set(told["applied"])
    assert "region" in told["needsRestart"]
    assert any("strange" in warning for warning in told["warnings"])
    assert old.status_code == 403
    assert new.status_code == 200


async def test_a_reload_can_switch_the_api_off_and_sessions_with_it(tmp_path) -> None:
    async with owner(tmp_path) as me:
        rewrite(tmp_path, apiKey=KEY, adminApiKey="")
        await me.do("POST", "/reload")
        assert await me.refused("GET", "/status") == (404, "not_found")


async def test_accounts_that_were_added_to_the_file_are_there_after_a_reload(tmp_path) -> None:
    async with owner(tmp_path) as me:
        entries = me.file
        extra = {"refreshToken": "r" * 200, "disabled": True}
        (tmp_path / "credentials.json").write_text(json.dumps([*entries, extra]))
        rewrite(tmp_path, apiKey=KEY, adminApiKey=ADMIN_KEY)
        await me.do("POST", "/reload")
        assert (await me.get("/credentials"))["total"] == 3


async def test_the_gateway_at_a_glance_and_its_models(tmp_path) -> None:
    async with owner(tmp_path) as me:
        status = await me.get("/status")
        models = await me.get("/models")
    assert (status["accounts"], status["available"], status["inFlight"]) == (2, 2, 0)
    assert status["storeWritable"]
    assert status["problems"] == []
    assert any(model["id"] == "auto" for model in models["models"])
    assert all(model["window"] > 0 for model in models["models"])

"""Alive, and able to serve: two questions, and neither answer tells a stranger anything."""

import json

from kiro_trio.gateway.opening import open_gateway
from kiro_trio.settings import Settings
from kiro_trio.simulator.accounts import Account
from kiro_trio.web.app import make_app
from tests.end_to_end.house import house


async def test_ready_with_an_account_and_a_store(tmp_path) -> None:
    async with house(tmp_path) as here:
        alive = await here.http.get("/healthz")
        ready = await here.http.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {"accounts": True, "store": True, "serving": True},
    }


async def test_not_ready_without_an_account_that_can_serve(tmp_path) -> None:
    entry = {**Account("one@example.com").credential(), "disabled": True}
    (tmp_path / "credentials.json").write_text(json.dumps([entry]))
    async with house(tmp_path) as here:
        alive = await here.http.get("/healthz")
        ready = await here.http.get("/readyz")
    assert alive.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"accounts": False, "store": True, "serving": True}


async def test_not_ready_when_renewed_tokens_cannot_be_kept(tmp_path) -> None:
    async with house(tmp_path) as here:
        (tmp_path / "credentials.json").unlink()
        (tmp_path / "credentials.json").mkdir()
        ready = await here.http.get("/readyz")
        (tmp_path / "credentials.json").rmdir()
    assert ready.status_code == 503
    assert ready.json()["checks"]["store"] is False


async def test_not_ready_while_stopping(tmp_path) -> None:
    settings = Settings(
        credentials_file=str(tmp_path / "credentials.json"), kiro_api_key="ksk_0123456789abcdef"
    )
    gateway = await open_gateway(settings)
    client = make_app(gateway).test_client()
    before = await client.get("/readyz")
    gateway.draining = True
    after = await client.get("/readyz")
    assert (before.status_code, after.status_code) == (200, 503)
    assert (await after.get_json())["checks"]["serving"] is False


async def test_neither_answer_holds_a_name(tmp_path) -> None:
    async with house(tmp_path) as here:
        text = (await here.http.get("/readyz")).text + (await here.http.get("/healthz")).text
    assert "example.com" not in text
    assert "credentials" not in text

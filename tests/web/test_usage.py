"""What a client may know of its own use, and that it is nobody else's."""

import json
from uuid import uuid4

import pytest

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.web.usage import masked_email
from tests.admin.owner import owner
from tests.end_to_end.house import KEY, house, prompt, saying, scripted

MINE, OTHER = str(uuid4()), str(uuid4())


async def speak(here, key: str = KEY, session: str = MINE) -> None:
    headers = {"x-api-key": key, "x-claude-code-session-id": session}
    answer = await here.http.post("/v1/messages", json=prompt(stream=False), headers=headers)
    assert answer.status_code == 200, answer.text


async def usage(here, key: str = KEY, session: str | None = MINE, prefix: str = "/v1"):
    query = {} if session is None else {"session": session}
    return await here.http.get(f"{prefix}/kiro-trio/usage", params=query, headers={"x-api-key": key})


async def test_a_session_and_its_account(tmp_path) -> None:
    async with house(tmp_path) as here:
        before = (await usage(here)).json()
        for session in (MINE, MINE, OTHER):
            await speak(here, session=session)
        after = (await usage(here)).json()
        without = (await usage(here, session=None)).json()
        (account,) = here.simulator.accounts
        assert before["session"] is None
        assert before["account"]["remaining"] == 1000 - 12.5
    assert after["session"]["requests"] == 2
    assert after["session"]["credits"] == pytest.approx(0.1)
    assert after["session"]["outputTokens"] > 0
    assert after["session"]["credential"] == after["account"]["id"]
    assert after["account"]["email"] == "o***@example.com"
    assert after["account"]["plan"] == account.plan
    assert after["account"]["standing"] == "ready"
    assert after["key"]["creditsThisMonth"] == pytest.approx(0.15)
    assert without["session"] is None


@pytest.mark.parametrize("prefix", ["/v1", "/v1/v1", "/cc/v1"])
async def test_every_base_url_finds_it(tmp_path, prefix: str) -> None:
    async with house(tmp_path) as here:
        answer = await usage(here, prefix=prefix)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_a_key_is_asked_for_and_a_session_must_be_one(tmp_path) -> None:
    async with house(tmp_path) as here:
        wrong = await usage(here, "sk-wrong")
        none = await here.http.get("/v1/kiro-trio/usage")
        odd = await usage(here, session="../../etc/passwd")
    assert (wrong.status_code, none.status_code, odd.status_code) == (403, 401, 400)
    assert odd.json()["error"]["message"] == "session: must be a UUID"


async def test_nobody_sees_the_session_of_another_client_nor_a_secret(tmp_path) -> None:
    async with owner(tmp_path) as me:
        ann = (await me.do("POST", "/keys", {"name": "ann", "creditsPerMonth": 5}))["secret"]
        bob = (await me.do("POST", "/keys", {"name": "bob"}))["secret"]
        await speak(me.here, ann)
        hers, his = await usage(me.here, ann), await usage(me.here, bob)
        secrets = [
            str(entry[name]) for entry in me.file for name in entry if "oken" in name or "ecret" in name
        ]
    assert hers.json()["session"]["requests"] == 1
    assert hers.json()["key"] == {
        "name": "ann", "creditsThisMonth": pytest.approx(0.05), "creditsPerMonth": 5.0
    }  # fmt: skip
    assert his.json()["session"] is None
    assert his.json()["key"]["creditsThisMonth"] == 0
    assert len(secrets) >= 2
    for answer in (hers.text, his.text):
        assert not any(secret in answer for secret in secrets)
        assert "user1@" not in answer


async def test_it_outlives_the_gateway(tmp_path) -> None:
    async with house(tmp_path, scripted(saying())) as here:
        await speak(here)
    async with house(tmp_path, scripted(saying())) as here:
        again = (await usage(here)).json()
    assert again["session"]["requests"] == 1
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("credentials.*"))
    assert MINE.encode() not in kept


async def test_the_account_is_that_of_the_last_try(tmp_path) -> None:
    accounts = [Account("first@example.com"), Account("second@example.com")]
    async with house(tmp_path, Simulator(accounts=accounts)) as here:
        accounts[0].revoked = True
        accounts[0].tokens.clear()
        await speak(here)
        told = (await usage(here)).json()
    assert told["account"]["email"] == "s***@example.com"


async def test_without_an_account_it_says_so(tmp_path) -> None:
    (tmp_path / "credentials.json").write_text("[]")
    async with house(tmp_path) as here:
        answer = await usage(here)
    assert answer.json()["account"] is None


async def test_the_only_account_is_told_although_it_is_out(tmp_path) -> None:
    account = Account("only@example.com")
    entry = {**account.credential(), "disabled": True}
    (tmp_path / "credentials.json").write_text(json.dumps([entry]))
    async with house(tmp_path, Simulator(accounts=[account])) as here:
        told = (await usage(here)).json()
    assert told["account"]["standing"] == "disabled"


@pytest.mark.parametrize(
    ("email", "masked"),
    [("ann@example.com", "a***@example.com"), ("", ""), ("ann", "a***"), ("@x", "@***"), ("a@b@c", "a***@c")],
)
def test_masks(email: str, masked: str) -> None:
    assert masked_email(email) == masked

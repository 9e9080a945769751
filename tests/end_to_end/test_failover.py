"""Several accounts, some of which fail: the client sees one clean answer, or is told the truth."""

import json

import pytest
import trio
from trio.testing import MockClock

from kiro_trio.kiro.faults import classify
from kiro_trio.session.plan import POLICIES, Next
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.refusals import REFUSALS
from kiro_trio.simulator.script import (
    Corrupt,
    Match,
    Pause,
    Reply,
    Rule,
    Say,
    Script,
    Stall,
)
from kiro_trio.simulator.simulator import Simulator
from tests.dialects.grammar import read
from tests.end_to_end.house import House, events, house, prompt, text_of
from tests.web.served import eventually

CLEAN = "All is well."


@pytest.fixture
def hasty() -> MockClock:
    """Real connections, but ten seconds pass in one: what is waited for here are the pauses between the tries."""
    return MockClock(rate=10)


REFUSED: dict[str, Reply] = {name: Reply(status=name) for name in REFUSALS}


def three(bad: Reply) -> Simulator:
    """Three accounts of which the first two answer with `bad`."""
    people = [Account(f"user{number}@example.com") for number in (1, 2, 3)]
    rules = [Rule(Match(account=person.email), bad) for person in people[:2]]
    rules.append(Rule(Match(), Reply(steps=(Say(CLEAN),))))
    return Simulator(accounts=people, script=Script(tuple(rules)))


async def test_two_broken_accounts_are_unseen(tmp_path, hasty) -> None:
    async with house(tmp_path, three(Reply(misfortunes=(Corrupt(0, 9, 3),)))) as here:
        answer = await here.post(prompt(), timeout=60)
    assert answer.status_code == 200, answer.text
    assert read(answer.content).ending == "whole"
    assert text_of(events(answer.content)) == CLEAN


@pytest.mark.parametrize("name", REFUSED)
async def test_every_refusal_leads_to_what_the_table_says(tmp_path, hasty, name: str) -> None:
    row = REFUSALS[name]
    body = json.dumps(row.body or {"message": row.message, "reason": row.reason}).encode()
    fault = classify(row.code, {"x-amzn-errortype": row.error}, body).fault
    policy = POLICIES[fault]
    async with house(tmp_path, three(REFUSED[name])) as here:
        answer = await here.post(prompt(stream=False), timeout=60)
        asked = {exchange.account for exchange in here.chats()}
    if Next.FAIL_OVER in {policy.next, policy.then}:
        assert answer.status_code == 200, (fault, answer.text)
        assert answer.json()["content"] == [{"type": "text", "text": CLEAN}]
        assert len(asked) == 3
    else:
        assert answer.status_code == policy.status, (fault, answer.text)
        assert answer.json()["error"]["type"] == policy.error_type
        assert len(asked) == 1
        assert not row.message or row.message not in answer.text


async def ask_all(here: House, times: int) -> list[int]:
    statuses: list[int] = []

    async def ask() -> None:
        statuses.append((await here.post(prompt(stream=False), timeout=60)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(times):
            nursery.start_soon(ask)
    return statuses


async def test_64_requests_on_one_expired_credential_renew_it_once(tmp_path) -> None:
    async with house(tmp_path, per_credential_concurrency=64) as here:
        statuses = await ask_all(here, 64)
        assert statuses == [200] * 64
        assert here.simulator.renewals["one@example.com"] == 1


async def test_balanced_accounts_share_the_load(tmp_path) -> None:
    people = [Account(f"user{number}@example.com") for number in (1, 2, 3)]
    simulator = Simulator(
        accounts=people, script=Script((Rule(Match(), Reply(steps=(Say(CLEAN), Pause(1.0)))),))
    )
    async with house(tmp_path, simulator, load_balancing_mode="balanced") as here:
        assert await ask_all(here, 12) == [200] * 12
    assert [person.peak_active for person in people] == [4, 4, 4]


async def test_a_full_house_queues_and_then_refuses(tmp_path) -> None:
    simulator = Simulator(
        accounts=[Account("one@example.com")],
        script=Script((Rule(Match(), Reply(steps=(Say(CLEAN), Pause(0.6)))),)),
    )
    async with house(tmp_path, simulator, per_credential_concurrency=2, queue_limit=3) as here:
        await here.post(prompt(stream=False))
        statuses = await ask_all(here, 8)
        refused = await_refusal(statuses)
    assert simulator.accounts[0].peak_active == 2
    assert refused == 3


def await_refusal(statuses: list[int]) -> int:
    assert set(statuses) <= {200, 503}
    return statuses.count(503)


async def test_a_rotating_refresh_token_survives_a_client_that_leaves(tmp_path) -> None:
    simulator = Simulator(
        accounts=[Account("one@example.com")],
        rotate_refresh_tokens=True,
        script=Script((Rule(Match(call="refresh"), Reply(misfortunes=(Stall(seconds=0.3),))),)),
    )
    async with house(tmp_path, simulator) as here:
        with trio.move_on_after(0.15):
            await here.post(prompt())
        await eventually(lambda: simulator.accounts[0].renewals == 1)
        assert (await here.post(prompt(stream=False), timeout=60)).status_code == 200
        stored = json.loads((tmp_path / "credentials.json").read_text())
    assert simulator.accounts[0].renewals == 1
    assert stored[0]["refreshToken"] == simulator.accounts[0].refresh_token

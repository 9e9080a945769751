import json

import pytest

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.standing import Penalty
from kiro_trio.upstream.model_list import ModelList
from tests.session.scripted import ScriptedLeases


class ScriptedCalls:
    """Answers small calls by script; remembers who called what."""

    def __init__(self, *answers: SmallResponse | Failure) -> None:
        self.answers = list(answers)
        self.seen = []

    async def send(self, call, proxy):
        self.seen.append(call)
        return self.answers.pop(0)


def page(*names: str, more: str | None = None, status: int = 200) -> SmallResponse:
    rows = [{"modelId": name} for name in names]
    return SmallResponse(status, {}, json.dumps({"models": rows, "nextToken": more}).encode())


async def ask(calls: ScriptedCalls, leases: ScriptedLeases) -> list[bytes]:
    found = await ModelList(leases, calls, Wire()).ask()
    assert leases.open == {}
    return found


async def test_the_first_account_that_works_is_enough():
    calls, leases = ScriptedCalls(page("a")), ScriptedLeases(accounts=2)
    assert len(await ask(calls, leases)) == 1
    assert "ListAvailableModels" in calls.seen[0].url + str(calls.seen[0].headers)
    assert [account for account, _, _ in leases.settled] == [1]


async def test_pages_are_read_to_the_end():
    calls = ScriptedCalls(page("a", more="t1"), page("b", more="t2"), page("c"))
    pages = await ask(calls, ScriptedLeases())
    assert [json.loads(body)["models"][0]["modelId"] for body in pages] == ["a", "b", "c"]
    said = [call.url + call.body.decode() for call in calls.seen]
    assert "t1" in said[1]
    assert "t2" in said[2]


async def test_pages_without_end_have_one():
    calls = ScriptedCalls(*[page("a", more="again")] * 50)
    assert len(await ask(calls, ScriptedLeases())) == 5


async def test_what_came_before_a_failure_is_kept():
    calls = ScriptedCalls(page("a", more="t1"), page(status=500))
    assert len(await ask(calls, ScriptedLeases())) == 1


async def test_accounts_that_cannot_be_asked_suffer_nothing():
    calls = ScriptedCalls(Failure(Fault.CONNECT_FAILED), page(status=403), page("a"))
    leases = ScriptedLeases(accounts=3)
    assert len(await ask(calls, leases)) == 1
    assert [account for account, _, _ in leases.settled] == [1, 2, 3]
    assert {penalty for _, _, penalty in leases.settled} == {Penalty.NONE}


@pytest.mark.parametrize("accounts", [0, 2, 9])
async def test_without_an_answer_there_is_no_list(accounts):
    calls = ScriptedCalls(*[page(status=500)] * 9)
    assert await ask(calls, ScriptedLeases(accounts=accounts)) == []
    assert len(calls.seen) <= 3


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"nextToken":5}'])
async def test_nonsense_is_handed_on_for_the_catalogue_to_judge(body):
    assert await ask(ScriptedCalls(SmallResponse(200, {}, body)), ScriptedLeases()) == [body]

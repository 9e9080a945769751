"""Figures that add up, with labels that have an end."""

import re

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Event, Metadata, Say, Stall
from tests.end_to_end.house import KEY, house, prompt, saying, scripted
from tests.end_to_end.test_leaving import begin
from tests.web.served import eventually


async def figures(here) -> dict[str, float]:
    text = (await here.http.get("/metrics")).text
    return {
        sample.name
        + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_failed_try_and_a_good_one_are_counted_everywhere(tmp_path) -> None:
    script = scripted(saying(status="throttled", nth=(1,)), saying(Say(("Hello", " there"))), accounts=2)
    async with house(tmp_path, script) as here:
        await here.post(prompt())
        await here.post(b"{")
        await here.http.get("/nowhere")
        await here.http.post("/v1/messages", json=prompt(), headers={"x-api-key": "wrong"})
        seen = await figures(here)
    model = "claude-sonnet-4.5"
    assert seen[f"kiro_trio_requests_total model={model} route=messages status=200"] == 1
    assert seen["kiro_trio_requests_total model= route=messages status=400"] == 1
    assert seen["kiro_trio_requests_total model= route=messages status=403"] == 1
    assert seen["kiro_trio_requests_total model= route=other status=404"] == 1
    assert seen["kiro_trio_outcomes_total outcome=whole"] == 1
    assert seen["kiro_trio_attempts_total outcome=throttled"] == 1
    assert seen["kiro_trio_attempts_total outcome=whole"] == 1
    assert seen["kiro_trio_retries_total"] == 1
    assert seen["kiro_trio_first_byte_seconds_count"] == 1
    assert seen["kiro_trio_first_content_seconds_count"] == 1
    assert seen["kiro_trio_request_seconds_count"] == 1
    assert seen["kiro_trio_event_gap_seconds_count"] >= 1
    assert seen["kiro_trio_small_calls_total answer=2xx purpose=renewal"] == 2
    assert seen[f"kiro_trio_tokens_total kind=output model={model}"] > 0
    assert seen[f"kiro_trio_credits_total model={model}"] > 0
    assert seen["kiro_trio_account_state credential=1 state=cooling"] == 1
    assert seen["kiro_trio_account_state credential=2 state=ready"] == 1
    assert seen["kiro_trio_accounts_available"] == 1
    assert seen["kiro_trio_account_out_until_seconds credential=1"] > 1e9
    assert seen["kiro_trio_queue"] == 0


async def test_what_runs_is_a_gauge_and_a_client_that_left_a_499(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(misfortunes=[Stall()]))) as here:
        client = await begin(here, prompt())
        await eventually(lambda: bool(here.chats()))
        during = await figures(here)
        await client.aclose()
        await here.chats()[0].ended.wait()
        after = await figures(here)
    assert during["kiro_trio_in_flight phase=asked"] == 1
    assert during["kiro_trio_account_in_flight credential=1"] == 1
    assert after["kiro_trio_in_flight phase=asked"] == 0
    assert after["kiro_trio_requests_total model=claude-sonnet-4.5 route=messages status=499"] == 1
    assert after["kiro_trio_outcomes_total outcome=client_gone"] == 1


async def test_who_waits_for_an_account_is_in_the_queue(tmp_path) -> None:
    stalled = scripted(saying(misfortunes=[Stall()]))
    async with house(tmp_path, stalled, per_credential_concurrency=1) as here, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(here.post, prompt())
        with trio.fail_after(10):
            while (seen := await figures(here))["kiro_trio_queue"] < 2:
                pass
        assert seen["kiro_trio_in_flight phase=waiting"] == 2
        assert seen["kiro_trio_account_in_flight credential=1"] == 1
        nursery.cancel_scope.cancel()


async def test_the_estimate_is_held_against_kiros_own_number(tmp_path) -> None:
    said = Metadata(usage={"uncachedInputTokens": 1_000_000, "cacheReadInputTokens": 1000, "outputTokens": 1})
    async with house(tmp_path, scripted(saying(Say("Hi"), said))) as here:
        await here.post(prompt())
        seen = await figures(here)
    assert seen["kiro_trio_estimate_ratio_bucket le=0.5"] == seen["kiro_trio_estimate_ratio_count"] == 1
    assert seen["kiro_trio_tokens_total kind=cache_read model=claude-sonnet-4.5"] == 1000


async def test_what_accounts_have_left_and_sign_ins_are_counted_apart(tmp_path) -> None:
    async with house(tmp_path, admin_api_key="sk-owner") as here:
        here.simulator.accounts.append(Account("new@example.com", "builder-id"))
        headers = {"x-api-key": "sk-owner"}
        await here.http.get("/api/admin/credentials/1/balance", headers=headers)
        before = await figures(here)
        wish = {"provider": "builder-id"}
        begun = (await here.http.post("/api/admin/sign-ins", json=wish, headers=headers)).json()
        with trio.fail_after(10):
            while (await here.http.get(f"/api/admin/sign-ins/{begun['id']}", headers=headers)).json()[
                "state"
            ] != "done":
                pass
        after = await figures(here)
    assert before["kiro_trio_account_credits_remaining credential=1"] == 987.5
    assert after["kiro_trio_account_credits_remaining credential=2"] == 987.5
    renewals = "kiro_trio_small_calls_total answer=2xx purpose=renewal"
    assert after[renewals] == before[renewals]
    assert after["kiro_trio_small_calls_total answer=2xx purpose=sign_in"] >= 4
    assert after["kiro_trio_small_calls_total answer=4xx purpose=sign_in"] == 1  # not confirmed yet
    assert after["kiro_trio_requests_total model= route=admin status=200"] > 2


async def test_made_up_models_and_paths_do_not_make_more_rows(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hi")))) as here:
        for number in range(130):
            await here.http.get(f"/nowhere/{number}")
        for number in range(110):
            await here.post(prompt(stream=False, model=f"my-model-{number}"))
        seen = await figures(here)
    rows = [name for name in seen if name.startswith("kiro_trio_requests_total")]
    models = {re.search(r"model=(\S*) ", name)[1] for name in rows}
    assert len(models) <= 102
    assert "other" in models
    assert sum(value for name, value in seen.items() if name in rows and "route=messages" in name) == 110
    assert seen["kiro_trio_requests_total model= route=other status=404"] == 130


async def test_a_head_that_changes_inside_a_conversation_is_counted(tmp_path) -> None:
    async with house(tmp_path, scripted(saying(Say("Hi")))) as here:
        headers = {"x-api-key": KEY, "x-claude-code-session-id": "0c9e1f38-session"}
        for system in ("one", "one", "two"):
            body = prompt(stream=False, system=system)
            await here.http.post("/v1/messages", json=body, headers=headers)
        seen = await figures(here)
    assert seen["kiro_trio_prompt_prefix_total head=new"] == 1
    assert seen["kiro_trio_prompt_prefix_total head=same"] == 1
    assert seen["kiro_trio_prompt_prefix_total head=changed"] == 1


async def test_what_kiro_says_that_nobody_knows_is_counted_by_name_only(tmp_path) -> None:
    strange = Event("brandNewEvent", {"secretValue": "nobody's business"})
    wider = Event("assistantResponseEvent", {"content": "Hi", "brandNewField": "nobody's business"})
    async with house(tmp_path, scripted(saying(Say("Hi"), strange, wider))) as here:
        await here.post(prompt())
        text = (await here.http.get("/metrics")).text
    assert 'kiro_trio_unknown_total{name="brandNewEvent"} 1.0' in text
    assert 'kiro_trio_unknown_total{name="assistantResponseEvent.brandNewField"} 1.0' in text
    assert "business" not in text


async def test_the_event_loops_lag_is_measured(tmp_path) -> None:
    async with house(tmp_path) as here:
        seen = {}
        while not seen.get("kiro_trio_event_loop_lag_seconds_count"):
            seen = await figures(here)
    assert seen["kiro_trio_event_loop_lag_seconds_count"] >= 1


@pytest.mark.parametrize(
    ("host", "mode", "key", "status"),
    [
        ("127.0.0.1", "auto", "", 200),
        ("0.0.0.0", "auto", "", 401),  # noqa: S104
        ("0.0.0.0", "auto", KEY, 200),  # noqa: S104
        ("0.0.0.0", "auto", "sk-owner", 200),  # noqa: S104
        ("0.0.0.0", "open", "", 200),  # noqa: S104
        ("127.0.0.1", "off", KEY, 404),
    ],
)
async def test_who_may_see_them(tmp_path, host: str, mode: str, key: str, status: int) -> None:
    async with house(tmp_path, host=host, metrics=mode, admin_api_key="sk-owner") as here:
        url = f"http://127.0.0.1:{here.port}/metrics"
        answer = await here.http.get(url, headers={"authorization": f"Bearer {key}"} if key else {})
    assert answer.status_code == status
    assert ("kiro_trio_requests" in answer.text) == (status == 200)

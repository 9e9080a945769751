"""What ran and what it took."""

import pytest
import trio

from kiro_trio.simulator.script import Pause, Say, Stall
from tests.admin.owner import owner, until
from tests.end_to_end.house import prompt, saying, scripted
from tests.end_to_end.test_leaving import begin
from tests.web.served import eventually

SECRET_WORDS = "the words of the client are nobody's business"


async def test_a_request_is_kept_with_its_tries_and_without_its_words(tmp_path) -> None:
    script = scripted(saying(status="throttled", nth=(1,)), saying(Say("an answer for one only")), accounts=2)
    async with owner(tmp_path, script) as me:
        answer = await me.here.post(prompt(SECRET_WORDS))
        page = await me.get("/requests")
        one = await me.get(f"/requests/{answer.headers['request-id']}")
    assert [one] == page["requests"]
    assert page["next"] is None
    assert one["id"] == answer.headers["request-id"]
    assert (one["client"], one["status"], one["outcome"], one["stream"]) == ("default", 200, "whole", True)
    assert [(step["credential"], step["outcome"]) for step in one["attempts"]] == [
        (1, "throttled"),
        (2, "whole"),
    ]
    assert one["outputTokens"] > 0
    assert one["credits"] > 0
    assert one["prefixHash"]
    assert one["seconds"] >= one["firstContent"] > 0
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("*sqlite3*"))
    assert kept
    assert SECRET_WORDS.encode() not in kept
    assert b"an answer for one only" not in kept


async def test_pages_and_filters(tmp_path) -> None:
    async with owner(tmp_path, scripted(saying(status="improper", nth=(2,)))) as me:
        ids = [(await me.here.post(prompt(stream=False))).headers["request-id"] for _ in range(5)]
        first = await me.get("/requests", limit=2)
        second = await me.get("/requests", limit=2, before=first["next"])
        third = await me.get("/requests", limit=2, before=second["next"])
        failed = await me.get("/requests", failed="true")
        whole = await me.get("/requests", outcome="whole", client="default", credential=1, status=200)
        none = await me.get("/requests", client="nobody")
        unknown = await me.refused("GET", "/requests/req_nothing")
    found = [[row["id"] for row in page["requests"]] for page in (first, second, third)]
    assert [*found[0], *found[1], *found[2]] == ids[::-1]
    assert third["next"] is None
    assert [row["id"] for row in failed["requests"]] == [ids[1]]
    assert len(whole["requests"]) == 4
    assert none == {"requests": [], "next": None}
    assert unknown == (404, "not_found")


async def test_usage_is_summed_up_every_way(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for _ in range(3):
            await me.here.post(prompt(stream=False))
        sums = {by: await me.get("/usage", by=by) for by in ("model", "credential", "client", "hour", "day")}
        latency = await me.get("/usage/latency", by="hour")
    for by, usage in sums.items():
        assert usage["by"] == by
        assert sum(row["requests"] for row in usage["rows"]) == 3
        assert sum(row["credits"] for row in usage["rows"]) > 0
        assert all(row["failures"] == 0 for row in usage["rows"])
    assert sums["client"]["rows"][0]["key"] == "default"
    assert sums["credential"]["rows"][0]["key"] == 1
    assert sums["day"]["rows"][0]["key"] % 86400 == 0
    rows = {row["kind"]: row for row in latency["rows"]}
    assert rows["total"]["count"] == 3
    assert rows["total"]["p50"] <= rows["total"]["p99"]


NONSENSE = [
    {"limit": 0},
    {"limit": 501},
    {"limit": "x"},
    {"before": -1},
    {"before": 2**63},
    {"credential": 10**30},
    {"status": 1},
    {"failed": "perhaps"},
]


async def test_nonsense_is_refused(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for query in NONSENSE:
            assert await me.refused("GET", "/requests", params=query) == (400, "invalid_request")


async def test_the_history_survives_a_restart(tmp_path) -> None:
    async with owner(tmp_path) as me:
        await me.here.post(prompt(stream=False))
    async with owner(tmp_path) as me:
        page = await me.get("/requests")
        usage = await me.get("/usage")
    assert len(page["requests"]) == 1
    assert usage["rows"][0]["requests"] == 1


@pytest.mark.parametrize("what", [saying(misfortunes=[Stall()]), saying(Say("Hello"), Pause())])
async def test_a_client_that_left_is_a_499_whatever_it_has_heard(tmp_path, what) -> None:
    async with owner(tmp_path, scripted(what)) as me:
        client = await begin(me.here, prompt())
        with trio.fail_after(10):
            await eventually(lambda: bool(me.here.chats()) and me.here.chats()[0].at > 0)
            await until(me, lambda live: live["requests"][0]["session"]["phase"] in {"asked", "answering"})
            await trio.sleep(0.1)
            await client.aclose()
            await me.here.chats()[0].ended.wait()
            await until(me, lambda live: not live["requests"])
            page = await me.get("/requests")
    assert (page["requests"][0]["status"], page["requests"][0]["outcome"]) == (499, "client_gone")

"""What runs is seen as the tree it is, and can be ended."""

import json
from collections import Counter

import trio

from kiro_trio.simulator.script import Pause, Say, Stall
from kiro_trio.simulator.seen import Ending
from tests.admin.owner import ADMIN_KEY, owner, until
from tests.end_to_end.house import events, prompt, saying, scripted
from tests.web.served import eventually


async def ask(me, answers: list, **more) -> None:
    answers.append(await me.here.post(prompt(**more)))


async def test_a_running_request_is_a_tree_and_goes_when_it_is_cancelled(tmp_path) -> None:
    async with owner(tmp_path, scripted(saying(Say("Hello"), Pause()))) as me, trio.open_nursery() as nursery:
        answers: list = []
        nursery.start_soon(ask, me, answers)
        with trio.fail_after(10):
            await eventually(lambda: bool(me.here.chats()) and me.here.chats()[0].sent > 0)
            seen = await until(me, lambda live: live["requests"][0]["session"]["phase"] == "answering")
            request = seen["requests"][0]
            done = await me.do("POST", f"/live/{request['id']}/cancel")
            await me.here.chats()[0].ended.wait()
            await eventually(lambda: bool(answers))
        empty = await me.get("/live")
        record = (await me.get("/requests"))["requests"][0]
        again = await me.refused("POST", f"/live/{request['id']}/cancel")
    assert (request["client"], request["stream"], request["status"]) == ("default", True, 200)
    assert request["bytes"] > 0
    assert request["session"]["heard"] == "spoken"
    tries = request["session"]["attempts"]
    assert [(one["credential"], one["state"]) for one in tries] == [(1, "answering")]
    assert tries[0]["firstByte"] >= 0
    assert done["success"]
    assert me.here.chats()[0].ending is Ending.CLIENT_CLOSED
    told = events(answers[0].content)
    assert told[-1][0] == "error"
    assert "owner" in told[-1][1]["error"]["message"]
    assert empty["requests"] == []
    assert record["id"] == request["id"] == answers[0].headers["request-id"]
    assert record["outcome"] == "cancelled_by_owner"
    assert again == (404, "not_found")


async def test_a_request_that_has_heard_nothing_gets_a_real_status_when_it_is_cancelled(tmp_path) -> None:
    async with owner(tmp_path, scripted(saying(misfortunes=[Stall()]))) as me, trio.open_nursery() as nursery:
        answers: list = []
        nursery.start_soon(ask, me, answers)
        with trio.fail_after(10):
            await eventually(lambda: bool(me.here.chats()))
            request = (await me.get("/live"))["requests"][0]
            await me.do("POST", f"/live/{request['id']}/cancel")
            await eventually(lambda: bool(answers))
    assert request["session"]["phase"] == "asked"
    assert request["session"]["heard"] == "silent"
    assert answers[0].status_code == 503


async def test_attempts_that_failed_stay_in_the_tree(tmp_path) -> None:
    script = scripted(saying(status="throttled", nth=(1,)), saying(misfortunes=[Stall()]), accounts=2)
    async with owner(tmp_path, script) as me, trio.open_nursery() as nursery:
        nursery.start_soon(ask, me, [])
        with trio.fail_after(10):
            await eventually(lambda: len(me.here.chats()) == 2)
            tree = (await me.get("/live"))["requests"][0]["session"]["attempts"]
            await me.do("POST", f"/live/{(await me.get('/live'))['requests'][0]['id']}/cancel")
    assert [(one["credential"], one["state"]) for one in tree] == [(1, "throttled"), (2, "asked")]


async def test_the_feed_tells_of_a_request_and_of_its_end(tmp_path) -> None:
    async with owner(tmp_path, scripted(saying(Say("Hello"), Pause()))) as me, trio.open_nursery() as nursery:
        nursery.start_soon(ask, me, [])
        counts = Counter()
        with trio.fail_after(15):
            async with me.here.http.stream(
                "GET", "/api/admin/live/events", headers={"x-api-key": ADMIN_KEY}
            ) as feed:
                assert feed.headers["content-type"].startswith("text/event-stream")
                async for line in feed.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    running = json.loads(line[6:])["requests"]
                    counts[len(running)] += 1
                    if running:
                        await me.do("POST", f"/live/{running[0]['id']}/cancel")
                    elif counts[1]:
                        me.here.shutdown.set()
    assert counts[1] >= 1


async def test_a_feed_ends_with_the_gateway(tmp_path) -> None:
    async with owner(tmp_path) as me, trio.open_nursery() as nursery:
        ended = trio.Event()

        async def watch() -> None:
            async with me.here.http.stream(
                "GET", "/api/admin/live/events", headers={"x-api-key": ADMIN_KEY}
            ) as feed:
                async for _ in feed.aiter_lines():
                    me.here.shutdown.set()
            ended.set()

        nursery.start_soon(watch)
        with trio.fail_after(10):
            await ended.wait()
            await me.here.stopped.wait()


async def test_a_feed_that_is_left_is_closed(tmp_path) -> None:
    async with owner(tmp_path) as me:
        for _ in range(20):  # more than may be open at once
            async with me.here.http.stream(
                "GET", "/api/admin/live/events", headers={"x-api-key": ADMIN_KEY}
            ) as feed:
                assert feed.status_code == 200
            await trio.sleep(0.02)

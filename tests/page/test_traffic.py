"""What runs and what ran, as a person sees it: the live tree and an end to it, requests, charts, keys, settings."""

import json
import re
from functools import partial

import httpx
import trio

from kiro_trio.simulator.script import Pause, Say
from kiro_trio.simulator.seen import Ending
from tests.end_to_end.house import KEY, prompt, saying, scripted
from tests.page.chromium import eventually, visitor
from tests.page.desk import ADMIN_KEY, desk
from tests.page.scenery import write_history


def test_a_running_request_is_watched_and_cancelled(browser, tmp_path) -> None:
    script = scripted(
        saying(status="throttled", nth=(1,)),
        saying(*(step for _ in range(200) for step in (Say("word "), Pause(0.05)))),
        accounts=2,
    )
    with desk(tmp_path, script) as here, visitor(browser, here) as one:
        one.page.clock.install()
        page = one.enter("live")
        page.get_by_text("Nothing is running").wait_for()
        here.send(prompt())
        request = page.locator(".request")
        request.locator(".chip", has_text="answering").first.wait_for()
        assert request.locator("h3").inner_text() == "claude-sonnet-4.5"
        tries = request.locator(".tries li")
        assert [re.sub(r"\s+", " ", words)[:30] for words in tries.all_inner_texts()] == [
            "1. user1@example.com Throttled",
            "2. user2@example.com answering",
        ]
        sent = request.locator("dd").nth(2).inner_text()
        place = request.bounding_box()
        eventually(page, "document.querySelectorAll('.request dd')[2].innerText !== argument", sent)
        page.wait_for_timeout(1200)
        assert request.bounding_box() == place  # live data moves nothing
        page.locator(".glance", has_text="1 running").wait_for()
        request.get_by_role("button", name="Cancel").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel request").click()
        here.until(lambda: here.chats()[1].ending is Ending.CLIENT_CLOSED)  # Kiro's socket is gone
        here.until(lambda: here.answers)
        page.locator(".notice", has_text="was cancelled").wait_for()
        page.locator(".request[data-over]").wait_for()
        page.mouse.move(5, 5)
        page.evaluate("document.activeElement.blur()")
        page.clock.fast_forward(5000)
        page.get_by_text("Nothing is running").wait_for()
        page.get_by_role("link", name="Requests").click()
        page.locator("tr[data-outcome=cancelled_by_owner]").get_by_role("link").click()
        assert "Cancelled by you" in page.get_by_role("dialog").inner_text()
    assert b"event: error" in here.answers[0].content


def test_the_live_view_comes_back_by_itself(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        one.context.route("**/live/events", lambda route: route.fulfill(status=503, body="{}"))
        one.page.clock.install()
        page = one.enter("live")
        page.get_by_text("The live view is interrupted").wait_for()
        page.locator(".glance", has_text="Connecting").wait_for()
        one.context.unroute("**/live/events")
        page.clock.fast_forward(5000)
        page.locator(".glance", has_text="2 ready").wait_for()
        page.get_by_text("0 running, 0 waiting, 2 accounts ready").wait_for()


def test_recent_requests_are_narrowed_and_turned(browser, tmp_path) -> None:
    trio.run(partial(write_history, tmp_path, 130, 3))
    with desk(tmp_path, accounts=2) as here, visitor(browser, here) as one:
        page = one.enter("requests")
        rows = page.locator(".records tbody tr")
        rows.first.wait_for()
        assert rows.count() == 50
        first = rows.first.inner_text()
        page.get_by_role("button", name="Older").click()
        eventually(page, "document.querySelector('.records tbody tr').innerText !== argument", first)
        page.get_by_role("button", name="Older").click()
        eventually(page, "document.querySelectorAll('.records tbody tr').length === 30")
        assert page.get_by_role("button", name="Older").is_disabled()
        page.get_by_role("button", name="Newer").click()
        eventually(page, "document.querySelectorAll('.records tbody tr').length === 50")
        page.get_by_role("button", name="Newer").click()
        eventually(page, "document.querySelector('.records tbody tr').innerText === argument", first)
        page.get_by_label("Client").select_option("ci")
        eventually(page, "[...document.querySelectorAll('td.client')].every(cell => cell.innerText === 'ci')")
        assert 0 < rows.count() < 50
        page.get_by_label("Client").select_option("")
        page.get_by_role("radio", name="Failed").check()
        eventually(page, "document.querySelectorAll('tr[data-outcome=whole]').length === 0")
        shown = {row.get_attribute("data-outcome") for row in rows.all()}
        assert shown
        assert "whole" not in shown


def test_usage_is_drawn_and_read_with_keys(browser, tmp_path) -> None:
    trio.run(partial(write_history, tmp_path, 300))
    with desk(tmp_path, accounts=2) as here, visitor(browser, here) as one:
        page = one.enter("usage")
        page.locator(".chart rect").first.wait_for()
        assert page.locator(".chart").count() == 4
        page.get_by_role("radio", name="30 days").check()
        total = sum(row["requests"] for row in here.get("/usage")["rows"])
        page.get_by_text(re.compile(rf"^{total}, \d+ failed$")).wait_for()
        plot = page.get_by_role("application", name="Requests")
        plot.focus()
        page.keyboard.press("End")
        reading = page.locator(".chart .reading").first
        last = reading.inner_text()
        page.keyboard.press("ArrowLeft")
        assert reading.inner_text() != last
        assert "Whole" in last
        assert page.locator(".sums").count() == 3
        page.get_by_role("radio", name="Whole answer").check()
        page.locator(".chart polyline").first.wait_for()


def test_without_usage_it_says_what_to_do(browser, here) -> None:
    with visitor(browser, here) as one:
        page = one.enter("usage")
        page.get_by_text("Nothing was used in this time").wait_for()
        page.get_by_role("link", name="Requests").click()
        page.get_by_text("No requests here").wait_for()


def test_a_clients_key_is_shown_once_used_limited_and_revoked(browser, here) -> None:
    with visitor(browser, here, permissions=["clipboard-read", "clipboard-write"]) as one:
        page = one.enter("keys")
        page.get_by_role("button", name="New key").click()
        page.get_by_label("Name").fill("editor")
        page.get_by_label("Requests per minute").fill("5")
        page.get_by_role("button", name="Make the key").click()
        field = page.get_by_label("Secret key")
        secret = field.input_value()
        page.get_by_role("button", name="Copy").click()
        assert page.evaluate("navigator.clipboard.readText()") == secret
        page.get_by_role("button", name="I have it").click()
        mine = page.locator(".key", has_text="editor")
        mine.wait_for()
        assert secret not in page.content()
        answer = httpx.post(
            f"{here.url}/v1/messages",
            json=prompt(stream=False),
            headers={"x-api-key": secret},
            trust_env=False,
        )
        assert answer.status_code == 200
        mine.get_by_role("button", name="Limits").click()
        dialog = page.get_by_role("dialog")
        assert dialog.get_by_label("Requests per minute").input_value() == "5"
        dialog.get_by_label("Requests per minute").fill("")
        dialog.get_by_label("Credits per month").fill("12.5")
        dialog.get_by_role("button", name="Save").click()
        mine.get_by_text("12.5").wait_for()
        key = next(key for key in here.get("/keys")["keys"] if key["name"] == "editor")
        assert (key["perMinute"], key["creditsPerMonth"]) == (None, 12.5)
        mine.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        mine.wait_for(state="detached")
        refused = httpx.get(f"{here.url}/v1/models", headers={"x-api-key": secret}, trust_env=False)
        assert refused.status_code == 403


def test_settings_are_shown_without_secrets_and_changed(browser, tmp_path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"adminApiKey": ADMIN_KEY, "apiKey": KEY}))
    with desk(tmp_path) as here, visitor(browser, here) as one:
        page = one.enter("settings")
        page.locator(".setting").first.wait_for()
        assert KEY not in page.content()
        assert ADMIN_KEY not in page.content()
        assert "(set)" in page.locator("[data-key=apiKey]").inner_text()
        page.get_by_role("radio", name="Balanced").check()
        page.locator(".notice", has_text="written to the configuration").wait_for()
        assert json.loads(config.read_text())["loadBalancingMode"] == "balanced"
        page.get_by_role("radio", name="error").check()
        here.until(lambda: json.loads(config.read_text()).get("logLevel") == "error")
        config.write_text(json.dumps({**json.loads(config.read_text()), "loadBalancingMode": "priority"}))
        page.get_by_role("button", name="Reload").click()
        page.get_by_text("In force now").wait_for()
        assert here.get("/config/load-balancing") == {"mode": "priority"}
        page.get_by_label("Search settings").fill("logLevel")
        eventually(page, "document.querySelectorAll('.setting:not([hidden])').length === 1")
        page.get_by_text("models").first.click()
        page.get_by_role("cell", name="200,000").first.wait_for()

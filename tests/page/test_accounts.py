"""A person in front of the page: in, accounts added, imported, changed, signed in to, and out again."""

import json
import re
from urllib.parse import urlsplit

import httpx

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.simulator import Simulator
from tests.admin.owner import stranger
from tests.admin.test_size import many
from tests.page.chromium import visitor
from tests.page.desk import ADMIN_KEY, desk

# For a browser that is elsewhere no port of this machine is listened on.
ELSEWHERE = {"extra_http_headers": {"x-forwarded-for": "203.0.113.7"}}


def card(page, name):
    return page.locator(".account").filter(has=page.get_by_role("heading", name=name, exact=True))


def names(page):
    return page.locator(".account h3").all_inner_texts()


def stands(page, number, standing):
    page.locator(f'.account[data-id="{number}"][data-standing="{standing}"]').wait_for()


def said(page, words):
    page.locator(".notice").filter(has_text=words).first.wait_for()


def test_in_with_the_right_key_and_out_again(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        page = one.page
        page.goto(here.page)
        page.locator("input[name=key]").fill("not the key")
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="not the admin key").wait_for()
        assert page.locator("nav").count() == 0
        page.locator("input[name=key]").fill(ADMIN_KEY)
        page.get_by_role("button", name="Log in").click()
        card(page, "user1@example.com").wait_for()
        assert page.evaluate("document.cookie") == ""
        stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert ADMIN_KEY not in stored
        page.reload()
        card(page, "user2@example.com").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.locator("input[name=key]").wait_for()
        page.reload()
        page.locator("input[name=key]").wait_for()
        assert one.context.cookies() == []
        assert [words for words in one.complaints if "401" not in words] == []
        assert len(one.complaints) == 1  # the wrong key


def test_a_session_that_ends_leads_to_the_door(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        page = one.enter("keys")
        one.context.clear_cookies()
        page.get_by_role("link", name="Accounts").click()
        page.get_by_role("alert").filter(has_text="Your session has ended").wait_for()
        assert page.locator(".account").count() == 0


def test_an_account_is_added_switched_and_deleted(browser, here) -> None:
    new = stranger(here.simulator)
    with visitor(browser, here) as one:
        page = one.enter()
        page.get_by_role("button", name="Add by token").click()
        page.get_by_label("Refresh token").first.fill(new.refresh_token)
        page.get_by_text("More options").click()
        page.get_by_label("E-mail").fill("new@example.com")
        page.get_by_role("button", name="Add", exact=True).click()
        mine = card(page, "new@example.com")
        mine.wait_for()
        assert [entry["email"] for entry in here.me.file][2:] == ["new@example.com"]
        mine.get_by_role("switch").click()
        said(page, "is switched off")
        stands(page, 3, "disabled")
        assert here.me.file[2]["disabled"] is True
        mine.get_by_role("switch").click()
        said(page, "takes requests")
        stands(page, 3, "ready")
        mine.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="No, keep it").click()
        assert mine.count() == 1
        mine.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        said(page, "was deleted")
        mine.wait_for(state="detached")
        assert len(here.me.file) == 2


def test_an_account_is_edited_renewed_reset_and_asked_for_its_balance(browser, here) -> None:
    before = here.me.file[1]
    with visitor(browser, here) as one:
        page = one.enter()
        mine = card(page, "user2@example.com")
        mine.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Priority").fill("7")
        dialog.get_by_label("Requests at once").fill("3")
        dialog.get_by_label("Proxy", exact=True).fill("direct")
        dialog.get_by_role("button", name="Save").click()
        said(page, "was changed")
        changed = {"priority": 7, "concurrency": 3, "proxyUrl": "direct"}
        assert {key: here.me.file[1].get(key) for key in changed} == changed
        assert set(here.me.file[1]) >= set(before)  # nothing else was touched
        mine.get_by_text("0 of 3").wait_for()
        mine.get_by_role("button", name="Ask for balance").click()
        said(page, "987.5 credits left")
        assert mine.get_by_role("meter").get_attribute("aria-valuenow") == "99"
        mine.get_by_role("button", name="Renew token").click()
        said(page, "was renewed")
        mine.get_by_role("button", name="Reset").click()
        said(page, "was reset")
    assert here.simulator.accounts[1].renewals >= 2


def test_what_is_refused_is_said_where_it_was_asked(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        page = one.enter()
        page.get_by_role("button", name="Add by token").click()
        page.get_by_role("radio", name="API key").check()
        page.get_by_label("Kiro API key").fill("not a key \u00e9")
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("dialog").get_by_role("alert").filter(has_text="kiroApiKey").wait_for()
        assert len(here.me.file) == 2
        assert all("400" in words for words in one.complaints)


def drop(page, files):
    data = page.evaluate_handle(
        """files => {
            const data = new DataTransfer();
            for (const [name, text] of files) data.items.add(new File([text], name, { type: "application/json" }));
            return data;
        }""",
        files,
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(".view", event, {"dataTransfer": data})


def test_dropped_files_are_tried_first_and_then_imported(browser, here) -> None:
    new = [stranger(here.simulator, f"new{number}@example.com").credential() for number in range(2)]
    bad = {"refreshToken": "x" * 150, "email": "bad@example.com", "authMethod": "social"}
    text = json.dumps([*new, here.me.file[0], bad])
    with visitor(browser, here) as one:
        page = one.enter()
        card(page, "user1@example.com").wait_for()
        drop(page, [["credentials.json", text]])
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("nothing was changed").wait_for()
        statuses = [row.get_attribute("data-status") for row in dialog.locator("tbody tr").all()]
        assert statuses == ["would_add", "would_add", "skipped", "would_add"]
        assert len(here.me.file) == 2
        drop(page, [["again.json", json.dumps(new[0])]])  # the dialog that is open takes it
        dialog.get_by_text("again.json").first.wait_for()
        assert page.get_by_role("dialog").count() == 1
        dialog.get_by_role("button", name="Leave out").last.click()
        dialog.get_by_role("button", name="Preview").click()
        dialog.get_by_role("button", name="Import 3").click()
        dialog.locator("tr[data-status=added]").first.wait_for()
        statuses = [row.get_attribute("data-status") for row in dialog.locator("tbody tr").all()]
        assert statuses == ["added", "added", "skipped", "failed"]
        dialog.get_by_role("button", name="Close").last.click()
        card(page, "new1@example.com").wait_for()
        assert sorted(names(page)) == [
            "new0@example.com",
            "new1@example.com",
            "user1@example.com",
            "user2@example.com",
        ]


def test_many_accounts_are_chosen_and_changed_at_once(browser, here) -> None:
    with visitor(browser, here) as one:
        page = one.enter()
        page.get_by_role("button", name="Select all 2").click()
        page.get_by_role("region", name="Selected accounts").get_by_role("button", name="Disable").click()
        said(page, "done for 2 of 2")
        assert [entry["disabled"] for entry in here.me.file] == [True, True]
        page.get_by_role("radio", name="Off").check()
        assert len(names(page)) == 2
        page.get_by_role("radio", name="Ready").check()
        page.get_by_text("No account matches").wait_for()
        page.get_by_role("button", name="Show all").click()
        assert len(names(page)) == 2


def test_an_export_needs_the_key_once_more(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        page = one.enter()
        page.get_by_label("Select user2@example.com").check()
        page.get_by_role("region", name="Selected accounts").get_by_role("button", name="Export").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Admin key").fill("wrong")
        dialog.get_by_label("I keep this file secret").check()
        dialog.get_by_role("button", name="Export with secrets").click()
        dialog.get_by_role("alert").filter(has_text="admin API key").wait_for()
        dialog.get_by_label("Admin key").fill(ADMIN_KEY)
        with page.expect_download() as waiting:
            dialog.get_by_role("button", name="Export with secrets").click()
        exported = json.loads(waiting.value.path().read_text())["accounts"]
        assert [entry["email"] for entry in exported] == ["user2@example.com"]
        assert exported[0]["refreshToken"]


def nobody(*newcomers) -> Simulator:
    simulator = Simulator(accounts=[*newcomers])
    simulator.sign_in.pending_polls = 10**6
    return simulator


def test_a_new_account_is_signed_in_to_by_code(browser, tmp_path) -> None:
    (tmp_path / "credentials.json").write_text("[]")
    with (
        desk(tmp_path, nobody(Account("b@example.com", "builder-id"))) as here,
        visitor(browser, here) as one,
    ):
        page = one.enter()
        page.get_by_text("No accounts yet").wait_for()
        page.get_by_role("button", name="New sign-in").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Begin").click()
        code = dialog.get_by_label("Code", exact=True).input_value()
        link = dialog.get_by_role("link", name="Open the sign-in page")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert code in link.get_attribute("href")
        dialog.get_by_role("button", name="Close, it goes on").click()
        banner = page.locator(".banner").filter(has_text="AWS Builder ID waits for you")
        banner.get_by_role("button", name="Go on").click()
        with one.context.expect_page() as waiting:
            link.click()
        waiting.value.wait_for_load_state()
        assert urlsplit(waiting.value.url).hostname == "127.0.0.1"
        waiting.value.close()
        dialog.get_by_text("Signed in", exact=True).wait_for()
        assert "b@example.com" in dialog.inner_text()
        dialog.get_by_role("button", name="Close").last.click()
        card(page, "b@example.com").wait_for()
        stands(page, 1, "ready")
        banner.wait_for(state="detached")
    assert [entry["email"] for entry in json.loads((tmp_path / "credentials.json").read_text())] == [
        "b@example.com"
    ]


def test_a_new_account_is_signed_in_to_by_pasted_address(browser, tmp_path) -> None:
    (tmp_path / "credentials.json").write_text("[]")
    with (
        desk(tmp_path, nobody(Account("g@example.com"))) as here,
        visitor(browser, here, complaints=True, **ELSEWHERE) as one,
    ):
        page = one.enter()
        page.get_by_role("button", name="New sign-in").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("radio", name="Google").check()
        dialog.get_by_role("button", name="Begin").click()
        dialog.get_by_label("Address").fill("https://example.com/?code=no")
        dialog.get_by_role("button", name="Finish").click()
        problem = dialog.locator(".problem")
        problem.filter(has_text=re.compile(r"\w")).wait_for()
        url = dialog.get_by_role("link", name="Open the sign-in page").get_attribute("href")
        dialog.get_by_label("Address").fill(httpx.get(url, trust_env=False).headers["location"])
        dialog.get_by_role("button", name="Finish").click()
        dialog.get_by_text("Signed in", exact=True).wait_for()
        dialog.get_by_role("button", name="Close").last.click()
        card(page, "g@example.com").wait_for()
        assert all("400" in words for words in one.complaints)


def test_a_sign_in_can_be_given_up(browser, tmp_path) -> None:
    with (
        desk(tmp_path, nobody(Account("b@example.com", "builder-id"))) as here,
        visitor(browser, here) as one,
    ):
        page = one.enter()
        page.get_by_role("button", name="New sign-in").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Begin").click()
        dialog.get_by_role("button", name="Give up").click()
        dialog.get_by_role("heading", name="The sign-in was given up").wait_for()
        assert here.get("/sign-ins")["signIns"] == []


def test_a_thousand_accounts_stay_at_hand(browser, tmp_path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps(many(1000)))
    with desk(tmp_path, Simulator(accounts=[])) as here, visitor(browser, here) as one:
        page = one.enter()
        page.locator(".account").first.wait_for()
        assert page.locator(".account").count() == 48
        page.get_by_text(re.compile("^1.48 of 1,000$")).wait_for()
        took = page.evaluate(
            """async () => {
                const field = document.querySelector("input[type=search]");
                const began = performance.now();
                field.value = "user42@";
                field.dispatchEvent(new Event("input"));
                await new Promise(requestAnimationFrame);
                return performance.now() - began;
            }"""
        )
        assert names(page) == ["user42@example.com"]
        assert took < 500
        page.get_by_label("Search accounts").fill("")
        page.get_by_role("button", name="Next").click()
        page.get_by_text(re.compile("^49.96 of 1,000$")).wait_for()
        page.get_by_role("button", name="Select all 1000").click()
        page.get_by_text("1000 selected").wait_for()

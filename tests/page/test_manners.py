"""How the page behaves towards everybody: two languages, light and dark, keys only, small screens, hostile words."""

import json
import re
from typing import Any

import pytest
import trio

from kiro_trio.simulator.script import Pause, Say
from tests.end_to_end.house import prompt, saying, scripted
from tests.page.chromium import visitor
from tests.page.desk import ADMIN_KEY, desk
from tests.page.scenery import write_history

VIEWS = ["accounts", "live", "usage", "requests", "keys", "settings"]
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
MARKUP = '"\'><img src=x onerror="window.ran=1"><script>window.ran=1</script><svg onload=window.ran=1>'


def show(page, view, settling=250):
    page.evaluate("view => (location.hash = view)", view)
    page.locator(f'nav a[href="#{view}"][aria-current=page]').wait_for()
    page.wait_for_timeout(settling)


def test_the_browsers_language_is_spoken_until_another_is_chosen(browser, here) -> None:
    with visitor(browser, here, locale="zh-CN") as one:
        page = one.enter()
        page.get_by_role("heading", name="账号", exact=True).wait_for()
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.locator("select.language").focus()
        page.locator("select.language").select_option("en")
        page.get_by_role("heading", name="Accounts", exact=True).wait_for()
        assert page.evaluate("[document.documentElement.lang, document.activeElement.className]") == [
            "en",
            "language",
        ]
        page.reload()
        page.get_by_role("heading", name="Accounts", exact=True).wait_for()
        page.locator("select.language").select_option("zh-CN")
        for view in VIEWS:
            show(page, view)
            words = page.evaluate("document.querySelector('main').innerText")
            assert "undefined" not in words
            assert re.findall(r"\{\w+\}", words) == []
    with visitor(browser, here) as other:
        page = other.enter()
        assert page.evaluate("document.documentElement.lang") == "en"


def test_light_and_dark_follow_the_system_until_one_is_chosen(browser, here) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with visitor(browser, here, color_scheme="dark") as one:
        page = one.enter()
        dark = page.evaluate(ground)
        page.emulate_media(color_scheme="light")
        light = page.evaluate(ground)
        assert dark != light
        button = page.get_by_role("button", name="Theme: as the system")
        button.click()
        page.get_by_role("button", name="Theme: light").click()
        page.get_by_role("button", name="Theme: dark").wait_for()
        assert page.evaluate(ground) == dark
        page.reload()
        page.get_by_role("button", name="Theme: dark").wait_for()
        assert page.evaluate(ground) == dark


FOCUSED = """() => {
    const node = document.activeElement;
    const style = getComputedStyle(node.matches(".choices input") ? node.nextSibling : node);
    return {
        name: node.getAttribute("aria-label") ?? node.labels?.[0]?.innerText ?? node.innerText,
        seen: node === document.body || style.outlineStyle !== "none",
    };
}"""


def tab_to(page, name, most=60):
    """Go on with the Tab key until something of this name has the focus; everything on the way must show it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["seen"], focused
        if (focused["name"] or "").strip() == name:
            return
    pytest.fail(f"{name} cannot be reached with the Tab key")


def enter_with_keys(here, one):
    one.page.goto(here.page)
    one.page.locator("input[name=key]").wait_for()
    one.page.keyboard.type(ADMIN_KEY)
    one.page.keyboard.press("Enter")
    one.page.locator(".account").nth(1).wait_for()
    return one.page


def test_accounts_are_changed_with_keys_alone(browser, here) -> None:
    with visitor(browser, here) as one:
        page = enter_with_keys(here, one)
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["name"] == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "H1"
        tab_to(page, "Add by token")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        assert page.evaluate(FOCUSED)["name"] == "Add by token"  # the focus is back where it was
        tab_to(page, "user1@example.com takes requests")
        page.keyboard.press("Space")
        page.locator('[data-id="1"][data-standing=disabled]').wait_for()
        tab_to(page, "Delete")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        assert page.evaluate(FOCUSED)["name"] == "No, keep it"  # what does no harm comes first
        tab_to(page, "Delete", most=3)
        page.keyboard.press("Enter")
        page.locator('[data-id="1"]').wait_for(state="detached")
    assert [entry["email"] for entry in here.me.file] == ["user2@example.com"]


def test_views_are_changed_and_keys_are_made_with_keys_alone(browser, here) -> None:
    with visitor(browser, here) as one:
        page = enter_with_keys(here, one)
        tab_to(page, "Keys")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Keys", exact=True).wait_for()
        assert page.evaluate("document.activeElement.tagName") == "H1"
        tab_to(page, "New key")
        page.keyboard.press("Enter")
        page.keyboard.type("keys only")
        page.keyboard.press("Enter")
        page.get_by_label("Secret key").wait_for()
    assert "keys only" in [key["name"] for key in here.get("/keys")["keys"]]


NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, [role], dialog, nav")]
    .filter(node => node.offsetParent !== null && !["status", "alert"].includes(node.getAttribute("role")))
    .filter(node => !(node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.innerText?.trim()
        || node.labels?.length || node.getAttribute("aria-hidden")))
    .map(node => node.outerHTML.slice(0, 120))"""

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter(node => !node.closest(".scroll, .unseen, svg, .skip, .bulk") && node.getBoundingClientRect().right > innerWidth + 1)
    .map(node => `${node.tagName}.${node.className} ${node.getBoundingClientRect().right}`)"""


def test_a_phone_shows_everything_and_all_that_can_be_pressed_has_a_name(browser, tmp_path) -> None:
    trio.run(write_history, tmp_path, 60, 1)
    long = {"refreshToken": "x" * 150, "email": f"{'long' * 15}@example.com", "disabled": True}
    script = scripted(saying(Say("Hello"), Pause()), accounts=2)
    (tmp_path / "credentials.json").write_text(json.dumps([script.accounts[0].credential(), long]))
    with desk(tmp_path, script) as here, visitor(browser, here, **PHONE) as one:
        here.send(prompt())
        page = one.enter()
        page.locator(".account").first.wait_for()
        for view in VIEWS:
            show(page, view)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
            assert page.evaluate(TOO_WIDE) == [], view
            assert page.evaluate(NAMELESS) == [], view
        show(page, "accounts")
        for name in ("New sign-in", "Add by token", "Import", "Export"):
            page.get_by_role("button", name=name).first.click()
            dialog = page.get_by_role("dialog")
            assert page.evaluate(TOO_WIDE) == [], name
            assert page.evaluate(NAMELESS) == [], name
            dialog.get_by_role("button", name="Close").first.click()
            dialog.wait_for(state="detached")


def hostile(value: Any) -> Any:
    """The same answer with markup in the place of every word."""
    if isinstance(value, dict):
        return {key: hostile(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return MARKUP if isinstance(value, str) else value


def answer_with_markup(route) -> None:
    if route.request.url.endswith("/session"):
        route.continue_()
        return
    if route.request.url.endswith("/live/events"):
        picture = json.dumps(hostile(json.loads(route.fetch(url=route.request.url[:-7]).text())))
        route.fulfill(body=f"event: live\ndata: {picture}\n\n", content_type="text/event-stream")
        return
    url, _, single = route.request.url.partition("/sign-ins/")
    told = hostile(route.fetch(url=f"{url}/sign-ins" if single else url).json())
    for one in told.get("signIns", []):
        one |= {"state": "waiting", "url": "javascript:window.ran=1"}
    told = told["signIns"][0] if single else told
    route.fulfill(body=json.dumps(told), content_type="application/json")


WATCH = """window.violations = [];
addEventListener("securitypolicyviolation", event => window.violations.push(event.violatedDirective));"""


def test_whatever_it_is_told_is_text(browser, tmp_path) -> None:
    trio.run(write_history, tmp_path, 30, 1)
    script = scripted(saying(Say("Hello"), Pause()))
    with desk(tmp_path, script) as here, visitor(browser, here) as one:
        here.send(prompt())
        here.until(here.chats)
        here.wait(here.me.do, "POST", "/keys", {"name": "one"})
        here.wait(here.me.do, "POST", "/sign-ins", {"provider": "google"})
        one.page.add_init_script(WATCH)
        one.context.route("**/api/admin/**", answer_with_markup)
        page = one.enter()
        for view in VIEWS:
            show(page, view, settling=0)
            page.get_by_text("<script>window.ran=1</script>").locator("visible=true").first.wait_for()
        show(page, "accounts")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("dialog").get_by_text("javascript:window.ran=1").wait_for()
        assert page.locator("a[href^=javascript]").count() == 0
        page.get_by_role("dialog").get_by_role("button", name="Close").first.click()
        for act in ("Edit", "Ask for balance"):
            page.get_by_role("button", name=act).first.click()
            page.wait_for_timeout(200)
            page.keyboard.press("Escape")
        show(page, "requests")
        page.locator(".records a").first.click()
        page.get_by_role("dialog").get_by_text("<script>").first.wait_for()
        assert page.evaluate("window.ran") is None
        assert (
            page.evaluate(
                "document.querySelectorAll('main img, dialog img, main script, [onerror], [onload]').length"
            )
            == 0
        )
        assert page.evaluate("window.violations") == []


def test_markup_in_an_accounts_own_address_is_text_too(browser, tmp_path) -> None:
    entry = {"kiroApiKey": "ksk_" + "a" * 40, "email": MARKUP}
    (tmp_path / "credentials.json").write_text(json.dumps([entry]))
    with desk(tmp_path, scripted()) as here, visitor(browser, here) as one:
        page = one.enter()
        page.locator(".account h3").wait_for()
        assert page.locator(".account h3").inner_text() == MARKUP
        assert page.evaluate("window.ran") is None


def test_the_policy_holds_even_if_a_script_tried(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        one.page.add_init_script(WATCH)
        page = one.enter()
        refused = page.evaluate(
            """() => {
                const tries = [
                    () => { document.body.innerHTML = "<b>x</b>"; },
                    () => { const script = document.createElement("script"); script.src = "https://example.com/x.js"; document.head.append(script); },
                ];
                return tries.map(attempt => { try { attempt(); return "ran"; } catch (error) { return error.name; } });
            }"""
        )
        assert refused == ["TypeError", "TypeError"]
        assert page.evaluate("window.ran") is None
        answer = page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'kept')")
        assert answer == "kept"
        assert "connect-src" in page.evaluate("window.violations")


def test_what_cannot_be_had_says_so_and_can_be_tried_again(browser, here) -> None:
    with visitor(browser, here, complaints=True) as one:
        page = one.enter()
        one.context.route("**/api/admin/keys", lambda route: route.abort())
        show(page, "keys")
        page.get_by_role("alert").filter(has_text="The gateway cannot be reached").wait_for()
        one.context.unroute("**/api/admin/keys")
        page.get_by_role("button", name="Try again").click()
        page.locator(".key", has_text="default").wait_for()

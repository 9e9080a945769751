"""Pictures of the owner's page, of a gateway with made-up accounts and traffic in front of the simulator.

`make screenshots`; the folder is the only argument.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.page.chromium import chromium, visitor
from tests.page.desk import Desk, desk
from tests.page.scenery import begin_traffic, prepare, simulator


def accounts(page: Any) -> None:
    page.locator(".account").first.wait_for()


def live(page: Any) -> None:
    page.locator(".request").first.wait_for()
    time.sleep(1.5)


def charts(page: Any) -> None:
    page.locator(".chart svg").first.wait_for()


def requests(page: Any) -> None:
    page.locator(".records tbody tr").first.wait_for()


def detail(page: Any) -> None:
    requests(page)
    page.locator("[title='2 tries']").first.locator("xpath=ancestor::tr").locator("a").click()
    page.locator("dialog .tries").wait_for()


def chosen(page: Any) -> None:
    accounts(page)
    for place in (0, 2, 4):
        page.locator(".account input[type=checkbox]:not([role])").nth(place).check()


def signing_in(page: Any) -> None:
    accounts(page)
    page.locator(".heading .primary").click()
    page.locator("dialog button[type=submit]").click()
    time.sleep(1)


def importing(page: Any) -> None:
    accounts(page)
    page.locator(".heading button").nth(1).click()
    page.locator("dialog textarea").fill(
        "ksk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nsomething else\nksk_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    )
    page.locator("dialog footer button").nth(1).click()
    page.locator("dialog tbody tr").first.wait_for()


def adding(page: Any) -> None:
    accounts(page)
    page.locator(".heading button").nth(2).click()


def some(selector: str) -> Callable[[Any], None]:
    return lambda page: page.locator(selector).first.wait_for()


DARK: dict[str, Any] = {"color_scheme": "dark"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 780},
    "device_scale_factor": 2,
    "is_mobile": True,
}
CHINESE: dict[str, Any] = {"locale": "zh-CN"}

# name: (view, what to do there, the browser)
PICTURES: dict[str, tuple[str, Callable[[Any], None], dict[str, Any]]] = {
    "accounts": ("accounts", accounts, {}),
    "accounts-dark": ("accounts", accounts, DARK),
    "accounts-chosen": ("accounts", chosen, {}),
    "accounts-chinese": ("accounts", accounts, CHINESE),
    "accounts-phone": ("accounts", accounts, PHONE),
    "adding": ("accounts", adding, {}),
    "importing": ("accounts", importing, {}),
    "sign-in": ("accounts", signing_in, {}),
    "live": ("live", live, {}),
    "live-dark": ("live", live, DARK),
    "live-phone": ("live", live, PHONE),
    "usage": ("usage", charts, {}),
    "usage-dark": ("usage", charts, DARK),
    "usage-phone": ("usage", charts, PHONE),
    "requests": ("requests", requests, {}),
    "requests-detail": ("requests", detail, {}),
    "requests-phone": ("requests", requests, PHONE),
    "keys": ("keys", some(".key"), {}),
    "keys-chinese-phone": ("keys", some(".key"), {**PHONE, **CHINESE}),
    "settings": ("settings", some(".setting"), {}),
    "settings-phone": ("settings", some(".setting"), PHONE),
}


def take(folder: Path, browser: Any, here: Desk, wanted: list[str]) -> None:
    for name, (view, act, options) in PICTURES.items():
        if wanted and name not in wanted:
            continue
        with visitor(browser, here, complaints=True, **options) as one:
            page = one.enter(view)
            act(page)
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{name}.png")
            for complaint in one.complaints:
                print(f"{name}: {complaint}", file=sys.stderr)  # noqa: T201 - a program of its own
            with visitor(browser, here, complaints=True) as door:
                if name == "accounts":
                    door.page.goto(here.page)
                    door.page.locator("form").wait_for()
                    door.page.screenshot(path=folder / "login.png")


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        prepare(Path(scratch))
        with desk(Path(scratch), simulator()) as here, chromium() as browser:
            begin_traffic(here)
            take(folder, browser, here, wanted)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

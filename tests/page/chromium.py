"""Debian's Chromium without a window, which never leaves this machine, and one visitor's view of a page."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.page.desk import ADMIN_KEY, Desk

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips the test, with a word why, where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (pip install playwright)"
    )
    if program is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """One person in a browser of their own. `complaints` are what the browser said in its console, or tried elsewhere."""

    def __init__(self, here: Desk, context: Any) -> None:
        self.here = here
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(8000)
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._watch)

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.here.url, "data:", "blob:")):
            self.complaints.append(f"elsewhere: {request.url}")

    def enter(self, view: str = "accounts") -> Any:
        """Open the page and log in; returns the browser's page."""
        self.page.goto(f"{self.here.page}#{view}")
        self.page.locator("input[name=key]").fill(ADMIN_KEY)
        self.page.keyboard.press("Enter")
        self.page.locator("nav a[aria-current=page]").wait_for()
        return self.page


@contextmanager
def visitor(browser: Any, here: Desk, *, complaints: bool = False, **options: Any) -> Iterator[Visitor]:
    """A visitor with a fresh profile; at the end the browser must not have complained, unless that was expected."""
    options = {
        "locale": "en-GB",
        "reduced_motion": "reduce",
        "viewport": {"width": 1280, "height": 900},
        **options,
    }
    context = browser.new_context(**options)
    try:
        one = Visitor(here, context)
        yield one
        if not complaints:
            assert one.complaints == [], one.complaints
    finally:
        context.close()


def eventually(page: Any, expression: str, argument: Any = None, within: float = 8.0) -> None:
    """Ask the page until something is true. Its policy forbids the driver's own way, which would read a text as a program."""
    end = time.monotonic() + within
    while not page.evaluate(f"argument => {expression}", argument):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)

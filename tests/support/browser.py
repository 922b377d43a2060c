"""A real browser for tests: Chromium as the system has it, or the test says how to get it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.support.databases import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("AFTERCARE_TEST_CHROMIUM") or shutil.which("chromium")
#: It talks to nobody, and starts in a container.
_ARGS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
"""
Scheme = Literal["light", "dark"]
PHONE, DESKTOP = 360, 1280
#: How bad a finding of axe-core has to be to count.
_BAD = ("serious", "critical")


def open_browser() -> Iterator[Browser]:
    """A browser, as a fixture yields it."""
    if CHROMIUM is None:
        missing("Chromium", "apt install chromium, or name it in AFTERCARE_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS.split())
        yield browser
        browser.close()


def look(page: Page, width: int, scheme: Scheme) -> None:
    """Look at the page on a screen of this width, in this mode."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)


def sticks_out(page: Page) -> list[str]:
    """Elements that are wider than the screen; and the page itself, when it scrolls sideways."""
    found: list[str] = page.evaluate(
        """() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        const wide = [...document.querySelectorAll("body *")]
            .filter(each => each.getBoundingClientRect().right > width + 1)
            .map(each => each.outerHTML.slice(0, 120));
        return ["the page", ...wide];
    }"""
    )
    return found


def faults(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, each with the first element it is about."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in _BAD
    ]

"""The e-mails in a real browser: on a phone and on a computer, by day and by night."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.content.samples import GLOW, LANGUAGES, MILESTONES, MONDAY, Situation, ended, render
from tests.support.browser import DESKTOP, PHONE, faults, look, sticks_out
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from worker.content.library import Library

LONG_NAME = "Krungthepmahanakhon" * 4
BACKGROUNDS = """() => ["body", ".card", ".body", ".timeline", ".tl-free", ".footer"].map(each => {
    const found = document.querySelector(each);
    return found ? getComputedStyle(found).backgroundColor : "";
})"""


def opened(browser: Browser, html: str | None) -> Page:
    page = browser.new_page()
    page.set_content(html or "")
    return page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_e_mail_fits_and_can_be_read(
    browser: Browser, library: Library, language: str
) -> None:
    """Nothing sticks out at either width, dark mode is dark, and axe-core finds nothing bad."""
    page = browser.new_page()
    for milestone in MILESTONES:
        words = render(library, milestone, Channel.EMAIL, language, name=LONG_NAME)
        page.set_content(words.html or "")
        look(page, PHONE, "light")
        assert (sticks_out(page), faults(page)) == ([], []), milestone
        by_day = page.evaluate(BACKGROUNDS)
        look(page, DESKTOP, "dark")
        assert (sticks_out(page), faults(page)) == ([], []), milestone
        by_night = page.evaluate(BACKGROUNDS)
        changed = [day != night for day, night in zip(by_day, by_night, strict=True) if day]
        # The bar may keep the clinic's colour; every ground turns dark.
        assert changed.count(False) <= 1, milestone
    page.close()


@pytest.mark.parametrize("colour", ["#ffff00", "#777777"])
def test_any_colour_of_a_clinic_can_be_read(
    browser: Browser, library: Library, colour: str
) -> None:
    """What the browser paints has the contrast that was worked out, in both modes."""
    clinic = replace(GLOW, colour=colour)
    html = render(library, "home", Channel.EMAIL, "en", situation=Situation(MONDAY, clinic=clinic))
    page = opened(browser, html.html)
    for scheme in ("light", "dark"):
        look(page, PHONE, scheme)
        assert faults(page) == [], scheme
    page.close()


def test_with_pictures_blocked_the_name_stands_in(browser: Browser, library: Library) -> None:
    """A logo that does not load leaves the clinic's name, readable, and breaks nothing."""
    clinic = replace(GLOW, logo_url="https://logo.invalid/logo.png")
    html = render(library, "home", Channel.EMAIL, "en", situation=Situation(MONDAY, clinic=clinic))
    page = browser.new_page()
    page.route("https://**", lambda route: route.abort())
    page.set_content(html.html or "")
    look(page, PHONE, "dark")
    assert (sticks_out(page), faults(page)) == ([], [])
    assert page.get_by_role("img", name=GLOW.name).is_visible()
    page.close()


def test_the_inbox_line_is_not_on_the_page(browser: Browser, library: Library) -> None:
    """It is for the inbox; on the page the first thing is the clinic, then the subject."""
    words = render(library, "home", Channel.EMAIL, "en")
    page = opened(browser, words.html)
    assert not page.locator(".preheader").is_visible()
    assert page.locator("body").inner_text().split("\n")[0] == GLOW.name
    assert page.get_by_role("heading", level=1).inner_text() == words.subject
    page.close()


def test_a_long_timeline_keeps_its_numbers_whole(browser: Browser, library: Library) -> None:
    """On a phone no number breaks into two lines or out of its mark."""
    situation = Situation(MONDAY, later=ended("2026-12-03 12:00", session_number=2))
    words = render(library, "first-day", Channel.EMAIL, "en", situation=situation)
    page = opened(browser, words.html)
    look(page, PHONE, "light")
    for cell in page.locator(".tl-axis td").all():
        box = cell.bounding_box()
        assert box is not None
        assert box["height"] <= 22
        assert cell.evaluate("each => each.scrollWidth <= each.clientWidth")
    page.close()


def test_today_is_marked_where_the_bars_begin(browser: Browser, library: Library) -> None:
    """The bar of exercise begins inside the column of the third day."""
    page = opened(browser, render(library, "home", Channel.EMAIL, "en").html)
    look(page, PHONE, "light")
    column = page.locator(".tl-axis td").nth(3).bounding_box()
    bar = page.locator(".tl-free").first.bounding_box()
    today = page.locator(".tl-now")
    assert column is not None
    assert bar is not None
    assert column["x"] < bar["x"] < column["x"] + column["width"]
    assert today.inner_text() == "0"
    page.close()

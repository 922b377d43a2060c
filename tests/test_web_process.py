"""Worker and web process together, as an operator runs them: real processes, a real browser."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from tests.support.home_message import EMAIL, PHONE, session
from tests.support.installation import Installation, installation
from tests.support.twilio_server import TOKEN
from tests.support.world import CLINIC
from worker.content.pages import Button, Pages
from worker.resources import TEMPLATES
from worker.rules.messages import Status
from worker.store.engine import open_engine
from worker.store.tables import PATIENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Installation]:
    """One patient, just out of her session, and a public address for the web process."""
    with installation(tmp_path) as made:
        with socket.create_server(("127.0.0.1", 0)) as free:
            made.environment["PORT"] = str(free.getsockname()[1])
        made.environment["PUBLIC_URL"] = f"http://127.0.0.1:{made.environment['PORT']}"
        made.environment["SECRET_KEY"] = "f" * 64
        made.environment["AFTERCARE_GO_LIVE"] = "2026-01-01"
        made.make_source().add(**session())
        yield made


def stopped(clinic: Installation) -> bool:
    engine = open_engine(clinic.environment["DATABASE_URL"])
    with engine.begin() as db:
        found = db.execute(select(PATIENTS.c.email_stopped)).scalar_one()
    engine.dispose()
    return bool(found)


def visit(page: Page, link: str) -> None:
    """Open the link, look at the page, press the button with the keyboard."""
    page.goto(link)
    assert page.title() == "Stop e-mails from Glow Skin Clinic?"
    wide = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wide, "the page scrolls sideways on a phone"
    box = page.get_by_role("button", name="Stop all e-mails").bounding_box()
    assert box is not None
    assert box["height"] >= 44, "too small for a thumb"


def test_a_text_becomes_delivered_and_a_click_unsubscribes(clinic: Installation) -> None:
    """The whole way: the worker sends, Twilio reports back, the patient opens the link."""
    clinic.one_pass()
    (text,), (mail,) = clinic.twilio.to(PHONE), clinic.mail.to(EMAIL)
    callback = text.posted["StatusCallback"]
    link = str(mail.mail["List-Unsubscribe"]).strip("<>")
    assert mail.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in mail.text
    assert f'href="{link}"' in mail.html
    with clinic.start("web") as web, httpx.Client() as client:
        web.wait_for(lambda: web.told("web.started"), "the web process")
        health = client.get(clinic.environment["PUBLIC_URL"] + "/healthz")
        assert (health.status_code, health.json()["ok"]) == (200, True)

        params = {"MessageSid": text.sid, "MessageStatus": "delivered", "ErrorCode": ""}
        assert client.post(callback, data=params).status_code == 403
        assert clinic.count("sms", Status.DELIVERED) == 0
        signature = RequestValidator(TOKEN).compute_signature(callback, params)
        signed = {"X-Twilio-Signature": signature, "Host": "evil.example.com"}
        assert client.post(callback, data=params, headers=signed).status_code == 204
        assert clinic.count("sms", Status.DELIVERED) == 1

        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            page = browser.new_page(viewport={"width": 360, "height": 640})
            said: list[str] = []
            page.on("console", lambda message: said.append(message.text))
            visit(page, link)
            assert not stopped(clinic)
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="Done: no more e-mails").wait_for()
            assert stopped(clinic)
            # The page's own style got through its content security policy.
            assert page.locator("main").evaluate("e => getComputedStyle(e).maxWidth") == "544px"
            assert [each for each in said if "Content Security Policy" in each] == []
            browser.close()
        assert web.stop() == 0
        assert urlsplit(link).path.rpartition("/")[2] not in web.output
        assert {each["route"] for each in web.told("web.request")} >= {"/unsubscribe/{token}"}


def serious_faults(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds."""
    violations = Axe().run(page).response["violations"]
    return [each for each in violations if each["impact"] in {"serious", "critical"}]


def test_the_page_is_accessible(tmp_path: Path) -> None:
    """No serious finding, in light and dark, whatever the clinic's colour is."""
    path = tmp_path / "page.html"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for colour, scheme in product(("#0f766e", "#fde047", "#888"), SCHEMES):
            html = Pages(TEMPLATES).unsubscribe(
                "ask-invitation",
                languages=["es"],
                clinic=replace(CLINIC, colour=colour),
                buttons=(Button("invitations", "invitations"), Button("all", "all")),
            )
            path.write_text(html, encoding="utf-8")
            page = browser.new_page(color_scheme=scheme, viewport={"width": 360, "height": 640})
            page.goto(path.as_uri())
            assert json.dumps(serious_faults(page)) == "[]", (colour, scheme)
            page.close()
        browser.close()

"""``aftercare preview``: one page that shows every message, in a real browser."""

from __future__ import annotations

import re
import shutil
import stat
import webbrowser
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import DESKTOP, PHONE, faults, look, sticks_out
from tests.support.command import Shell, add_clinic
from tests.support.stored import store_message, store_session
from worker.content.library import Library
from worker.parts import open_store, utc_now
from worker.resources import TEMPLATES
from worker.rules.messages import Cause, Channel, Status
from worker.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PAGE = "aftercare-preview.html"


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A shell in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


def opened(browser: Browser, file: Path) -> tuple[Page, list[str]]:
    """The page, and every address that it asks for."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.resolve().as_uri())
    return page, asked


def test_every_message_is_on_the_page(shell: Shell, browser: Browser) -> None:
    """All treatments and languages, for a sample clinic that says so, from one file alone."""
    done = shell.run("preview")
    assert (done.code, done.err) == (0, "")
    assert "No clinic is set up yet, so this shows a sample" in done.told
    assert [each.name for each in shell.folder.iterdir()] == [PAGE]
    page, asked = opened(browser, shell.folder / PAGE)
    library = Library(TEMPLATES)
    for treatment, protocol in library.protocols.items():
        for language in library.languages(treatment):
            chapter = page.locator(f"#{treatment}-{language}")
            moments = [each.name for each in protocol.milestones]
            shown = [each.get_attribute("id") for each in chapter.locator("article").all()]
            assert shown == [f"{treatment}-{language}-{name}" for name in moments]
            assert chapter.locator(".bubble").count() == len(moments)
            assert chapter.locator("iframe").count() == 4 * len(moments)
    text = page.inner_text("main")
    for told in ("GSM-7, ", "Advice: goes out always", "Also in quiet hours, for 1 hour"):
        assert told in text
    assert "Only when sessions_left > 0 and not next_session_booked" in text
    assert [each for each in asked if not each.startswith(("file:", "about:"))] == []
    page.close()


def test_the_page_fits_and_can_be_read(shell: Shell, browser: Browser) -> None:
    """On a phone and on a computer, by day and by night; the e-mails change with the switch."""
    assert shell.run("preview", "--treatment", "microneedling").code == 0
    page, _ = opened(browser, shell.folder / PAGE)
    mail = page.locator("iframe.narrow.light").first
    ground = 'getComputedStyle(document.querySelector(".body")).backgroundColor'
    look(page, PHONE, "light")
    assert (sticks_out(page), faults(page)) == ([], [])
    for link in page.locator(".chapters a").all():
        box = link.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE  # a link that is cut off is never found
    light = mail.content_frame.locator("body").evaluate(f"() => {ground}")
    look(page, DESKTOP, "dark")
    page.get_by_text("Dark", exact=True).click()
    assert (sticks_out(page), faults(page)) == ([], [])
    assert not mail.is_visible()
    dark = page.locator("iframe.narrow.dark").first
    assert dark.is_visible()
    assert (light, dark.content_frame.locator("body").evaluate(f"() => {ground}")) == (
        "rgb(255, 255, 255)",
        "rgb(28, 31, 35)",
    )
    page.close()


# Without a browser


def read(shell: Shell) -> str:
    return (shell.folder / PAGE).read_text(encoding="utf-8")


def test_the_clinic_that_is_set_up_is_shown(shell: Shell) -> None:
    """Its name, phone and colour; and what its logo would ask the network for is left out."""
    add_clinic(shell, colour="#b4531f")
    logo = "https://glow.example.com/logo.png"
    assert shell.run("clinic", "edit", "glow", "--logo-url", logo).code == 0
    done = shell.run("preview", "--treatment", "microneedling", "--clinic", "glow")
    assert (done.code, "sample" in done.out) == (0, False)
    page = read(shell)
    for fact in ("#b4531f", "910 12 34 56", "The logo is not loaded here"):
        assert fact in page
    assert "default-src 'none'" in page
    assert re.findall(r"<(?:script|link|img)\b", page) == []


def test_a_sample_says_so_and_comes_last(shell: Shell) -> None:
    """Nobody takes it for a treatment that their clinician has read."""
    assert shell.run("preview").code == 0
    first, _, last = read(shell).partition('id="chemical-peel-en"')
    assert 'id="microneedling-es"' in first
    assert ("sample to start from" in first, last.count("sample to start from")) == (False, 2)


def test_what_is_not_translated_yet_says_so(shell: Shell) -> None:
    """It is shown in the language in which patients would get it, never as an empty message."""
    shutil.copytree(TEMPLATES, shell.folder / "templates")
    (shell.folder / "templates/microneedling/es/first-day.sms.txt").unlink()
    shell.export(AFTERCARE_TEMPLATES="templates")
    assert shell.run("preview", "--treatment", "microneedling").code == 0
    note = "Not translated yet, so patients get it as in templates/microneedling/en/first-day.sms"
    assert read(shell).count(note) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--treatment", "tattoo"), "No usable treatment tattoo; there are: "),
        (("--clinic", "sol"), 'There is no clinic "sol"; there are: none'),
        (("--patient", "P9"), "Nothing is known of patient P9"),
        (("--session", "S9"), "Nothing is known of session S9"),
    ],
)
def test_what_is_not_there_is_told(shell: Shell, words: tuple[str, ...], told: str) -> None:
    """And no page is written."""
    done = shell.run("preview", *words)
    assert done.code == 1
    assert told in done.told
    assert not (shell.folder / PAGE).exists()


def test_a_database_that_does_not_answer_is_no_hindrance(shell: Shell) -> None:
    """Words can be looked at all the same, for a sample clinic."""
    shell.export(DATABASE_URL="postgresql://clinic:s3cret@127.0.0.1:1/aftercare")
    done = shell.run("preview", "--treatment", "microneedling")
    assert done.code == 0
    assert "DATABASE_URL: the worker's database does not answer" in done.told
    assert "s3cret" not in done.told + read(shell)


def test_a_faulty_template_is_shown_as_such(shell: Shell, tmp_path: Path) -> None:
    """One message has its fault in its place; the others are there."""
    for source in TEMPLATES.rglob("*"):
        if source.is_file():
            copy = tmp_path / "mine" / source.relative_to(TEMPLATES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    faulty = tmp_path / "mine" / "microneedling" / "en" / "home.sms.txt"
    faulty.write_text("{{ clinic.nonsense }}", encoding="utf-8")
    shell.export(AFTERCARE_TEMPLATES=str(tmp_path / "mine"))
    assert shell.run("preview", "--treatment", "microneedling").code == 0
    assert "mine/microneedling/en/home.sms.txt" in read(shell)
    assert read(shell).count('class="bubble"') == 11


def stored(**sent: Any) -> None:
    """A patient whose first text was sent and the second waits; the third is skipped."""
    engine, now = open_store(load_settings()), utc_now()
    with engine.begin() as db:
        store_session(db, at=now)
        ended: dict[str, Any] = {"status": Status.SENT, "cause": Cause.ACCEPTED, "sent_at": now}
        store_message(db, due_at=now, reason="Taken, says the provider", **ended, **sent)
        store_message(db, milestone="first-day", channel=Channel.EMAIL, due_at=now)
        skipped = {"status": Status.SKIPPED, "reason": "The patient has not consented to e-mails"}
        store_message(db, milestone="active-again", channel=Channel.EMAIL, due_at=now, **skipped)
    engine.dispose()


@pytest.mark.parametrize("words", [("--patient", "P1"), ("--session", "S1")])
def test_real_messages_are_shown(shell: Shell, words: tuple[str, str]) -> None:
    """What was sent as it left, what waits as it would read now, what was skipped with why."""
    stored(body="Glow: hi Ana & <b>you</b>, as it left.\nBye")
    assert shell.run("preview", *words, "--out", "ana.html").code == 0
    file = shell.folder / "ana.html"
    page = file.read_text(encoding="utf-8")
    assert "Glow: hi Ana &amp; &lt;b&gt;you&lt;/b&gt;, as it left.\nBye</p>" in page
    assert "Taken, says the provider" in page
    assert "How are you feeling?" in page
    assert "The patient has not consented to e-mails" in page
    assert page.count('class="bubble"') == 1
    assert page.count("<iframe") == 4
    # It holds a patient's words: nobody else on this machine may read them.
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_words_that_are_erased_stay_erased(shell: Shell) -> None:
    """After the retention time there is nothing to show but what happened."""
    stored()
    assert shell.run("preview", "--patient", "P1").code == 0
    assert 'class="bubble"' not in read(shell)
    assert "Taken, says the provider" in read(shell)


def test_open_shows_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the browser, by its whole path."""
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    where = ("--out", "pages/all.html", "--treatment", "microneedling")
    assert shell.run("preview", "--open", *where).code == 0
    assert shown == [(shell.folder / "pages" / "all.html").resolve().as_uri()]

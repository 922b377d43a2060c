"""Unsubscribing from an e-mail: opening never acts, posting does, and a link means one address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tests.rules.given import case
from tests.support.web_server import web_server
from tests.web.conftest import Desk, web_settings
from worker.content.links import Links
from worker.rules.messages import Cause, Channel, Status
from worker.store.kinds import SuppressionKind
from worker.store.tables import MESSAGES, PATIENT_EVENTS, PATIENTS, SUPPRESSIONS

if TYPE_CHECKING:
    from pathlib import Path

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def stopped(desk: Desk) -> list[tuple[str, str, SuppressionKind]]:
    """The addresses that get nothing."""
    columns = SUPPRESSIONS.c.channel, SUPPRESSIONS.c.address, SUPPRESSIONS.c.kind
    with desk.engine.begin() as db:
        return [(each[0].value, each[1], each[2]) for each in db.execute(select(*columns))]


def invitations_stopped(desk: Desk) -> str:
    with desk.engine.begin() as db:
        return db.execute(select(PATIENTS.c.invitations_stopped)).scalar_one()


ALL_STOPPED = [("email", "ana@example.com", SuppressionKind.OPTED_OUT)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_posting_acts(desk: Desk, method: str) -> None:
    """Scanners and previews open every link of an e-mail, however often and with whatever body."""
    before = desk.store()
    for message in (desk.care, desk.invitation):
        for query in ("", "?List-Unsubscribe=One-Click", "?stop=all"):
            desk.client.request(
                method, desk.link(message) + query, data=ONE_CLICK | {"stop": "all"}
            )
    assert desk.store() == before


@pytest.mark.parametrize(
    ("stops", "message", "posted"),
    [
        case("one click on care", "all", "care", {"data": ONE_CLICK}),
        case(
            "the same as multipart",
            "all",
            "care",
            {"files": {"List-Unsubscribe": (None, "One-Click")}},
        ),
        case("care, the page's button", "all", "care", {"data": {"stop": "all"}}),
        case("care, an empty post", "all", "care", {}),
        case(
            "care, only invitations is not offered",
            "all",
            "care",
            {"data": {"stop": "invitations"}},
        ),
        case("one click on an invitation", "invitations", "invitation", {"data": ONE_CLICK}),
        case(
            "invitation, as multipart",
            "invitations",
            "invitation",
            {"files": {"List-Unsubscribe": (None, "One-Click")}},
        ),
        case(
            "invitation, the first button",
            "invitations",
            "invitation",
            {"data": {"stop": "invitations"}},
        ),
        case("invitation, the second button", "all", "invitation", {"data": {"stop": "all"}}),
        case("invitation, an empty post", "invitations", "invitation", {}),
    ],
)
def test_what_a_post_stops(desk: Desk, stops: str, message: str, posted: dict[str, Any]) -> None:
    """Care: all e-mails to the address. Invitation: invitations, unless all was chosen."""
    everything = stops == "all"
    answer = desk.client.post(desk.link(getattr(desk, message)), **posted)
    assert answer.status_code == 200
    assert stopped(desk) == (ALL_STOPPED if everything else [])
    assert bool(invitations_stopped(desk)) is not everything
    waits, invites = desk.row(desk.waits), desk.row(desk.invites)
    assert waits.status is (Status.SKIPPED if everything else Status.PLANNED)
    assert invites.status is Status.SKIPPED
    assert invites.cause is (Cause.OPTED_OUT if everything else Cause.NO_CONSENT)
    assert "unsubscribed" in invites.reason


def test_it_is_on_record_who_said_so_and_how(desk: Desk) -> None:
    """The clinic can show that the patient did it, by the link, and when."""
    desk.client.post(desk.link(desk.care), data=ONE_CLICK)
    with desk.engine.begin() as db:
        event = db.execute(select(PATIENT_EVENTS).where(PATIENT_EVENTS.c.channel == "email")).one()
    assert (event.actor, event.how) == ("patient", "unsubscribe link")


def test_twice_is_once(desk: Desk) -> None:
    """The same click again, or the page's button after the mail program's, changes nothing."""
    desk.client.post(desk.link(desk.care), data=ONE_CLICK)
    once = desk.store()
    for posted in (ONE_CLICK, {"stop": "all"}, {}):
        assert desk.client.post(desk.link(desk.care), data=posted).status_code == 200
    assert desk.store() == once


def test_one_click_is_answered_in_a_word(desk: Desk) -> None:
    """RFC 8058: no redirect, no cookie, nobody there to read a page."""
    answer = desk.client.post(desk.link(desk.care), data=ONE_CLICK)
    assert (answer.text, answer.headers["Content-Type"]) == (
        "Unsubscribed.\n",
        "text/plain; charset=utf-8",
    )
    assert "Set-Cookie" not in answer.headers


# Whose link it is


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_not_ours_is_a_friendly_page(desk: Desk, method: str) -> None:
    """Cut off, changed, signed with another key, or about a message that is none."""
    token = desk.link(desk.care).rpartition("/")[2]
    other_key = web_settings("sqlite://", secret_key="another").secret_key
    forged = Links("http://x", other_key).unsubscribe(desk.care, "ana@example.com")
    before = desk.store()
    for bad in (
        token[:-1],
        token[1:],
        token.swapcase(),
        f"{token}x",
        "x",
        "%00",
        "ñ",
        token.partition(".")[0],
        forged.rpartition("/")[2],
        desk.link(404).rpartition("/")[2],
        desk.link(desk.text, "+34600123456").rpartition("/")[2],
        desk.link(desk.care, "somebody@example.com").rpartition("/")[2],
    ):
        answer = desk.client.request(method, f"/unsubscribe/{bad}", data=None)
        assert answer.status_code == 404, bad
        assert "This link does not work" in answer.text
        assert "910 12 34 56" in answer.text
    assert desk.store() == before


def test_the_token_tells_nothing_about_the_patient(desk: Desk) -> None:
    """No name, number or address, not even as a digest that one could try addresses against."""
    link = desk.link(desk.care)
    assert "ana" not in link.lower().replace("unsubscribe", "")
    assert "example" not in link
    page = desk.client.get(link).text
    assert "ana@example.com" not in page
    assert "Ana" not in page


def test_the_link_means_the_address_that_the_e_mail_went_to(desk: Desk) -> None:
    """The clinic mends a mistyped address: the stranger's click stops the stranger's e-mails."""
    with desk.engine.begin() as db:
        db.execute(update(PATIENTS).values(email="ana.right@example.com"))
    assert desk.client.post(desk.link(desk.care), data=ONE_CLICK).status_code == 200
    assert stopped(desk) == ALL_STOPPED
    assert desk.row(desk.waits).status is Status.PLANNED


def test_a_link_outlives_the_retention_time(desk: Desk) -> None:
    """Years later, the address erased everywhere: a kind page; should it be back, it stops."""
    link = desk.link(desk.care)
    with desk.engine.begin() as db:
        db.execute(update(MESSAGES).values(address=None))
        db.execute(update(PATIENTS).values(email=None))
    before = desk.store()
    for method in ("GET", "POST"):
        answer = desk.client.request(method, link)
        assert (answer.status_code, "nothing left to stop" in answer.text) == (200, True)
    assert desk.store() == before
    with desk.engine.begin() as db:
        db.execute(update(PATIENTS).values(email="Ana@Example.com"))
    assert desk.client.post(link, data=ONE_CLICK).status_code == 200
    assert stopped(desk) == ALL_STOPPED


# The page


def test_the_page_says_what_it_will_do(desk: Desk) -> None:
    """The clinic, what stops, what does not, and a button for each choice."""
    care = desk.client.get(desk.link(desk.care)).text
    assert "Stop e-mails from Glow Skin Clinic?" in care
    assert care.count("<button") == 1
    invitation = desk.client.get(desk.link(desk.invitation)).text
    assert invitation.index("Stop only invitations") < invitation.index("Stop all e-mails")
    done = desk.client.post(desk.link(desk.invitation), data={"stop": "invitations"}).text
    assert "Done: no more invitations" in done
    done = desk.client.post(desk.link(desk.invitation), data={"stop": "all"}).text
    assert "Done: no more e-mails" in done
    assert "<button" not in done
    again = desk.client.get(desk.link(desk.care)).text
    assert "You get no e-mails from Glow Skin Clinic" in again
    assert "<button" not in again


def test_the_page_is_in_the_language_of_the_e_mail(desk: Desk) -> None:
    """Whatever the browser speaks; without an e-mail, the browser's counts."""
    with desk.engine.begin() as db:
        db.execute(update(MESSAGES).values(language="es"))
    answer = desk.client.get(desk.link(desk.care), headers={"Accept-Language": "de"})
    assert '<html lang="es">' in answer.text
    assert "No recibir más correos" in answer.text
    for accepted, language in (("es-MX,es;q=0.9", "es"), ("../../x, tlh", "en"), ("", "en")):
        answer = desk.client.get("/unsubscribe/x", headers={"Accept-Language": accepted})
        assert f'<html lang="{language}">' in answer.text


def test_a_clinics_name_is_words_not_html(desk: Desk) -> None:
    """What staff type as the clinic's name cannot become a part of the page."""
    with desk.engine.begin() as db:
        db.exec_driver_sql("UPDATE clinics SET name = '<b>Glow & Co {{ 7 * 7 }}</b>'")
    page = desk.client.get(desk.link(desk.care)).text
    assert "&lt;b&gt;Glow &amp; Co {{ 7 * 7 }}&lt;/b&gt;" in page


@pytest.mark.parametrize("broken", ["{% if %}", "{{ nowhere }}"])
def test_a_broken_page_of_the_clinics_own_never_keeps_anybody(
    desk: Desk, tmp_path: Path, broken: str
) -> None:
    """The shipped page stands in, and the patient is unsubscribed."""
    (tmp_path / "own" / "pages").mkdir(parents=True)
    (tmp_path / "own" / "pages" / "unsubscribe.html").write_text(broken, encoding="utf-8")
    (tmp_path / "own" / "pages" / "en.toml").write_text("[ask]\nheading = 1\n", encoding="utf-8")
    settings = web_settings(desk.settings.database_url, aftercare_templates=tmp_path / "own")
    with web_server(settings) as client:
        assert "Stop all e-mails" in client.get(desk.link(desk.care)).text
        assert "Done: no more e-mails" in client.post(desk.link(desk.care)).text
    assert stopped(desk) == ALL_STOPPED


def test_the_same_on_postgresql(desk_on_postgres: Desk) -> None:
    """Looking, forging and posting."""
    desk = desk_on_postgres
    before = desk.store()
    assert desk.client.get(desk.link(desk.invitation)).status_code == 200
    assert desk.client.post("/unsubscribe/x").status_code == 404
    assert desk.store() == before
    assert desk.client.post(desk.link(desk.invitation), data=ONE_CLICK).status_code == 200
    assert desk.client.post(desk.link(desk.care), data=ONE_CLICK).status_code == 200
    assert (stopped(desk), bool(invitations_stopped(desk))) == (ALL_STOPPED, True)
    assert desk.row(desk.waits).status is Status.SKIPPED
    assert desk.row(desk.text).channel is Channel.SMS

"""``aftercare run`` as a process, from the clinic's database to what the providers received."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.home_message import (
    EMAIL,
    PHONE,
    SUBJECT,
    expected_sms,
    expected_text,
    just_completed,
    session,
    visible_words,
)
from tests.support.installation import installation
from tests.support.twilio_behaviour import NORMAL
from tests.support.twilio_server import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.installation import Installation
    from tests.support.mail_server import ReceivedMail


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Installation]:
    """A clinic that is set up, on SQLite."""
    with installation(tmp_path) as clinic:
        yield clinic


def test_a_completed_session_becomes_an_sms_and_an_email(tmp_path: Path, database_url: str) -> None:
    """Sixteen minutes after the session both messages arrive, word for word and once."""
    with installation(tmp_path, database_url) as clinic:
        clinic.set_up()
        completed = just_completed()
        clinic.make_source().add(**session(completed_at=completed))
        began = datetime.now(UTC).replace(microsecond=0)

        with clinic.start() as worker:
            worker.wait_for(lambda: clinic.count("sms") and clinic.count("email"), "both messages")
            code = worker.stop()

    assert code == 0
    body = expected_sms(completed)
    assert clinic.twilio.posts == [{"To": PHONE, "Body": body, "MessagingServiceSid": SERVICE}]
    (received,) = clinic.mail.received
    assert_headers(received, began)
    assert received.text == expected_text(completed)
    assert_html_says_the_same(received)
    assert worker.events[-1]["event"] == "worker.stopped"


def assert_headers(received: ReceivedMail, began: datetime) -> None:
    headers = dict(received.mail.items())
    sent = parsedate_to_datetime(headers.pop("Date"))
    assert began <= sent <= datetime.now(UTC)
    assert re.fullmatch(r"<[\w.]+@glow\.example\.com>", headers.pop("Message-ID"))
    assert headers.pop("Content-Type").startswith("multipart/mixed; boundary=")
    assert headers == {
        "From": "Glow Skin Clinic <notes@glow.example.com>",
        "To": EMAIL,
        "Subject": SUBJECT,
        "Reply-To": "desk@glow.example.com",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
        "MIME-Version": "1.0",
    }
    parts = [part.get_content_type() for part in received.mail.walk()]
    words = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
    assert parts == [*words, "text/calendar"]
    assert (received.mail_from, received.rcpt_to) == ("notes@glow.example.com", (EMAIL,))
    assert received.logged_in


def assert_html_says_the_same(received: ReceivedMail) -> None:
    shown = visible_words(received.html)
    lines = (" ".join(line.removeprefix("- ").split()) for line in received.text.splitlines())
    assert [line for line in lines if line not in {"", "--"} and line not in shown] == []


def test_sigterm_lets_a_call_under_way_finish(clinic: Installation) -> None:
    """Stopped in the middle of a call: its outcome is recorded, nothing more begins, exit 0."""
    clinic.twilio.script = [replace(NORMAL, delay=1)]
    clinic.make_source().add(**session())

    with clinic.start() as worker:
        worker.wait_for(lambda: clinic.twilio.posts, "the call to Twilio")
        code = worker.stop()

    assert code == 0
    assert clinic.count("sms") == len(clinic.twilio.received) == 1


def test_one_pass_does_everything_and_ends(clinic: Installation) -> None:
    """``run --once`` collects, plans and sends, exits with 0, and a second one repeats nothing."""
    clinic.make_source().add(**session())

    clinic.one_pass()
    clinic.one_pass()

    assert (len(clinic.twilio.received), len(clinic.mail.received)) == (1, 1)
    assert (clinic.count("sms"), clinic.count("email")) == (1, 1)
    assert clinic.problems() == ""


def test_trial_mode_is_the_default(clinic: Installation) -> None:
    """With every provider set up but no mode, nobody is contacted: messages land in the outbox."""
    del clinic.environment["AFTERCARE_MODE"]
    clinic.make_source().add(**session())

    clinic.one_pass()

    outbox = sorted(path.suffix for path in (clinic.folder / "aftercare-outbox").iterdir())
    assert outbox == [".eml", ".html", ".html", ".ics", ".txt"]
    assert (clinic.twilio.requests, clinic.mail.connections) == (0, 0)


def test_team_mode_contacts_only_the_team(clinic: Installation) -> None:
    """The team's own addresses get theirs for real; a patient's messages land in the outbox."""
    clinic.environment |= {"AFTERCARE_MODE": "team", "AFTERCARE_TEAM": f"{PHONE}, me@example.com"}
    clinic.make_source().add(**session())

    clinic.one_pass()

    assert [each.to for each in clinic.twilio.received] == [PHONE]
    assert clinic.mail.received == []
    assert list((clinic.folder / "aftercare-outbox").glob("*.eml"))


@pytest.mark.parametrize("once", [False, True], ids=["run", "run --once"])
def test_postgresql_wants_to_be_migrated_first(
    tmp_path: Path, postgres_url: str, *, once: bool
) -> None:
    """A database that is not up to date: exit 1, and the command to run."""
    with installation(tmp_path, postgres_url) as clinic:
        done = clinic.command("run", *(["--once"] if once else []))

    assert done.code == 1
    assert "DATABASE_URL" in done.output
    assert "aftercare migrate" in done.output


def test_every_wrong_setting_is_named_at_once(clinic: Installation) -> None:
    """One start tells everything that is wrong; nothing is begun, and no secret is repeated."""
    clinic.environment |= {
        "DATABASE_URL": "mysql://me:the-secret@host/db",
        "AFTERCARE_MODE": "alive",
        "AFTERCARE_POLL_SECONDS": "never",
    }

    done = clinic.command("run")

    assert done.code == 1
    for name in ("DATABASE_URL", "AFTERCARE_MODE", "AFTERCARE_POLL_SECONDS"):
        assert f"{name}:" in done.output
    assert "the-secret" not in done.output


def test_from_nothing_it_says_what_to_do_first(tmp_path: Path) -> None:
    """SQLite is made and migrated by itself, and the clinic that is missing is named."""
    with installation(tmp_path, f"sqlite:///{tmp_path}/new.db") as clinic:
        clinic.make_source()
        done = clinic.command("run", "--once")
        problems = clinic.problems()

    assert done.code == 1
    assert "aftercare clinic add" in done.output
    assert "aftercare clinic add" in problems

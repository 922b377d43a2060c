"""What goes wrong around the worker: a clear word on what to mend, the rest goes on, and it mends.

Every test ends with a look through all that the worker wrote (see ``installation``): in no trouble
does a log line hold a name, a number, an address, a text or a password.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.home_message import EMAIL, PHONE, session
from tests.support.installation import installation
from tests.support.mail_server import Manner
from tests.support.twilio_behaviour import DROPS_AFTER, HTML_201, HTML_500, error
from worker.rules.messages import Status
from worker.sources.row import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.installation import Installation

STAFF = "desk@glow.example.com"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Installation]:
    """A clinic that is set up, with providers that are well."""
    with installation(tmp_path) as clinic:
        yield clinic


@pytest.fixture
def nobody_there() -> Iterator[str]:
    """Host and port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def texted(clinic: Installation) -> int:
    return len(clinic.twilio.to(PHONE))


def mailed(clinic: Installation) -> int:
    return len(clinic.mail.to(EMAIL))


def test_a_wrong_twilio_token(clinic: Installation) -> None:
    """The e-mail goes, staff are told what to mend, and once mended the text goes too."""
    right = clinic.environment["TWILIO_AUTH_TOKEN"]
    clinic.environment["TWILIO_AUTH_TOKEN"] = "a-wrong-token"
    clinic.make_source().add(**session())

    clinic.one_pass()

    assert (texted(clinic), mailed(clinic)) == (0, 1)
    assert "TWILIO_" in clinic.problems()
    assert [each for each in clinic.mail.to(STAFF) if "TWILIO_" in each.text]

    clinic.environment["TWILIO_AUTH_TOKEN"] = right
    clinic.let_pauses_end()
    clinic.one_pass()

    assert (texted(clinic), mailed(clinic)) == (1, 1)
    assert clinic.problems() == ""


def test_a_mail_server_that_nobody_reaches(clinic: Installation, nobody_there: str) -> None:
    """The text goes, ``status`` names SMTP_URL, and once mended the e-mail goes too."""
    right = clinic.environment["SMTP_URL"]
    clinic.environment["SMTP_URL"] = f"smtp://{nobody_there}"
    clinic.make_source().add(**session())

    clinic.one_pass()

    assert (texted(clinic), mailed(clinic)) == (1, 0)
    assert "SMTP_URL" in clinic.problems()

    clinic.environment["SMTP_URL"] = right
    clinic.let_pauses_end()
    clinic.one_pass()

    assert (texted(clinic), mailed(clinic)) == (1, 1)


def test_a_setting_that_was_mended_ends_the_pause(clinic: Installation) -> None:
    """An account's trouble lasts until the settings change: then the next pass sends."""
    right = clinic.environment["TWILIO_AUTH_TOKEN"]
    clinic.environment["TWILIO_AUTH_TOKEN"] = "a-wrong-token"
    clinic.make_source().add(**session())
    clinic.one_pass()

    clinic.environment["TWILIO_AUTH_TOKEN"] = right
    clinic.one_pass()

    assert texted(clinic) == 1


def test_a_source_that_is_down_at_the_start(clinic: Installation) -> None:
    """The worker lives and says once what is wrong; the same process catches up by itself."""
    with clinic.start() as worker:
        worker.wait_for(lambda: worker.told("source.problem"), "the fault to be noticed")
        assert "SOURCE_URL" in clinic.problems()
        assert len(worker.told("source.problem")) == len(worker.told("stage.problem")) == 1

        clinic.make_source().add(**session())
        worker.wait_for(lambda: clinic.count("sms") and clinic.count("email"), "both messages")
        assert worker.stop() == 0

    assert (texted(clinic), mailed(clinic)) == (1, 1)
    assert clinic.problems() == ""


def test_a_view_without_a_column(clinic: Installation) -> None:
    """Consent is never assumed: nothing is read, the column is named, and once there all goes."""
    columns = tuple(name for name in COLUMNS if name != "email_consent")
    source = clinic.make_source(columns=columns)
    source.add(**session())

    assert clinic.command("run", "--once").code == 1
    assert "email_consent" in clinic.problems()
    assert (texted(clinic), mailed(clinic)) == (0, 0)

    source.table.drop(source.engine)
    clinic.make_source().add(**session())
    clinic.one_pass()

    assert (texted(clinic), mailed(clinic)) == (1, 1)


def test_rows_that_make_no_sense(clinic: Installation) -> None:
    """Four faulty rows stop nobody else; each is sent once it is mended, and none twice."""
    good = {number: session(number) for number in range(1, 6)}
    bad = {
        2: {"phone": "call my husband"},
        3: {"time_zone": "Mars/Olympus"},
        4: {"treatment": "waxing"},
        5: {"completed_at": "last Tuesday"},
    }
    source = clinic.make_source()
    for number, row in good.items():
        source.add(**{**row, **bad.get(number, {})})

    clinic.one_pass()

    assert (texted(clinic), len(clinic.twilio.received)) == (1, 1)
    assert (mailed(clinic), len(clinic.mail.received)) == (1, 2)
    assert "4 rows" in clinic.problems()

    for number, changes in bad.items():
        source.change(f"S{number}", **{name: good[number][name] for name in changes})
    clinic.one_pass()

    assert (len(clinic.twilio.received), len(clinic.mail.received)) == (5, 5)


def test_a_number_that_is_not_one(clinic: Installation) -> None:
    """Twilio says 21211: the text fails for good, the e-mail goes, and the number is left alone."""
    clinic.twilio.script = [error(21211)]
    source = clinic.make_source()
    source.add(**session())
    clinic.one_pass()

    source.add(**session(2, phone=session()["phone"]))
    clinic.one_pass()

    assert len(clinic.twilio.posts) == 1
    # The second session is planned without texts: its number is known to be dead.
    assert (clinic.count("sms", Status.FAILED), clinic.count("sms", Status.SKIPPED)) == (1, 11)
    assert len(clinic.mail.received) == 2


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_log_line_tells_about_a_patient(clinic: Installation, style: str) -> None:
    """Providers that repeat the address, drop, and answer nonsense: the log has ids only."""
    clinic.environment["LOG_FORMAT"] = style
    clinic.twilio.script = [error(21211), HTML_500, DROPS_AFTER, HTML_201, error(20003, 401)]
    replies = ("550 5.1.1", "550", "450 4.2.1", "554 5.7.1")
    clinic.mail.script = [
        *(Manner(at_rcpt=f"{reply} <{EMAIL}> {PHONE} Wilhelmina") for reply in replies),
        Manner(drops_after_data=True),
    ]
    source = clinic.make_source()
    for number in range(1, 9):
        source.add(**session(number))

    output = clinic.one_pass()

    assert "messages.sent" in output
    assert "message.settled" in output
    assert "channel.paused" in output
    assert clinic.leaks() == []

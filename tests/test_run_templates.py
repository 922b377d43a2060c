"""Templates and protocols with mistakes in them, under the real worker."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.home_message import EMAIL, PHONE, session
from tests.support.installation import installation
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.installation import Installation

SMS = "microneedling/en/home.sms.txt"
PROTOCOL = "microneedling/protocol.toml"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Installation]:
    """A clinic with templates of its own, and one session that has just ended."""
    with installation(tmp_path) as clinic:
        shutil.copytree(TEMPLATES, tmp_path / "templates")
        clinic.environment["AFTERCARE_TEMPLATES"] = str(tmp_path / "templates")
        clinic.make_source().add(**session())
        yield clinic


def arrived(clinic: Installation) -> tuple[int, int]:
    """How many texts and e-mails."""
    return len(clinic.twilio.to(PHONE)), len(clinic.mail.to(EMAIL))


def break_file(clinic: Installation, name: str) -> None:
    path = clinic.folder / "templates" / name
    text = path.read_text(encoding="utf-8")
    broken = text.replace("\nuseful_for", "\nusefull_for") if name == PROTOCOL else "Hi {{ oops"
    path.write_text(broken, encoding="utf-8")


def mend(clinic: Installation, name: str) -> None:
    shutil.copy(TEMPLATES / name, clinic.folder / "templates" / name)


def test_a_broken_template_stops_its_own_message_only(clinic: Installation) -> None:
    """The error names the file, the e-mail goes on, and once mended the text is sent."""
    break_file(clinic, SMS)

    output = clinic.one_pass()

    assert SMS in output
    assert arrived(clinic) == (0, 1)

    mend(clinic, SMS)
    clinic.let_pauses_end()
    clinic.one_pass()

    assert arrived(clinic) == (1, 1)


def test_a_template_that_was_mended_before_a_restart_is_used_at_once(clinic: Installation) -> None:
    """Whoever mends a template does not have to wait and wonder."""
    break_file(clinic, SMS)
    clinic.one_pass()

    mend(clinic, SMS)
    clinic.one_pass()

    assert arrived(clinic) == (1, 1)


def test_edits_under_a_running_worker(clinic: Installation) -> None:
    """Without a restart: what is mended is sent at once, what breaks is named, the worker lives."""
    break_file(clinic, SMS)
    with clinic.start() as worker:
        worker.wait_for(lambda: worker.told("message.template_fault"), "the fault to matter")
        mend(clinic, SMS)
        worker.wait_for(lambda: arrived(clinic) == (1, 1), "both messages")

        break_file(clinic, PROTOCOL)
        worker.wait_for(lambda: "usefull_for" in str(worker.told("templates.problem")), "its name")
        assert PROTOCOL in str(worker.told("templates.problem"))
        assert worker.stop() == 0


def test_nothing_is_sent_by_a_broken_protocol(clinic: Installation) -> None:
    """What the protocol means is not guessed; once mended, everything goes."""
    break_file(clinic, PROTOCOL)
    clinic.command("run", "--once")
    assert arrived(clinic) == (0, 0)

    mend(clinic, PROTOCOL)
    clinic.one_pass()
    assert arrived(clinic) == (1, 1)


def test_a_protocol_that_is_broken_from_the_start_is_told(clinic: Installation) -> None:
    """The worker starts with a protocol that it cannot use: log and status name file and key."""
    break_file(clinic, PROTOCOL)

    for told in (clinic.command("run", "--once").output, clinic.problems()):
        assert PROTOCOL in told
        assert "usefull_for" in told


def test_status_names_a_broken_template(clinic: Installation) -> None:
    """Patients hear nothing because of a file: that is for a person, at once, by its name."""
    break_file(clinic, SMS)
    clinic.one_pass()

    assert SMS in clinic.problems()
